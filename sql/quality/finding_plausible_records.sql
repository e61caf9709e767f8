/* Records that other records of the study contradict or make doubtful: plausibility.7 of quality.defect.
   Why: a second organ, a response without a scan and a size without a unit are taken as they are, and change results.
   How: a kind that more than five patients and more than one in 20 of the study show is the study's way: one finding
   then, with their number.
   Caveats: a response is held against the scans of every reader, and against none of a visit whose rows of TR were
   quarantined. Where lesions belong to no known patient, each counts as one.
   Reference: Eisenhauer et al. 2009, Eur J Cancer 45:228, section 4.3.
   Grain: one row per defect found
   Key: finding_id
*/
WITH flagging_study AS (
    SELECT DISTINCT study_id
    FROM staging.subject
    WHERE has_death_flag
),

death_without_flag AS (
    SELECT
        'plausibility.7a' AS defect_id,
        subject.study_id,
        subject.patient_id,
        CAST(NULL AS VARCHAR) AS lesion_id,
        CAST(NULL AS VARCHAR) AS reader,
        subject.death_day AS day,
        subject.source_file,
        subject.source_row,
        'dm' AS domain,
        'dthfl' AS column_name,
        clean_text(screen.dthfl) AS value,
        'DTHDTC ' || subject.death_date_text
        || CASE
            WHEN screen.dthfl IS NULL THEN ' without a death flag: taken as dead.'
            WHEN subject.is_death_denied THEN ', and by DTHFL alive: the date was not used.'
            ELSE ', and DTHFL is neither Y nor N: taken as dead.'
        END AS message
    FROM staging.subject AS subject
    INNER JOIN flagging_study ON subject.study_id = flagging_study.study_id
    INNER JOIN staging.demographics_screen AS screen
        ON subject.patient_id = screen.patient_id AND screen.disposition = 'kept'
    WHERE subject.death_date_text IS NOT NULL AND NOT subject.has_death_flag
),

setting AS (
    SELECT CAST(value AS INTEGER) AS window_days
    FROM meta.setting
    WHERE name = 'time_point.window_days'
),

scan AS (
    SELECT DISTINCT
        patient_id,
        day
    FROM staging.assessment_row
    WHERE is_scan AND patient_id IS NOT NULL AND day IS NOT NULL
),

-- Rows of a scan that were quarantined: they are named, and so is what is wrong with them.
unused_scan AS (
    SELECT DISTINCT
        patient_id,
        visit,
        link_group
    FROM staging.tumor_result_screen
    WHERE disposition = 'quarantined' AND patient_id IS NOT NULL
),

response_distance AS (
    SELECT
        response.rs_row,
        min(abs(scan.day - response.day)) AS distance_days,
        min_by(scan.day, struct_pack(distance := abs(scan.day - response.day), day := scan.day)) AS scan_day
    FROM staging.disease_response AS response
    INNER JOIN scan ON response.patient_id = scan.patient_id
    WHERE response.test_code = 'OVRLRESP' AND response.is_evaluable AND response.is_analysis_response
    GROUP BY response.rs_row
),

response_without_scan AS (
    SELECT
        'plausibility.7b' AS defect_id,
        response.study_id,
        response.patient_id,
        CAST(NULL AS VARCHAR) AS lesion_id,
        response.reader,
        response.day,
        response.source_file,
        response.source_row,
        'rs' AS domain,
        'rsdtc' AS column_name,
        CAST(response.day AS VARCHAR) AS value,
        printf(
            '%s on day %d; the nearest scan of the patient is of day %d.',
            response.value_raw, response.day, response_distance.scan_day
        ) AS message
    FROM staging.disease_response AS response
    INNER JOIN staging.disease_response_screen AS screen ON response.rs_row = screen.rs_row
    INNER JOIN response_distance ON response.rs_row = response_distance.rs_row
    CROSS JOIN setting
    WHERE
        response_distance.distance_days > setting.window_days
        AND NOT EXISTS (
            SELECT 1
            FROM unused_scan
            WHERE
                unused_scan.patient_id = response.patient_id
                AND (unused_scan.visit = response.visit OR unused_scan.link_group = screen.link_group)
        )
),

-- All lymph nodes are one organ here: regional and distant ones are told apart by few sources.
stated_site AS (
    SELECT
        identification.study_id,
        identification.patient_id,
        identification.lesion_id,
        identification.reader,
        identification.site_raw,
        identification.day,
        'tu' AS domain,
        'tuloc' AS column_name,
        identification.source_file,
        identification.source_row,
        CASE WHEN site.organ LIKE 'ln%' THEN 'ln' ELSE site.organ END AS organ
    FROM staging.tumor_identification AS identification
    INNER JOIN staging.site AS site
        ON identification.study_id = site.study_id AND identification.site_raw = site.site_raw
    WHERE site.organ NOT IN ('unknown', 'other')
),

