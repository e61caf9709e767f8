/* An id as a table writes it, without surrounding blanks; NULL where the text says that there is none, as '.', 'nan'
   and 'NA' do. Such words stand in exports of missing values, and would make one patient or lesion of many.
*/
CREATE OR REPLACE MACRO known_id(source_text) AS
CASE
    WHEN
        upper(clean_text(source_text))
        NOT IN ('.', '-', '--', 'NAN', 'NA', 'N/A', '#N/A', '<NA>', 'NULL', 'NONE', 'NAT', 'MISSING')
        THEN clean_text(source_text)
END;
