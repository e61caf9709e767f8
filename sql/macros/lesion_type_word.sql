/* target, non-target or new, from the words sources use ('TARGET', 'Target lesion', 'NON-TARGET', 'NEW LESION',
   CDISC's synonyms 'Index' and 'Non-Index'); else NULL.
*/
CREATE OR REPLACE MACRO lesion_type_word(source_text) AS
CASE
    WHEN source_text ILIKE 'TARGET%' OR source_text ILIKE 'INDEX%' OR upper(source_text) IN ('T', 'TL') THEN 'target'
    WHEN
        source_text ILIKE 'NON-TARGET%' OR source_text ILIKE 'NON_TARGET%' OR source_text ILIKE 'NONTARGET%'
        OR source_text ILIKE 'NON-INDEX%' OR upper(source_text) IN ('NT', 'NTL')
        THEN 'non-target'
    WHEN
        source_text ILIKE 'NEW%' OR source_text ILIKE 'EQUIVOCAL NEW%' OR source_text ILIKE 'UNEQUIVOCAL NEW%'
        THEN 'new'
END;
