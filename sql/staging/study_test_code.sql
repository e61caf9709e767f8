/* What a test code of TR means in a study.
   Why: sizes, states and sums are told apart here, once, by rows of a seed and of study.yml, not by lists of codes.
   How: what study.yml says of a code (test_codes) takes precedence over staging.test_code. A code that neither
   knows is a sum where its name begins with SUM (of diameters where it ends with DIAM), else other.
   Reference: CDISC SDTM controlled terminology, code list C96779 (TRTESTCD).
   Grain: one row per study_id and test_code of raw.tr
   Key: study_id, test_code
*/
WITH used AS (
    SELECT DISTINCT
        _study_id AS study_id,
        upper(clean_text(trtestcd)) AS test_code
    FROM raw.tr
    WHERE clean_text(trtestcd) IS NOT NULL
),

-- The code of CDISC's list that a word of study.yml makes of its own code.
meant AS (
    SELECT
        stated.study_id,
        upper(trim(stated.test_code)) AS test_code,
        meaning.like_code
    FROM raw.study_test_code AS stated
    INNER JOIN (
        VALUES
        ('long_axis', 'LDIAM'),
        ('short_axis', 'LPERP'),
        ('diameter', 'DIAMETER'),
        ('viable_diameter', 'VDIAM'),
        ('volume', 'VOLUME'),
        ('state', 'TUMSTATE'),
        ('sum_of_diameters', 'SUMDIAM'),
        ('other', NULL)
    ) AS meaning (meaning, like_code) ON stated.meaning = meaning.meaning
)

SELECT
    used.study_id, -- text id of the study
    used.test_code, -- TRTESTCD, upper case
    CASE
        WHEN test_code.kind IS NOT NULL THEN test_code.kind
        WHEN meant.test_code IS NULL AND used.test_code LIKE 'SUM%' THEN 'sum'
        ELSE 'other'
    END AS kind, -- size, state, sum, derived or other
    test_code.quantity, -- of a size: long, short, viable or volume; of the others see staging.test_code
    test_code.preference, -- order among codes of one quantity, 1 first
    CASE
        WHEN test_code.kind IS NOT NULL THEN test_code.unit_quantity
        WHEN meant.test_code IS NULL AND used.test_code LIKE 'SUM%DIAM' THEN 'length'
    END AS unit_quantity, -- what its units measure: length, volume or area; NULL where it has none that is converted
    test_code.title, -- what the test is, in words; NULL where the code is not known
    meant.test_code IS NOT NULL AS is_study_stated, -- study.yml says what it means
    meant.test_code IS NOT NULL OR test_code.test_code IS NOT NULL AS is_known -- study.yml or the seed knows the code
FROM used
LEFT JOIN meant ON used.study_id = meant.study_id AND used.test_code = meant.test_code
LEFT JOIN staging.test_code AS test_code
    ON test_code.test_code = CASE WHEN meant.test_code IS NULL THEN used.test_code ELSE meant.like_code END