ranked_site AS (
    SELECT
        *,
        first_value(organ) OVER rows_of_lesion AS first_organ,
        first_value(site_raw) OVER rows_of_lesion AS first_site
    FROM stated_site
    WINDOW rows_of_lesion AS (PARTITION BY lesion_id ORDER BY day NULLS LAST, source_file, source_row)
),

two_organs AS (
    SELECT
        'plausibility.7c' AS defect_id,
        study_id,
        patient_id,
        lesion_id,
        reader,
        day,
        source_file,
        source_row,
        domain,
        column_name,
        site_raw AS value,
        site_raw || ' here and ' || first_site || ' before: the lesion was taken to be of the first.' AS message
    FROM ranked_site
    WHERE organ <> first_organ
    QUALIFY row_number() OVER (PARTITION BY lesion_id ORDER BY day NULLS LAST, source_file, source_row) = 1
),

size_row AS (
    SELECT
        *,
        count(*) FILTER (WHERE NOT is_unit_assumed) OVER (PARTITION BY study_id, quantity) AS n_with_unit,
        count(*) OVER (PARTITION BY study_id, quantity) AS n_sizes
    FROM staging.tumor_result
    WHERE result_kind = 'size' AND NOT is_too_small AND coalesce(size_mm, volume_mm3) > 0
),

size_without_unit AS (
    SELECT
        'plausibility.7d' AS defect_id,
        study_id,
        patient_id,
        lesion_id,
        reader,
        day,
        source_file,
        source_row,
        'tr' AS domain,
        'trorresu' AS column_name,
        value_raw AS value,
        printf(
            'A size without a unit, taken as %s; %d of %d such sizes of the study have one.',
            CASE quantity WHEN 'volume' THEN 'mm3' ELSE 'mm' END, n_with_unit, n_sizes
        ) AS message
    FROM size_row
    WHERE is_unit_assumed AND n_with_unit >= n_sizes / 2
),

each_found AS (
    SELECT * FROM death_without_flag
    UNION ALL
    SELECT * FROM response_without_scan
    UNION ALL
    SELECT * FROM two_organs
    UNION ALL
    SELECT * FROM size_without_unit
),

study_size AS (
    SELECT
        study_id,
        count(*) AS n_patients
    FROM staging.subject
    GROUP BY study_id
),

share AS (
    SELECT
        each_found.defect_id,
        each_found.study_id,
        count(DISTINCT coalesce(each_found.patient_id, each_found.lesion_id)) AS n_patients,
        count(DISTINCT coalesce(each_found.patient_id, each_found.lesion_id))
        > greatest(5, coalesce(min(study_size.n_patients), 0) / 20) AS is_habit
    FROM each_found
    LEFT JOIN study_size ON each_found.study_id = study_size.study_id
    GROUP BY each_found.defect_id, each_found.study_id
),

gathered AS (
    SELECT
        each_found.*,
        share.n_patients,
        share.is_habit
    FROM each_found
    INNER JOIN share ON each_found.defect_id = share.defect_id AND each_found.study_id = share.study_id
    QUALIFY
        NOT share.is_habit
        OR row_number() OVER (
            PARTITION BY each_found.defect_id, each_found.study_id
            ORDER BY each_found.source_file, each_found.source_row, each_found.reader, each_found.message
        ) = 1
),

