/* The number that a text is. Anything else is NULL, also 'nan', 'inf', a number too large for a double ('1e400') and
   '1_000', which DuckDB alone would take.
*/
CREATE OR REPLACE MACRO finite_number(source_text) AS
CASE
    WHEN isfinite(try_cast(source_text AS DOUBLE)) AND NOT contains(source_text, '_')
        THEN try_cast(source_text AS DOUBLE)
END;
