/* Source text without surrounding blanks; blank is NULL. */
CREATE OR REPLACE MACRO clean_text(source_text) AS
nullif(trim(source_text), '');