named_study AS (
    SELECT
        'dm' AS domain,
        _study_id AS study_id,
        clean_text(studyid) AS studyid,
        clean_text(usubjid) AS usubjid_raw,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.dm
    UNION ALL
    SELECT
        'suppdm' AS domain,
        _study_id AS study_id,
        clean_text(studyid) AS studyid,
        clean_text(usubjid) AS usubjid_raw,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.suppdm
    UNION ALL
    SELECT
        'tu' AS domain,
        _study_id AS study_id,
        clean_text(studyid) AS studyid,
        clean_text(usubjid) AS usubjid_raw,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.tu
    UNION ALL
    SELECT
        'tr' AS domain,
        _study_id AS study_id,
        clean_text(studyid) AS studyid,
        clean_text(usubjid) AS usubjid_raw,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.tr
    UNION ALL
    SELECT
        'rs' AS domain,
        _study_id AS study_id,
        clean_text(studyid) AS studyid,
        clean_text(usubjid) AS usubjid_raw,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.rs
    UNION ALL
    SELECT
        'ex' AS domain,
        _study_id AS study_id,
        clean_text(studyid) AS studyid,
        clean_text(usubjid) AS usubjid_raw,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.ex
    UNION ALL
    SELECT
        'ds' AS domain,
        _study_id AS study_id,
        clean_text(studyid) AS studyid,
        clean_text(usubjid) AS usubjid_raw,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.ds
    UNION ALL
    SELECT
        'ss' AS domain,
        _study_id AS study_id,
        clean_text(studyid) AS studyid,
        clean_text(usubjid) AS usubjid_raw,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.ss
    UNION ALL
    SELECT
        'dd' AS domain,
        _study_id AS study_id,
        clean_text(studyid) AS studyid,
        clean_text(usubjid) AS usubjid_raw,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.dd
    UNION ALL
    SELECT
        'ae' AS domain,
        _study_id AS study_id,
        clean_text(studyid) AS studyid,
        clean_text(usubjid) AS usubjid_raw,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.ae
    UNION ALL
    SELECT
        'lb' AS domain,
        _study_id AS study_id,
        clean_text(studyid) AS studyid,
        clean_text(usubjid) AS usubjid_raw,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.lb
    UNION ALL
    SELECT
        'pr' AS domain,
        _study_id AS study_id,
        clean_text(studyid) AS studyid,
        clean_text(usubjid) AS usubjid_raw,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.pr
    UNION ALL
    SELECT
        'cm' AS domain,
        _study_id AS study_id,
        clean_text(studyid) AS studyid,
        clean_text(usubjid) AS usubjid_raw,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.cm
    UNION ALL
    SELECT
        'adtte' AS domain,
        _study_id AS study_id,
        clean_text(studyid) AS studyid,
        clean_text(usubjid) AS usubjid_raw,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.adtte
    UNION ALL
    SELECT
        'supptr' AS domain,
        _study_id AS study_id,
        clean_text(studyid) AS studyid,
        clean_text(usubjid) AS usubjid_raw,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.supptr
    UNION ALL
    SELECT
        'supptu' AS domain,
        _study_id AS study_id,
        clean_text(studyid) AS studyid,
        clean_text(usubjid) AS usubjid_raw,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.supptu
    UNION ALL
    SELECT
        'rf' AS domain,
        _study_id AS study_id,
        clean_text(studyid) AS studyid,
        clean_text(usubjid) AS usubjid_raw,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.rf
),

study_name AS (
    SELECT
        study_id,
        studyid,
        count(*) AS n_rows
    FROM named_study
    WHERE studyid IS NOT NULL
    GROUP BY study_id, studyid
    QUALIFY row_number() OVER (PARTITION BY study_id ORDER BY n_rows DESC, studyid ASC) = 1
),

-- One finding per table and name, whoever is meant.
other_study AS (
    SELECT
        named_study.study_id,
        named_study.domain,
        named_study.studyid AS value,
        CASE WHEN count(DISTINCT subject_key.patient_id) = 1 THEN min(subject_key.patient_id) END AS patient_id,
        min(struct_pack(file := named_study.source_file, row := named_study.source_row)) AS source,
        printf(
            '%d rows of %d subjects are of the study %s; the others of %s.',
            count(*), count(DISTINCT named_study.usubjid_raw), named_study.studyid, min(study_name.studyid)
        ) AS message
    FROM named_study
    INNER JOIN study_name ON named_study.study_id = study_name.study_id
    LEFT JOIN staging.subject_key AS subject_key
        ON named_study.study_id = subject_key.study_id AND named_study.usubjid_raw = subject_key.usubjid_raw
    WHERE named_study.studyid <> study_name.studyid
    GROUP BY named_study.study_id, named_study.domain, named_study.studyid
),

found AS (
    SELECT
        defect_id,
        study_id,
        CASE WHEN NOT is_habit THEN patient_id END AS patient_id,
        CASE WHEN NOT is_habit THEN lesion_id END AS lesion_id,
        CASE WHEN NOT is_habit THEN reader END AS reader,
        CASE WHEN NOT is_habit THEN day END AS day,
        source_file,
        source_row,
        domain,
        column_name,
        value,
        message
        || CASE WHEN is_habit THEN printf(' So, or likewise, of %d patients of the study.', n_patients) ELSE '' END
            AS message
    FROM gathered
    UNION ALL
    SELECT
        'plausibility.7e' AS defect_id,
        study_id,
        patient_id,
        NULL AS lesion_id,
        NULL AS reader,
        NULL AS day,
        source.file AS source_file,
        source.row AS source_row,
        domain,
        'studyid' AS column_name,
        value,
        message
    FROM other_study
)

SELECT
    defect_id || ':' || row_number() OVER (
        PARTITION BY defect_id
        ORDER BY study_id, domain, source_file, source_row, lesion_id, patient_id, reader, value, message
    ) AS finding_id, -- text id of the finding
    defect_id, -- entry of quality.defect
    study_id, -- text id of the study
    patient_id, -- text id of the patient; NULL where several are meant, or the source names no patients
    lesion_id, -- text id of the lesion; NULL where it is no single lesion's
    reader, -- who read the scan or gave the response; NULL where it is no reader's, or several are meant
    day, -- day from first dose; NULL when not known, or where several are meant
    source_file, -- file of the (first) row
    source_row, -- row in the file
    domain, -- table of raw that holds the row
    column_name, -- column at fault
    value, -- the value found, or the day that it means; NULL where it is missing
    message -- what is odd about it
FROM found
