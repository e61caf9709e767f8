/* A site in upper case without the words of side before or after it: 'Left femoral head', 'FEMORAL HEAD, LEFT' and
   'femoral head (L)' are FEMORAL HEAD. The words are those of CDISC's code list of laterality (C99073).
*/
CREATE OR REPLACE MACRO site_without_side(site_text) AS
regexp_replace(
    regexp_replace(
        regexp_replace(upper(trim(site_text)), '[()\[\]]', ' ', 'g'),
        '^(?:\s*(?:LEFT|RIGHT|BILATERAL|UNILATERAL|IPSILATERAL|CONTRALATERAL|LT|RT|L|R)\b[\s,.;:-]*)+',
        ''
    ),
    '(?:[\s,.;:-]+(?:LEFT|RIGHT|BILATERAL|UNILATERAL|IPSILATERAL|CONTRALATERAL|LT|RT|L|R))*[\s,.;:-]*$',
    ''
);
