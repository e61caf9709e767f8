/* A study day from text: '42', '42.0' and ' 42 ' are 42; anything else is NULL. */
CREATE OR REPLACE MACRO whole_day(source_text) AS
CASE
    WHEN NOT contains(source_text, '.') THEN try_cast(source_text AS INTEGER)
    WHEN try_cast(source_text AS DOUBLE) = round(try_cast(source_text AS DOUBLE)) THEN try_cast(source_text AS INTEGER)
END;
