/* Text in upper case with single blanks for all but letters and digits; '' where there is none. */
CREATE OR REPLACE MACRO plain_words(source_text) AS
trim(regexp_replace(upper(coalesce(source_text, '')), '[^A-Z0-9]+', ' ', 'g'));
