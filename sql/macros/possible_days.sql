/* The first and last day, from first dose, that a partial date leaves open; NULL where the date is no partial one. */
CREATE OR REPLACE MACRO possible_days(date_text, first_dose_date) AS
CASE
    WHEN partial_period(date_text) IS NOT NULL AND first_dose_date IS NOT NULL
        THEN struct_pack(
            first_day := CAST(date_diff('day', first_dose_date, partial_period(date_text).first_date) AS INTEGER),
            last_day := CAST(date_diff('day', first_dose_date, partial_period(date_text).last_date) AS INTEGER)
        )
END;
