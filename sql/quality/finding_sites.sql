/* Lesions whose organ is not known: rows.3 of quality.defect.
   Why: hazards, sequences and phenotypes are by organ; an organ is never guessed.
   Caveats: a site that means no organ is one finding however many lesions have it, for it is mapped once. Where no
   lesion of a type has a site in the whole study, that is one finding too: the source does not record it. Sites that
   study.yml itself maps to 'unknown' are known to be unknown.
   Grain: one row per defect found
   Key: finding_id
*/
WITH lesion AS (
    SELECT
        study_id,
        patient_id,
        lesion_id,
        reader,
        lesion_type,
        site_raw,
        organ,
        first_day,
        is_identified,
        source_file,
        source_row
    FROM staging.lesion
    -- Lesions that only radiomic features know are in no row that could have a site.
    WHERE is_identified OR has_results
),

blank AS (
    SELECT
        lesion.*,
        count(*) OVER of_type AS n_blank,
        count(DISTINCT coalesce(lesion.patient_id, lesion.lesion_id)) OVER of_type AS n_subjects,
        row_number() OVER (
            PARTITION BY lesion.study_id, lesion.lesion_type
            ORDER BY lesion.source_file, lesion.source_row, lesion.lesion_id
        ) AS place
    FROM lesion
    WHERE lesion.site_raw IS NULL
    WINDOW of_type AS (PARTITION BY lesion.study_id, lesion.lesion_type)
),

type_of_study AS (
    SELECT
        study_id,
        lesion_type,
        count(*) AS n_lesions
    FROM lesion
    GROUP BY study_id, lesion_type
),

no_site AS (
    SELECT
        'rows.3a' AS defect_id,
        blank.study_id,
        blank.patient_id,
        blank.lesion_id,
        blank.reader,
        blank.first_day AS day,
        blank.source_file,
        blank.source_row,
        CASE WHEN blank.is_identified THEN 'tu' ELSE 'tr' END AS domain,
        'tuloc' AS column_name,
        CAST(NULL AS VARCHAR) AS value,
        'The lesion has no site.' AS message
    FROM blank
    INNER JOIN type_of_study
        ON blank.study_id = type_of_study.study_id AND blank.lesion_type = type_of_study.lesion_type
    WHERE blank.n_blank < type_of_study.n_lesions OR blank.n_subjects = 1
),

no_site_throughout AS (
    SELECT
        'rows.3a' AS defect_id,
        blank.study_id,
        CAST(NULL AS VARCHAR) AS patient_id,
        CAST(NULL AS VARCHAR) AS lesion_id,
        CAST(NULL AS VARCHAR) AS reader,
        CAST(NULL AS INTEGER) AS day,
        blank.source_file,
        blank.source_row,
        CASE WHEN blank.is_identified THEN 'tu' ELSE 'tr' END AS domain,
        'tuloc' AS column_name,
        CAST(NULL AS VARCHAR) AS value,
        printf('None of the %d %s lesions of the study has a site.', blank.n_blank, blank.lesion_type) AS message
    FROM blank
    INNER JOIN type_of_study
        ON blank.study_id = type_of_study.study_id AND blank.lesion_type = type_of_study.lesion_type
    WHERE blank.n_blank = type_of_study.n_lesions AND blank.n_subjects > 1 AND blank.place = 1
),

unknown_site AS (
    SELECT
        lesion.study_id,
        lesion.site_raw,
        count(*) AS n_lesions,
        count(DISTINCT coalesce(lesion.patient_id, lesion.lesion_id)) AS n_subjects,
        min(struct_pack(
            file := lesion.source_file, row := lesion.source_row, patient := lesion.patient_id,
            lesion := lesion.lesion_id, reader := lesion.reader, day := lesion.first_day,
            domain := CASE WHEN lesion.is_identified THEN 'tu' ELSE 'tr' END
        )) AS first_lesion
    FROM lesion
    LEFT JOIN staging.site AS site ON lesion.study_id = site.study_id AND lesion.site_raw = site.site_raw
    WHERE lesion.site_raw IS NOT NULL AND lesion.organ = 'unknown' AND NOT coalesce(site.is_study_dictionary, FALSE)
    GROUP BY lesion.study_id, lesion.site_raw
),

no_organ AS (
    SELECT
        CASE WHEN regexp_matches(site_raw, '^[0-9]+$') THEN 'rows.3g' ELSE 'rows.3e' END AS defect_id,
        study_id,
        CASE WHEN n_subjects = 1 THEN first_lesion.patient END AS patient_id,
        CASE WHEN n_lesions = 1 THEN first_lesion.lesion END AS lesion_id,
        CASE WHEN n_lesions = 1 THEN first_lesion.reader END AS reader,
        CASE WHEN n_lesions = 1 THEN first_lesion.day END AS day,
        first_lesion.file AS source_file,
        first_lesion.row AS source_row,
        first_lesion.domain,
        'tuloc' AS column_name,
        site_raw AS value,
        CASE
            WHEN regexp_matches(site_raw, '^[0-9]+$') THEN 'The site is a code that study.yml does not map'
            ELSE 'The site means no organ'
        END || printf(' (lesions of all readers: %d).', n_lesions) AS message
    FROM unknown_site
),

found AS (
    SELECT * FROM no_site
    UNION ALL
    SELECT * FROM no_site_throughout
    UNION ALL
    SELECT * FROM no_organ
)

SELECT
    defect_id || ':' || row_number() OVER (
        PARTITION BY defect_id ORDER BY study_id, source_file, source_row, lesion_id
    ) AS finding_id, -- text id of the finding
    defect_id, -- entry of quality.defect
    study_id, -- text id of the study
    patient_id, -- text id of the patient; NULL when the source names no patients, or it concerns several
    lesion_id, -- text id of the lesion; NULL where it concerns several
    reader, -- who identified the lesion, '' where the source names no reader; NULL where it concerns several
    day, -- day from first dose; NULL when not known, or where it concerns several lesions
    source_file, -- file of the (first) row
    source_row, -- row in the file
    domain, -- table of raw that holds the row
    column_name, -- column at fault
    value, -- the site found; NULL when blank
    message -- what is odd about it
FROM found
