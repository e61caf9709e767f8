/* The first, middle and last calendar day that a partial date leaves open, and ADaM's flag of what is missing:
   '2014-01' is 1 to 31 January 2014, its middle the 15th (D, the day); '2014', and '2014---15' without its month, are
   the year, its middle 30 June (M, month and day). Anything else is NULL.
*/
CREATE OR REPLACE MACRO partial_period(source_text) AS
CASE
    WHEN regexp_matches(trim(source_text), '^[0-9]{4}-(0[1-9]|1[0-2])-?$')
        THEN struct_pack(
            first_date := CAST(left(trim(source_text), 7) || '-01' AS DATE),
            middle_date := CAST(left(trim(source_text), 7) || '-15' AS DATE),
            last_date := last_day(CAST(left(trim(source_text), 7) || '-01' AS DATE)),
            flag := 'D'
        )
    WHEN regexp_matches(trim(source_text), '^[0-9]{4}(-?-?|---[0-3][0-9])$')
        THEN struct_pack(
            first_date := CAST(left(trim(source_text), 4) || '-01-01' AS DATE),
            middle_date := CAST(left(trim(source_text), 4) || '-06-30' AS DATE),
            last_date := CAST(left(trim(source_text), 4) || '-12-31' AS DATE),
            flag := 'M'
        )
END;
