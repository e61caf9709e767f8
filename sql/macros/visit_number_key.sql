/* A visit's number as a key: '3', '3.0' and ' 3 ' are one visit; text that is no number is itself, upper case. */
CREATE OR REPLACE MACRO visit_number_key(source_text) AS
coalesce(printf('%g', try_cast(source_text AS DOUBLE)), upper(clean_text(source_text)));
