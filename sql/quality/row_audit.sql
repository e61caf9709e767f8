/* One hop of rows from a table to the next: what came in, and where it went.
   Why: rows in = rows out + quarantined + excluded + collapsed, at every hop from each file to core. Both sides are
   counted from the tables themselves, so that a hop that loses or doubles a row does not balance.
   How a row reads: quarantined rows are in quality.quarantine; excluded rows have nothing to give to this output
   (the states in words to core.measurement) and go to another one, or none; collapsed rows stand behind a row that
   went on (exact repeats, two axes of one size). reason says how many of each, in words.
   Caveats: one step per file and table for loading, then one for each pair of tables over all studies;
   quality.row_disposition has the detail by study. Lesions without a TU row are in staging.lesion -> core.lesion
   only.
   Grain: one row per step
   Key: step
   Tags: public
*/
WITH hop AS (
    SELECT
        counted.step_order,
        counted.step,
        counted.domain,
        counted.rows_in,
        counted.rows_out
    FROM (
        VALUES
        (
            101, 'raw.dm -> staging.subject', 'dm',
            (SELECT count(*) FROM raw.dm),
            (
                SELECT count(*) FROM staging.subject
                WHERE is_in_demographics
            )
        ),
        (
            102, 'raw.tu -> staging.tumor_identification', 'tu',
            (SELECT count(*) FROM raw.tu),
            (SELECT count(*) FROM staging.tumor_identification)
        ),
        (
            103, 'raw.tr -> staging.tumor_result', 'tr',
            (SELECT count(*) FROM raw.tr),
            (SELECT count(*) FROM staging.tumor_result)
        ),
        (
            104, 'raw.rs -> staging.disease_response', 'rs',
            (SELECT count(*) FROM raw.rs),
            (SELECT count(*) FROM staging.disease_response)
        ),
        (
            105, 'raw.rf -> core.radiomic_feature', 'rf',
            (SELECT count(*) FROM raw.rf),
            (SELECT count(*) FROM core.radiomic_feature)
        ),
        (
            106, 'raw.ex -> staging.exposure', 'ex',
            (SELECT count(*) FROM raw.ex),
            (SELECT count(*) FROM staging.exposure)
        ),
        (
            107, 'raw.ds -> staging.disposition', 'ds',
            (SELECT count(*) FROM raw.ds),
            (SELECT count(*) FROM staging.disposition)
        ),
        (
            108, 'raw.ss -> staging.survival_status', 'ss',
            (SELECT count(*) FROM raw.ss),
            (SELECT count(*) FROM staging.survival_status)
        ),
        (
            109, 'raw.dd -> staging.death_detail', 'dd',
            (SELECT count(*) FROM raw.dd),
            (SELECT count(*) FROM staging.death_detail)
        ),
        (
            110, 'raw.ae -> staging.adverse_event', 'ae',
            (SELECT count(*) FROM raw.ae),
            (SELECT count(*) FROM staging.adverse_event)
        ),
        (
            111, 'raw.lb -> staging.laboratory_result', 'lb',
            (SELECT count(*) FROM raw.lb),
            (SELECT count(*) FROM staging.laboratory_result)
        ),
        (
            112, 'raw.pr -> staging.procedure', 'pr',
            (SELECT count(*) FROM raw.pr),
            (SELECT count(*) FROM staging.procedure)
        ),
        (
            112, 'raw.cm -> staging.medication', 'cm',
            (SELECT count(*) FROM raw.cm),
            (SELECT count(*) FROM staging.medication)
        ),
        (
            113, 'raw.adtte -> staging.time_to_event', 'adtte',
            (SELECT count(*) FROM raw.adtte),
            (SELECT count(*) FROM staging.time_to_event)
        ),
        (
            114, 'raw.suppdm -> staging.subject_qualifier', 'suppdm',
            (SELECT count(*) FROM raw.suppdm),
            (SELECT count(*) FROM staging.subject_qualifier)
        ),
        (
            115, 'raw.supptr -> staging.lesion_site_supplement', 'supptr',
            (SELECT count(*) FROM raw.supptr),
            (SELECT count(*) FROM staging.lesion_site_supplement)
        ),
        (
            116, 'raw.supptu -> staging.tumor_site_detail', 'supptu',
            (SELECT count(*) FROM raw.supptu),
            (SELECT count(*) FROM staging.tumor_site_detail)
        ),
        (
            100, 'raw.sim -> staging.simulated_lesion', 'sim',
            (SELECT count(*) FROM raw.sim),
            (SELECT count(*) FROM staging.simulated_lesion)
        ),
        (
            116, 'staging.subject -> core.patient', NULL,
            (SELECT count(*) FROM staging.subject),
            (SELECT count(*) FROM core.patient)
        ),
        (
            117, 'staging.subject_qualifier -> core.patient', NULL,
            (SELECT count(*) FROM staging.subject_qualifier),
            (
                SELECT count(*) FROM staging.subject_qualifier
                WHERE qualifier IN (
                    'PRIMSITE', 'LINETHER', 'PRSURG', 'PRSURGPRI', 'PRSURGLIV', 'PRSURGLUN', 'PRSURGLN',
                    'PRRAD', 'PRADJ', 'KRAS', 'BMI', 'BSA', 'ECOG', 'LDHRATIO'
                )
            )
        ),
        (
            118, 'staging.tumor_identification -> core.lesion', NULL,
            (SELECT count(*) FROM staging.tumor_identification),
            (
                SELECT count(*) FROM core.lesion
                WHERE is_identified
            )
        ),
        (
            119, 'staging.lesion -> core.lesion', NULL,
            (SELECT count(*) FROM staging.lesion),
            (SELECT count(*) FROM core.lesion)
        ),
        (
            120, 'staging.tumor_result -> core.measurement', NULL,
            (SELECT count(*) FROM staging.tumor_result),
            (SELECT count(*) FROM core.measurement)
        ),
        (
            121, 'staging.tumor_result -> core.lesion_assessment', NULL,
            (SELECT count(*) FROM staging.tumor_result),
            (
                SELECT count(*) FROM core.lesion_assessment
                WHERE NOT is_from_size
            )
        ),
        (
            122, 'staging.disease_response -> core.response', NULL,
            (SELECT count(*) FROM staging.disease_response),
            (SELECT count(*) FROM core.response)
        ),
        (
            123, 'staging.disease_response -> core.patient', NULL,
            (SELECT count(*) FROM staging.disease_response),
            (
                SELECT count(*) FROM core.patient
                WHERE best_overall_response IS NOT NULL
            )
        ),
        (
            124, 'staging.death -> core.patient', NULL,
            (SELECT count(*) FROM staging.death),
            (
                SELECT count(*) FROM core.patient
                WHERE is_dead
            )
        ),
        (
            125, 'staging.exposure -> core.exposure', NULL,
            (SELECT count(*) FROM staging.exposure),
            (SELECT count(*) FROM core.exposure)
        ),
        (
            126, 'staging.procedure -> core.procedure', NULL,
            (SELECT count(*) FROM staging.procedure),
            (SELECT count(*) FROM core.procedure)
        ),
        (
            127, 'staging.laboratory_result -> core.biomarker', NULL,
            (SELECT count(*) FROM staging.laboratory_result),
            (SELECT count(*) FROM core.biomarker)
        )
    ) AS counted (step_order, step, domain, rows_in, rows_out)
),

