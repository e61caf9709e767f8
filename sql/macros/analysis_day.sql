/* Analysis relative day (ADY) of a day from the first dose: ADaM and SDTM know no day 0. */
CREATE OR REPLACE MACRO analysis_day(day) AS CASE
    WHEN day >= 0 THEN CAST(day AS DOUBLE) + 1 ELSE CAST(day AS DOUBLE)
END
