/* target, non-target or new, from the words sources use ('TARGET', 'Target lesion', 'NON-TARGET', 'NEW LESION'); else NULL. */
CREATE OR REPLACE MACRO lesion_type_word(source_text) AS
CASE
    WHEN source_text IS NULL THEN NULL
    WHEN regexp_matches(upper(trim(source_text)), '^NEW') THEN 'new'
    WHEN regexp_matches(upper(trim(source_text)), '^(NON[- _]?TARGET|NT$|NONT)') THEN 'non-target'
    WHEN regexp_matches(upper(trim(source_text)), '^(TARGET|T$|TL$)') THEN 'target'
END;
