/* The day that a rule (setting dates.partial) takes for a partial date of a treatment, procedure or disposition event:
   the first of the month or year, or its middle; the first dose where that lies later within the same period. NULL
   where the date is no partial one, or the rule is 'unknown'.
*/
CREATE OR REPLACE MACRO imputed_day(date_text, first_dose_date, rule) AS
greatest(
    CAST(date_diff(
        'day', first_dose_date,
        CASE rule
            WHEN 'first' THEN partial_period(date_text).first_date
            WHEN 'middle' THEN partial_period(date_text).middle_date
        END
    ) AS INTEGER),
    CASE
        WHEN
            rule <> 'unknown'
            AND first_dose_date BETWEEN partial_period(date_text).first_date AND partial_period(date_text).last_date
            THEN 0
    END
);
