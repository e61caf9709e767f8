/* Rows of one study that left the path from raw to core at one step, and why.
   Why: the detail behind quality.row_audit: which rows were quarantined, excluded from an output or collapsed, in
   words.
   Caveats: excluded rows are not lost: they go to another output, or have nothing to give to this one.
   Grain: one row per step, study_id, disposition and reason_id
   Key: step, study_id, disposition, reason_id
   Tags: public
*/
WITH identified AS (
    SELECT
        identification.study_id,
        identification.lesion_id,
        lesion.lesion_id IS NOT NULL AS has_lesion,
        count(*) AS n_rows
    FROM staging.tumor_identification AS identification
    LEFT JOIN core.lesion AS lesion ON identification.lesion_id = lesion.lesion_id
    GROUP BY ALL
),

numbered_result AS (
    SELECT DISTINCT
        patient_id,
        whole_day(sequence_number) AS sequence_number
    FROM staging.tumor_result
    WHERE sequence_number IS NOT NULL AND lesion_id IS NOT NULL
),

left_the_path AS (
    SELECT
        'raw.dm -> staging.subject' AS step,
        study_id,
        disposition,
        reason_id,
        count(*) AS n_rows
    FROM staging.demographics_screen
    WHERE disposition <> 'kept'
    GROUP BY ALL
    UNION ALL
    SELECT
        'raw.tu -> staging.tumor_identification' AS step,
        study_id,
        disposition,
        reason_id,
        count(*) AS n_rows
    FROM staging.tumor_identification_screen
    WHERE disposition <> 'kept'
    GROUP BY ALL
    UNION ALL
    SELECT
        'raw.tr -> staging.tumor_result' AS step,
        study_id,
        disposition,
        reason_id,
        count(*) AS n_rows
    FROM staging.tumor_result_screen
    WHERE disposition <> 'kept'
    GROUP BY ALL
    UNION ALL
    SELECT
        'raw.rs -> staging.disease_response' AS step,
        study_id,
        disposition,
        reason_id,
        count(*) AS n_rows
    FROM staging.disease_response_screen
    WHERE disposition <> 'kept'
    GROUP BY ALL
    UNION ALL
    SELECT
        'raw.rf -> core.radiomic_feature' AS step,
        study_id,
        disposition,
        reason_id,
        count(*) AS n_rows
    FROM staging.lesion_feature_screen
    WHERE disposition <> 'kept'
    GROUP BY ALL
    UNION ALL
    SELECT
        'staging.tumor_result -> core.measurement' AS step,
        study_id,
        'excluded' AS disposition,
        result_kind AS reason_id,
        count(*) AS n_rows
    FROM staging.tumor_result
    WHERE result_kind <> 'size'
    GROUP BY ALL
    UNION ALL
    SELECT
        'staging.tumor_result -> core.measurement' AS step,
        study_id,
        'collapsed' AS disposition,
        'other_axis_or_repeat_on_the_day' AS reason_id,
        sum(n_source_rows - 1) AS n_rows
    FROM core.measurement
    WHERE n_source_rows > 1
    GROUP BY ALL
    UNION ALL
    SELECT
        'staging.tumor_result -> core.lesion_assessment' AS step,
        study_id,
        'excluded' AS disposition,
        result_kind AS reason_id,
        count(*) AS n_rows
    FROM staging.tumor_result
    WHERE result_kind <> 'state'
    GROUP BY ALL
    UNION ALL
    SELECT
        'staging.tumor_result -> core.lesion_assessment' AS step,
        study_id,
        'collapsed' AS disposition,
        'repeat_on_the_day' AS reason_id,
        sum(n_source_rows - 1) AS n_rows
    FROM core.lesion_assessment
    WHERE n_source_rows > 1 AND NOT is_from_size
    GROUP BY ALL
    UNION ALL
    SELECT
        'staging.disease_response -> core.response' AS step,
        study_id,
        'excluded' AS disposition,
        CASE
            WHEN result_kind NOT IN ('response', 'new_lesion') THEN result_kind
            WHEN response_period = 'before' THEN 'history_before_the_first_dose'
            WHEN response_period = 'after' THEN 'history_after_the_next_therapy'
            ELSE 'best_overall_response'
        END AS reason_id,
        count(*) AS n_rows
    FROM staging.disease_response
    WHERE
        test_code = 'BESTRESP' OR result_kind NOT IN ('response', 'new_lesion') OR response_period <> 'on study'
    GROUP BY ALL
    UNION ALL
    SELECT
        'staging.disease_response -> core.response' AS step,
        study_id,
        'collapsed' AS disposition,
        'other_test_or_repeat_on_the_day' AS reason_id,
        sum(n_source_rows - 1) AS n_rows
    FROM core.response
    WHERE n_source_rows > 1
    GROUP BY ALL
    UNION ALL
    SELECT
        'raw.suppdm -> staging.subject_qualifier' AS step,
        _study_id AS study_id,
        'excluded' AS disposition,
        'blank' AS reason_id,
        count(*) AS n_rows
    FROM raw.suppdm
    WHERE clean_text(usubjid) IS NOT NULL AND (clean_text(qval) IS NULL OR clean_text(qnam) IS NULL)
    GROUP BY ALL
    UNION ALL
    SELECT
        'raw.suppdm -> staging.subject_qualifier' AS step,
        study_id,
        'collapsed' AS disposition,
        'repeated' AS reason_id,
        sum(n_source_rows - 1) AS n_rows
    FROM staging.subject_qualifier
    WHERE n_source_rows > 1
    GROUP BY ALL
    UNION ALL
    SELECT
        subjectless_step.step,
        subjectless_row.study_id,
        'quarantined' AS disposition,
        'no_subject' AS reason_id,
        count(*) AS n_rows
    FROM staging.subjectless_row AS subjectless_row
    INNER JOIN (
        VALUES
        ('ex', 'raw.ex -> staging.exposure'),
        ('ds', 'raw.ds -> staging.disposition'),
        ('ss', 'raw.ss -> staging.survival_status'),
        ('dd', 'raw.dd -> staging.death_detail'),
        ('ae', 'raw.ae -> staging.adverse_event'),
        ('lb', 'raw.lb -> staging.laboratory_result'),
        ('pr', 'raw.pr -> staging.procedure'),
        ('cm', 'raw.cm -> staging.medication'),
        ('adtte', 'raw.adtte -> staging.time_to_event'),
        ('suppdm', 'raw.suppdm -> staging.subject_qualifier'),
        ('supptr', 'raw.supptr -> staging.lesion_site_supplement'),
        ('supptu', 'raw.supptu -> staging.tumor_site_detail'),
        ('sim', 'raw.sim -> staging.simulated_lesion')
    ) AS subjectless_step (domain, step) ON subjectless_row.domain = subjectless_step.domain
    GROUP BY ALL
    UNION ALL
    SELECT
        'raw.ex -> staging.exposure' AS step,
        study_id,
        'collapsed' AS disposition,
        'exact_duplicate' AS reason_id,
        sum(n_source_rows - 1) AS n_rows
    FROM staging.exposure
    WHERE n_source_rows > 1
    GROUP BY ALL
    UNION ALL
    SELECT
        'raw.ds -> staging.disposition' AS step,
        study_id,
        'collapsed' AS disposition,
        'exact_duplicate' AS reason_id,
        sum(n_source_rows - 1) AS n_rows
    FROM staging.disposition
    WHERE n_source_rows > 1
    GROUP BY ALL
    UNION ALL
    SELECT
        'raw.ss -> staging.survival_status' AS step,
        study_id,
        'collapsed' AS disposition,
        'exact_duplicate' AS reason_id,
        sum(n_source_rows - 1) AS n_rows
    FROM staging.survival_status
    WHERE n_source_rows > 1
    GROUP BY ALL
    UNION ALL
    SELECT
        'raw.dd -> staging.death_detail' AS step,
        study_id,
        'collapsed' AS disposition,
        'exact_duplicate' AS reason_id,
        sum(n_source_rows - 1) AS n_rows
    FROM staging.death_detail
    WHERE n_source_rows > 1
    GROUP BY ALL
    UNION ALL
    SELECT
        'raw.ae -> staging.adverse_event' AS step,
        study_id,
        'collapsed' AS disposition,
        'exact_duplicate' AS reason_id,
        sum(n_source_rows - 1) AS n_rows
    FROM staging.adverse_event
    WHERE n_source_rows > 1
    GROUP BY ALL
    UNION ALL
    SELECT
        'raw.lb -> staging.laboratory_result' AS step,
        study_id,
        'collapsed' AS disposition,
        'exact_duplicate' AS reason_id,
        sum(n_source_rows - 1) AS n_rows
    FROM staging.laboratory_result
    WHERE n_source_rows > 1
    GROUP BY ALL
    UNION ALL
    SELECT
        'raw.pr -> staging.procedure' AS step,
        study_id,
        'collapsed' AS disposition,
        'exact_duplicate' AS reason_id,
        sum(n_source_rows - 1) AS n_rows
    FROM staging.procedure
    WHERE n_source_rows > 1
    GROUP BY ALL
    UNION ALL
    SELECT
        'raw.cm -> staging.medication' AS step,
        study_id,
        'collapsed' AS disposition,
        'exact_duplicate' AS reason_id,
        sum(n_source_rows - 1) AS n_rows
    FROM staging.medication
    WHERE n_source_rows > 1
    GROUP BY ALL
    UNION ALL
    SELECT
        'raw.adtte -> staging.time_to_event' AS step,
        study_id,
        'collapsed' AS disposition,
        'exact_duplicate' AS reason_id,
        sum(n_source_rows - 1) AS n_rows
    FROM staging.time_to_event
    WHERE n_source_rows > 1
    GROUP BY ALL
    UNION ALL
    SELECT
        'raw.supptr -> staging.lesion_site_supplement' AS step,
        study_id,
        'collapsed' AS disposition,
        'same_lesion' AS reason_id,
        sum(n_source_rows - 1) AS n_rows
    FROM staging.lesion_site_supplement
    WHERE n_source_rows > 1
    GROUP BY ALL
    UNION ALL
    SELECT
        'raw.supptr -> staging.lesion_site_supplement' AS step,
        _study_id AS study_id,
        'excluded' AS disposition,
        'no_site' AS reason_id,
        count(*) AS n_rows
    FROM raw.supptr
    WHERE
        clean_text(usubjid) IS NOT NULL
        AND NOT coalesce(
            upper(clean_text(qnam)) = 'TRLOC' AND upper(clean_text(idvar)) = 'TRSEQ'
            AND clean_text(qval) IS NOT NULL,
            FALSE
        )
    GROUP BY ALL
    UNION ALL
    SELECT
        'raw.supptr -> staging.lesion_site_supplement' AS step,
        supptr._study_id AS study_id,
        'excluded' AS disposition,
        'no_such_lesion_row' AS reason_id,
        count(*) AS n_rows
    FROM raw.supptr AS supptr
    INNER JOIN staging.subject_key AS subject_key
        ON supptr._study_id = subject_key.study_id AND clean_text(supptr.usubjid) = subject_key.usubjid_raw
    LEFT JOIN numbered_result
        ON
            subject_key.patient_id = numbered_result.patient_id
            AND whole_day(supptr.idvarval) = numbered_result.sequence_number
    WHERE
        upper(clean_text(supptr.qnam)) = 'TRLOC' AND upper(clean_text(supptr.idvar)) = 'TRSEQ'
        AND clean_text(supptr.qval) IS NOT NULL
        AND numbered_result.patient_id IS NULL
    GROUP BY ALL
    UNION ALL
    SELECT
        'raw.supptu -> staging.tumor_site_detail' AS step,
        study_id,
        'collapsed' AS disposition,
        'same_lesion' AS reason_id,
        sum(n_source_rows - 1) AS n_rows
    FROM staging.tumor_site_detail
    WHERE n_source_rows > 1
    GROUP BY ALL
    UNION ALL
    SELECT
        'raw.supptu -> staging.tumor_site_detail' AS step,
        _study_id AS study_id,
        'excluded' AS disposition,
        'no_site' AS reason_id,
        count(*) AS n_rows
    FROM raw.supptu
    WHERE
        clean_text(usubjid) IS NOT NULL
        AND NOT coalesce(
            upper(clean_text(qnam)) IN (SELECT known.qualifier FROM staging.site_qualifier AS known)
            AND upper(clean_text(idvar)) = 'TUSEQ'
            AND clean_text(qval) IS NOT NULL,
            FALSE
        )
    GROUP BY ALL
    UNION ALL
    SELECT
        'raw.supptu -> staging.tumor_site_detail' AS step,
        supptu._study_id AS study_id,
        'excluded' AS disposition,
        'no_such_lesion_row' AS reason_id,
        count(*) AS n_rows
    FROM raw.supptu AS supptu
    INNER JOIN staging.subject_key AS subject_key
        ON supptu._study_id = subject_key.study_id AND clean_text(supptu.usubjid) = subject_key.usubjid_raw
    LEFT JOIN staging.tumor_site_detail AS tumor_site_detail
        ON
            subject_key.patient_id = tumor_site_detail.patient_id
            AND whole_day(supptu.idvarval) = tumor_site_detail.sequence_number
    WHERE
        upper(clean_text(supptu.qnam)) IN (SELECT known.qualifier FROM staging.site_qualifier AS known)
        AND upper(clean_text(supptu.idvar)) = 'TUSEQ'
        AND clean_text(supptu.qval) IS NOT NULL
        AND tumor_site_detail.patient_id IS NULL
    GROUP BY ALL
    UNION ALL
    SELECT
        'raw.sim -> staging.simulated_lesion' AS step,
        sim._study_id AS study_id,
        'excluded' AS disposition,
        'no_such_lesion' AS reason_id,
        count(*) AS n_rows
    FROM raw.sim AS sim
    LEFT JOIN staging.simulated_lesion AS simulated_lesion
        ON
            sim._study_id = simulated_lesion.study_id
            AND sim._source_file = simulated_lesion.source_file
            AND sim._source_row = simulated_lesion.source_row
    WHERE clean_text(sim.usubjid) IS NOT NULL AND simulated_lesion.lesion_id IS NULL
    GROUP BY ALL
    UNION ALL
    SELECT
        'staging.tumor_identification -> core.lesion' AS step,
        study_id,
        'collapsed' AS disposition,
        'identified_again' AS reason_id,
        sum(n_rows - 1) AS n_rows
    FROM identified
    WHERE has_lesion AND n_rows > 1
    GROUP BY ALL
    UNION ALL
    SELECT
        'staging.tumor_identification -> core.lesion' AS step,
        study_id,
        'excluded' AS disposition,
        'no_reader_named_but_followed_by_named_readers' AS reason_id,
        sum(n_rows) AS n_rows
    FROM identified
    WHERE NOT has_lesion
    GROUP BY ALL
    UNION ALL
    SELECT
        'staging.subject_qualifier -> core.patient' AS step,
        study_id,
        'excluded' AS disposition,
        'not_used' AS reason_id,
        count(*) AS n_rows
    FROM staging.subject_qualifier
    WHERE
        qualifier NOT IN (
            'PRIMSITE', 'LINETHER', 'PRSURG', 'PRSURGPRI', 'PRSURGLIV', 'PRSURGLUN', 'PRSURGLN', 'PRRAD', 'PRADJ',
            'KRAS', 'BMI', 'BSA', 'ECOG', 'LDHRATIO'
        )
    GROUP BY ALL
    UNION ALL
    SELECT
        'staging.disease_response -> core.patient' AS step,
        study_id,
        'excluded' AS disposition,
        CASE
            WHEN test_code <> 'BESTRESP' OR test_code IS NULL THEN 'not_best_overall_response'
            WHEN result_kind <> 'response' THEN result_kind
            WHEN response_period <> 'on study' THEN 'history'
            WHEN NOT is_analysis_response THEN 'by_another_criterion'
            ELSE 'no_response_of_recist'
        END AS reason_id,
        count(*) AS n_rows
    FROM staging.disease_response
    WHERE
        test_code IS DISTINCT FROM 'BESTRESP' OR result_kind <> 'response' OR NOT is_analysis_response
        OR response IS NULL
    GROUP BY ALL
    UNION ALL
    SELECT
        'staging.disease_response -> core.patient' AS step,
        study_id,
        'collapsed' AS disposition,
        'other_reader_or_repeat' AS reason_id,
        count(*) - 1 AS n_rows
    FROM staging.disease_response
    WHERE test_code = 'BESTRESP' AND result_kind = 'response' AND is_analysis_response AND response IS NOT NULL
    GROUP BY study_id, patient_id
    HAVING count(*) > 1
    UNION ALL
    SELECT
        'staging.death -> core.patient' AS step,
        subject.study_id,
        'collapsed' AS disposition,
        'other_source_of_the_same_death' AS reason_id,
        count(*) - 1 AS n_rows
    FROM staging.death AS death
    INNER JOIN staging.subject AS subject ON death.patient_id = subject.patient_id
    GROUP BY subject.study_id, death.patient_id
    HAVING count(*) > 1
)

SELECT
    step, -- the step, as in quality.row_audit
    study_id, -- text id of the study
    disposition, -- quarantined, excluded or collapsed
    reason_id, -- why, as a word
    CAST(sum(n_rows) AS BIGINT) AS n_rows -- rows
FROM left_the_path
GROUP BY step, study_id, disposition, reason_id