quarantined AS (
    SELECT
        domain,
        count(*) AS n_rows
    FROM quality.quarantine
    WHERE stage = 'staging'
    GROUP BY domain
),

reason AS (
    SELECT
        step,
        disposition,
        reason_id,
        sum(n_rows) AS n_rows
    FROM quality.row_disposition
    GROUP BY step, disposition, reason_id
),

accounted AS (
    SELECT
        step,
        sum(n_rows) FILTER (WHERE disposition = 'excluded') AS rows_excluded,
        sum(n_rows) FILTER (WHERE disposition = 'collapsed') AS rows_collapsed,
        string_agg(disposition || ': ' || reason_id || ' ' || n_rows, '; ' ORDER BY disposition, reason_id) AS reason
    FROM reason
    GROUP BY step
),

loaded AS (
    SELECT
        'file ' || study_id || '/' || source_file || ' -> raw.' || domain AS step,
        sum(rows_in_file) AS rows_in,
        sum(rows_loaded) AS rows_out,
        sum(rows_quarantined) AS rows_quarantined,
        0 AS rows_excluded,
        0 AS rows_collapsed
    FROM raw.load_audit
    GROUP BY study_id, source_file, domain
    UNION ALL
    SELECT
        'file ' || study_id || '/' || source_file || ' -> raw.' || domain || ' (derived)' AS step,
        sum(rows_in) AS rows_in,
        sum(rows_out) AS rows_out,
        0 AS rows_quarantined,
        0 AS rows_excluded,
        sum(rows_collapsed) AS rows_collapsed
    FROM raw.derivation
    GROUP BY study_id, source_file, domain
),

audit AS (
    SELECT
        CAST(row_number() OVER (ORDER BY step) AS INTEGER) AS step_order,
        step,
        rows_in,
        rows_out,
        rows_quarantined,
        rows_excluded,
        rows_collapsed,
        NULL AS reason
    FROM loaded
    UNION ALL
    SELECT
        1000000 + hop.step_order AS step_order,
        hop.step,
        hop.rows_in,
        hop.rows_out,
        coalesce(quarantined.n_rows, 0) AS rows_quarantined,
        coalesce(accounted.rows_excluded, 0) AS rows_excluded,
        coalesce(accounted.rows_collapsed, 0) AS rows_collapsed,
        accounted.reason
    FROM hop
    LEFT JOIN quarantined ON hop.domain = quarantined.domain
    LEFT JOIN accounted ON hop.step = accounted.step
)

SELECT
    step, -- from -> to
    CAST(row_number() OVER (ORDER BY step_order, step) AS INTEGER) AS step_order, -- order from file to core
    CAST(rows_in AS BIGINT) AS rows_in, -- rows that came in
    CAST(rows_out AS BIGINT) AS rows_out, -- rows that went on
    CAST(rows_quarantined AS BIGINT) AS rows_quarantined, -- rows in quality.quarantine
    CAST(rows_excluded AS BIGINT) AS rows_excluded, -- rows that have nothing to give to this output
    CAST(rows_collapsed AS BIGINT) AS rows_collapsed, -- rows that stand behind a row that went on
    rows_in = rows_out + rows_quarantined + rows_excluded + rows_collapsed AS is_balanced, -- every row is accounted for
    reason -- why rows were excluded or collapsed, with counts; NULL when none were
FROM audit
