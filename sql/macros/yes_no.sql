/* true or false from the words sources use (Y, YES, 1, TRUE; N, NO, 0, FALSE); anything else is NULL. */
CREATE OR REPLACE MACRO yes_no(source_text) AS
CASE
    WHEN upper(trim(source_text)) IN ('Y', 'YES', '1', 'TRUE') THEN TRUE
    WHEN upper(trim(source_text)) IN ('N', 'NO', '0', 'FALSE') THEN FALSE
END;
