/* Source text without surrounding blanks, tabs and line ends; blank is NULL. */
CREATE OR REPLACE MACRO clean_text(source_text) AS
nullif(trim(trim(source_text), chr(32) || chr(9) || chr(10) || chr(13) || chr(160)), '');
