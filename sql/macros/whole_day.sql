/* A study day from text: '42', '42.0' and ' 42 ' are 42; anything else is NULL. */
CREATE OR REPLACE MACRO whole_day(source_text) AS
CASE
    WHEN try_cast(trim(source_text) AS DOUBLE) = round(try_cast(trim(source_text) AS DOUBLE))
        AND abs(try_cast(trim(source_text) AS DOUBLE)) < 1000000
        THEN CAST(try_cast(trim(source_text) AS DOUBLE) AS INTEGER)
END;
