/* The reader as it stands in a lesion's id: no blanks, no slashes; '-' when the source names no reader. */
CREATE OR REPLACE MACRO reader_code(reader) AS
coalesce(replace(replace(reader, ' / ', '.'), ' ', '_'), '-');
