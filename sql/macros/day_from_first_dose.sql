/* Days since the first dose (day 0), from a stated study day or else from a date.
   SDTM study days count from RFSTDTC and have no day 0: day 1 is the reference day itself, day -1 the day before.
   A source that says 'zero_based' counts from the first dose already.
   reference_shift_days = RFXSTDTC - RFSTDTC: days between the SDTM reference start and the first dose.
   A stated day takes precedence over a date, for a stated day cannot be partial.
*/
CREATE OR REPLACE MACRO day_from_first_dose(
    stated_day, date_text, first_dose_date, day_convention, reference_shift_days
) AS
CASE
    WHEN whole_day(stated_day) IS NULL
        THEN CAST(date_diff('day', first_dose_date, full_date(date_text)) AS INTEGER)
    WHEN day_convention = 'zero_based'
        THEN whole_day(stated_day)
    ELSE
        whole_day(stated_day)
        - CASE WHEN whole_day(stated_day) >= 1 THEN 1 ELSE 0 END
        - coalesce(reference_shift_days, 0)
END;
