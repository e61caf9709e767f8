/* Length in days of a unit of time as ADaM's AVALU writes it. A month is 30.4375 days, a year 365.25. */
CREATE OR REPLACE MACRO days_in_unit(unit_text) AS
CASE
    WHEN unit_text IS NULL OR upper(trim(unit_text)) IN ('DAY', 'DAYS', 'D') THEN CAST(1 AS DOUBLE)
    WHEN upper(trim(unit_text)) IN ('WEEK', 'WEEKS', 'W') THEN CAST(7 AS DOUBLE)
    WHEN upper(trim(unit_text)) IN ('MONTH', 'MONTHS', 'MO') THEN CAST(30.4375 AS DOUBLE)
    WHEN upper(trim(unit_text)) IN ('YEAR', 'YEARS', 'Y') THEN CAST(365.25 AS DOUBLE)
END;
