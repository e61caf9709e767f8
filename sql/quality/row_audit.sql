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
        101 AS step_order,
        'raw.dm -> staging.subject' AS step,
        'dm' AS domain,
        (SELECT count(*) FROM raw.dm) AS rows_in,
        (
            SELECT count(*) FROM staging.subject
            WHERE is_in_demographics
        ) AS rows_out
    UNION ALL
    SELECT
        102 AS step_order,
        'raw.tu -> staging.tumor_identification' AS step,
        'tu' AS domain,
        (SELECT count(*) FROM raw.tu) AS rows_in,
        (SELECT count(*) FROM staging.tumor_identification) AS rows_out
    UNION ALL
    SELECT
        103 AS step_order,
        'raw.tr -> staging.tumor_result' AS step,
        'tr' AS domain,
        (SELECT count(*) FROM raw.tr) AS rows_in,
        (SELECT count(*) FROM staging.tumor_result) AS rows_out
    UNION ALL
    SELECT
        104 AS step_order,
        'raw.rs -> staging.disease_response' AS step,
        'rs' AS domain,
        (SELECT count(*) FROM raw.rs) AS rows_in,
        (SELECT count(*) FROM staging.disease_response) AS rows_out
    UNION ALL
    SELECT
        105 AS step_order,
        'raw.rf -> core.radiomic_feature' AS step,
        'rf' AS domain,
        (SELECT count(*) FROM raw.rf) AS rows_in,
        (SELECT count(*) FROM core.radiomic_feature) AS rows_out
    UNION ALL
    SELECT
        106 AS step_order,
        'raw.ex -> staging.exposure' AS step,
        'ex' AS domain,
        (SELECT count(*) FROM raw.ex) AS rows_in,
        (SELECT count(*) FROM staging.exposure) AS rows_out
    UNION ALL
    SELECT
        107 AS step_order,
        'raw.ds -> staging.disposition' AS step,
        'ds' AS domain,
        (SELECT count(*) FROM raw.ds) AS rows_in,
        (SELECT count(*) FROM staging.disposition) AS rows_out
    UNION ALL
    SELECT
        108 AS step_order,
        'raw.ss -> staging.survival_status' AS step,
        'ss' AS domain,
        (SELECT count(*) FROM raw.ss) AS rows_in,
        (SELECT count(*) FROM staging.survival_status) AS rows_out
    UNION ALL
    SELECT
        109 AS step_order,
        'raw.dd -> staging.death_detail' AS step,
        'dd' AS domain,
        (SELECT count(*) FROM raw.dd) AS rows_in,
        (SELECT count(*) FROM staging.death_detail) AS rows_out
    UNION ALL
    SELECT
        110 AS step_order,
        'raw.ae -> staging.adverse_event' AS step,
        'ae' AS domain,
        (SELECT count(*) FROM raw.ae) AS rows_in,
        (SELECT count(*) FROM staging.adverse_event) AS rows_out
    UNION ALL
    SELECT
        111 AS step_order,
        'raw.lb -> staging.laboratory_result' AS step,
        'lb' AS domain,
        (SELECT count(*) FROM raw.lb) AS rows_in,
        (SELECT count(*) FROM staging.laboratory_result) AS rows_out
    UNION ALL
    SELECT
        112 AS step_order,
        'raw.pr -> staging.procedure' AS step,
        'pr' AS domain,
        (SELECT count(*) FROM raw.pr) AS rows_in,
        (SELECT count(*) FROM staging.procedure) AS rows_out
    UNION ALL
    SELECT
        112 AS step_order,
        'raw.cm -> staging.medication' AS step,
        'cm' AS domain,
        (SELECT count(*) FROM raw.cm) AS rows_in,
        (SELECT count(*) FROM staging.medication) AS rows_out
    UNION ALL
    SELECT
        113 AS step_order,
        'raw.adtte -> staging.time_to_event' AS step,
        'adtte' AS domain,
        (SELECT count(*) FROM raw.adtte) AS rows_in,
        (SELECT count(*) FROM staging.time_to_event) AS rows_out
    UNION ALL
    SELECT
        114 AS step_order,
        'raw.suppdm -> staging.subject_qualifier' AS step,
        'suppdm' AS domain,
        (SELECT count(*) FROM raw.suppdm) AS rows_in,
        (SELECT count(*) FROM staging.subject_qualifier) AS rows_out
    UNION ALL
    SELECT
        115 AS step_order,
        'raw.supptr -> staging.lesion_site_supplement' AS step,
        'supptr' AS domain,
        (SELECT count(*) FROM raw.supptr) AS rows_in,
        (SELECT count(*) FROM staging.lesion_site_supplement) AS rows_out
    UNION ALL
    SELECT
        116 AS step_order,
        'raw.supptu -> staging.tumor_site_detail' AS step,
        'supptu' AS domain,
        (SELECT count(*) FROM raw.supptu) AS rows_in,
        (SELECT count(*) FROM staging.tumor_site_detail) AS rows_out
    UNION ALL
    SELECT
        100 AS step_order,
        'raw.sim -> staging.simulated_lesion' AS step,
        'sim' AS domain,
        (SELECT count(*) FROM raw.sim) AS rows_in,
        (SELECT count(*) FROM staging.simulated_lesion) AS rows_out
    UNION ALL
    SELECT
        116 AS step_order,
        'staging.subject -> core.patient' AS step,
        NULL AS domain,
        (SELECT count(*) FROM staging.subject) AS rows_in,
        (SELECT count(*) FROM core.patient) AS rows_out
    UNION ALL
    SELECT
        117 AS step_order,
        'staging.subject_qualifier -> core.patient' AS step,
        NULL AS domain,
        (SELECT count(*) FROM staging.subject_qualifier) AS rows_in,
        (
            SELECT count(*)
            FROM staging.subject_qualifier
            WHERE qualifier IN (
                'PRIMSITE', 'LINETHER', 'PRSURG', 'PRSURGPRI', 'PRSURGLIV', 'PRSURGLUN', 'PRSURGLN', 'PRRAD', 'PRADJ',
                'KRAS', 'BMI', 'BSA', 'ECOG', 'LDHRATIO'
            )
        ) AS rows_out
    UNION ALL
    SELECT
        118 AS step_order,
        'staging.tumor_identification -> core.lesion' AS step,
        NULL AS domain,
        (SELECT count(*) FROM staging.tumor_identification) AS rows_in,
        (
            SELECT count(*) FROM core.lesion
            WHERE is_identified
        ) AS rows_out
    UNION ALL
    SELECT
        119 AS step_order,
        'staging.lesion -> core.lesion' AS step,
        NULL AS domain,
        (SELECT count(*) FROM staging.lesion) AS rows_in,
        (SELECT count(*) FROM core.lesion) AS rows_out
    UNION ALL
    SELECT
        120 AS step_order,
        'staging.tumor_result -> core.measurement' AS step,
        NULL AS domain,
        (SELECT count(*) FROM staging.tumor_result) AS rows_in,
        (SELECT count(*) FROM core.measurement) AS rows_out
    UNION ALL
    SELECT
        121 AS step_order,
        'staging.tumor_result -> core.lesion_assessment' AS step,
        NULL AS domain,
        (SELECT count(*) FROM staging.tumor_result) AS rows_in,
        (
            SELECT count(*) FROM core.lesion_assessment
            WHERE NOT is_from_size
        ) AS rows_out
    UNION ALL
    SELECT
        122 AS step_order,
        'staging.disease_response -> core.response' AS step,
        NULL AS domain,
        (SELECT count(*) FROM staging.disease_response) AS rows_in,
        (SELECT count(*) FROM core.response) AS rows_out
    UNION ALL
    SELECT
        123 AS step_order,
        'staging.disease_response -> core.patient' AS step,
        NULL AS domain,
        (SELECT count(*) FROM staging.disease_response) AS rows_in,
        (
            SELECT count(*) FROM core.patient
            WHERE best_overall_response IS NOT NULL
        ) AS rows_out
    UNION ALL
    SELECT
        124 AS step_order,
        'staging.death -> core.patient' AS step,
        NULL AS domain,
        (SELECT count(*) FROM staging.death) AS rows_in,
        (
            SELECT count(*) FROM core.patient
            WHERE is_dead
        ) AS rows_out
    UNION ALL
    SELECT
        125 AS step_order,
        'staging.exposure -> core.exposure' AS step,
        NULL AS domain,
        (SELECT count(*) FROM staging.exposure) AS rows_in,
        (SELECT count(*) FROM core.exposure) AS rows_out
    UNION ALL
    SELECT
        126 AS step_order,
        'staging.procedure -> core.procedure' AS step,
        NULL AS domain,
        (SELECT count(*) FROM staging.procedure) AS rows_in,
        (SELECT count(*) FROM core.procedure) AS rows_out
    UNION ALL
    SELECT
        127 AS step_order,
        'staging.laboratory_result -> core.biomarker' AS step,
        NULL AS domain,
        (SELECT count(*) FROM staging.laboratory_result) AS rows_in,
        (SELECT count(*) FROM core.biomarker) AS rows_out
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

set_aside AS (
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
        coalesce(set_aside.rows_excluded, 0) AS rows_excluded,
        coalesce(set_aside.rows_collapsed, 0) AS rows_collapsed,
        set_aside.reason
    FROM hop
    LEFT JOIN quarantined ON hop.domain = quarantined.domain
    LEFT JOIN set_aside ON hop.step = set_aside.step
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
    reason -- why rows were set aside, with counts; NULL when none were
FROM audit
