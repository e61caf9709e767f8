/* A number as a reader wants it beside a bar: whole from 100 on, else four significant digits. */
CREATE OR REPLACE MACRO short_number(amount) AS
CASE
    WHEN abs(amount) >= 100 THEN CAST(CAST(round(amount) AS BIGINT) AS VARCHAR)
    ELSE printf('%.4g', CAST(amount AS DOUBLE))
END;
