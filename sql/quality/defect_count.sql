/* How often each defect of the catalogue occurs here, and for those that cannot be seen, why not.
   Why: the first page of a data review; and what is handled as normal is counted too, so that no convention of a
   source (too small, 0, cm, NOT DONE) works unseen.
   Caveats: n_handled counts what the title says in rows, days, lesions, patients or events, as the query below tells;
   it is NULL where a defect is reported instead, or where a count would say nothing.
   Grain: one row per defect_id
   Key: defect_id
   Tags: public
*/
WITH quarantined AS (
    SELECT
        defect_id,
        count(*) AS n_rows
    FROM quality.quarantine
    WHERE defect_id IS NOT NULL
    GROUP BY defect_id
),

found AS (
    SELECT
        defect_id,
        count(*) AS n_findings
    FROM quality.finding
    GROUP BY defect_id
),

setting AS (
    SELECT
        max(try_cast(value AS DOUBLE)) FILTER (WHERE name = 'baseline.latest_day') AS latest_baseline_day,
        max(value) FILTER (WHERE name = 'rules.rule_set') AS rule_set
    FROM meta.setting
    WHERE name IN ('baseline.latest_day', 'rules.rule_set')
),

result_row AS (
    SELECT
        count(*) FILTER (WHERE is_too_small) AS n_too_small,
        count(*) FILTER (WHERE is_too_small AND size_mm = 5) AS n_too_small_5,
        count(*) FILTER (WHERE is_too_small AND size_mm = 2) AS n_too_small_2,
        count(*) FILTER (WHERE is_too_small AND size_mm = 2.5) AS n_too_small_2_5,
        count(*) FILTER (WHERE is_too_small AND size_mm = 0) AS n_too_small_0,
        count(*) FILTER (WHERE result_kind = 'size' AND size_mm = 0) AS n_zero,
        count(*) FILTER (WHERE result_kind = 'size' AND contains(value_raw, '.')) AS n_decimal,
        count(*) FILTER (WHERE result_kind = 'sum') AS n_sums,
        count(*) FILTER (WHERE result_kind = 'not_done') AS n_not_done
    FROM staging.tumor_result
),

scan_time AS (
    SELECT regexp_matches(date_text, 'T[0-9:.]+(Z|[+-][0-9:]+)$') AS has_zone
    FROM staging.tumor_result_screen
    WHERE length(date_text) > 10 AND regexp_matches(date_text, 'T[0-9]')
),

scan_row AS (
    SELECT
        count(*) FILTER (WHERE NOT has_zone) AS n_with_time,
        count(*) FILTER (WHERE has_zone) AS n_with_zone
    FROM scan_time
),

measured_day AS (
    SELECT
        count(*) FILTER (WHERE diameter_mm = 0) AS n_zero,
        count(*) FILTER (WHERE is_below_limit) AS n_below_limit
    FROM core.measurement
),

measured_twice AS (
    SELECT count(*) AS n_days
    FROM (
        SELECT 1 AS one
        FROM staging.tumor_result
        WHERE result_kind = 'size' AND quantity = 'long'
        GROUP BY lesion_id, day
        HAVING count(DISTINCT test_code) > 1
    ) AS both_tests
),

early_days AS (
    SELECT count(*) AS n_lesions
    FROM (
        SELECT 1 AS one
        FROM core.measurement AS measurement
        CROSS JOIN setting
        WHERE measurement.day <= setting.latest_baseline_day
        GROUP BY measurement.lesion_id
        HAVING count(*) > 1
    ) AS several
),

unsorted AS (
    SELECT count(DISTINCT lesion_id) AS n_lesions
    FROM (
        SELECT
            lesion_id,
            source_row < lag(source_row) OVER scans AND source_file = lag(source_file) OVER scans AS is_out_of_order
        FROM core.measurement
        WINDOW scans AS (PARTITION BY lesion_id ORDER BY day)
    ) AS row_order
    WHERE is_out_of_order
),

raw_row AS (
    SELECT
        count(*) FILTER (
            WHERE upper(trim(trorresu)) IN ('CM', 'CENTIMETER', 'CENTIMETRE', 'CENTIMETERS', 'CENTIMETRES')
        ) AS n_cm,
        count(*) FILTER (
            WHERE trim(trorres) = '' OR trim(trstresc) = '' OR trim(trstresn) = '' OR trim(trorresu) = ''
            OR trim(trstresu) = '' OR trim(trstat) = '' OR trim(trreasnd) = '' OR trim(trevalid) = ''
            OR trim(tracptfl) = '' OR trim(trdtc) = '' OR trim(trdy) = '' OR trim(visit) = ''
        ) AS n_single_space
    FROM raw.tr
),

lesion AS (
    SELECT
        count(*) FILTER (WHERE baseline_day < 0) AS n_early_baseline,
        count(*) FILTER (WHERE baseline_day = 0) AS n_baseline_on_first_dose,
        count(*) FILTER (WHERE is_identified AND site_raw IS NOT NULL AND n_measurements + n_assessments > 0)
            AS n_site_from_tu,
        count(*) FILTER (WHERE organ = 'other') AS n_other,
        count(*) FILTER (WHERE site_raw <> upper(site_raw)) AS n_lower_case,
        count(*) FILTER (
            WHERE regexp_matches(
                upper(site_raw), 'SEGMENT|LOBE|LEFT|RIGHT|UPPER|LOWER|ANTERIOR|POSTERIOR|MEDIAL|LATERAL|\bS[1-8]\b'
            )
        ) AS n_detailed,
        count(*) FILTER (WHERE regexp_matches(upper(site_raw), '\b(NODES|LUNGS|BONES|KIDNEYS|OVARIES|ADRENALS)\b'))
            AS n_plural
    FROM core.lesion
),

many_targets AS (
    SELECT count(*) AS n_organs
    FROM (
        SELECT 1 AS one
        FROM core.lesion
        WHERE lesion_type = 'target' AND patient_id IS NOT NULL AND organ NOT IN ('unknown', 'other')
        GROUP BY patient_id, reader, CASE WHEN is_nodal THEN 'lymph nodes' ELSE organ END
        HAVING count(*) > 2
    ) AS several
),

node AS (
    SELECT count(*) AS n_days
    FROM core.measurement AS measurement
    INNER JOIN core.lesion AS lesion ON measurement.lesion_id = lesion.lesion_id
    WHERE lesion.is_nodal AND measurement.diameter_mm = measurement.short_axis_mm
),

lineage AS (
    SELECT
        count(*) FILTER (WHERE relation = 'split') AS n_split,
        count(DISTINCT lesion_id) FILTER (WHERE relation = 'merged') AS n_merged
    FROM core.lesion_lineage
),

label_of_readers AS (
    SELECT
        patient_id,
        lesion_label,
        count(DISTINCT reader) AS n_readers
    FROM core.lesion
    WHERE patient_id IS NOT NULL
    GROUP BY patient_id, lesion_label
),

shared_label AS (
    SELECT count(*) AS n_labels
    FROM label_of_readers
    WHERE n_readers > 1
),

label_form AS (
    SELECT DISTINCT
        study_id,
        reader,
        regexp_replace(lesion_label, '(NT|NEW|T|N)?[0-9]+.*$', '') AS form
    FROM core.lesion
),

reader_form AS (
    SELECT count(*) AS n_studies
    FROM (
        SELECT 1 AS one
        FROM label_form
        GROUP BY study_id
        HAVING count(DISTINCT reader) > 1 AND count(DISTINCT form) > 1
    ) AS several_forms
),

several_readers AS (
    SELECT count(*) AS n_patients
    FROM staging.analysis_reader
    WHERE n_readers > 1 AND patient_id IS NOT NULL
),

patient AS (
    SELECT
        count(*) FILTER (WHERE n_lesions = 0) AS n_without_lesion,
        count(*) FILTER (WHERE regexp_matches(usubjid, '^-[0-9]')) AS n_negative_id,
        count(*) FILTER (WHERE abs(try_cast(usubjid AS HUGEINT)) >= 9007199254740992) AS n_beyond_2_to_the_53
    FROM core.patient
),

interval_event AS (
    SELECT count(*) AS n_events
    FROM analysis.lesion_event AS lesion_event
    INNER JOIN setting ON lesion_event.rule_set = setting.rule_set
    WHERE
        lesion_event.endpoint = 'progression'
        AND lesion_event.source = 'observed'
        AND lesion_event.is_event
        AND lesion_event.time_lower < lesion_event.time_upper
),

time_unit AS (
    SELECT count(*) AS n_times
    FROM raw.adtte
    WHERE upper(trim(avalu)) NOT IN ('DAY', 'DAYS', 'D')
),

-- What each count is a count of: the CTE's name says the thing, the column's which of them.
handled AS (
    SELECT
        counted.defect_id,
        counted.n
    FROM (
        VALUES
        ('sizes.1a', (SELECT n_too_small FROM result_row)),
        ('sizes.1d', (SELECT n_zero FROM result_row)),
        ('sizes.1e', (SELECT n_decimal FROM result_row)),
        ('sizes.2a', (SELECT n_too_small_5 FROM result_row)),
        ('sizes.2b', (SELECT n_too_small_2 FROM result_row)),
        ('sizes.2c', (SELECT n_too_small_2_5 FROM result_row)),
        ('sizes.2d', (SELECT n_too_small_0 FROM result_row)),
        ('sizes.2e', (SELECT n_below_limit FROM measured_day)),
        ('sizes.3a', (SELECT n_zero FROM measured_day)),
        ('sizes.4a', (SELECT n_cm FROM raw_row)),
        ('sizes.5b', (SELECT n_days FROM node)),
        ('sizes.6b', (SELECT n_days FROM measured_twice)),
        ('sizes.6c', (SELECT n_sums FROM result_row)),
        ('identity.1a', (SELECT n_beyond_2_to_the_53 FROM patient)),
        ('identity.1b', (SELECT n_negative_id FROM patient)),
        ('identity.1g', (SELECT n_labels FROM shared_label)),
        ('identity.1i', (SELECT n_studies FROM reader_form)),
        ('identity.2a', (SELECT n_patients FROM several_readers)),
        ('identity.3a', (SELECT n_split FROM lineage)),
        ('identity.3b', (SELECT n_merged FROM lineage)),
        ('identity.4c', (SELECT n_without_lesion FROM patient)),
        ('time.1a', (SELECT n_early_baseline FROM lesion)),
        ('time.1b', (SELECT n_lesions FROM early_days)),
        ('time.1c', (SELECT n_baseline_on_first_dose FROM lesion)),
        ('time.2c', (SELECT n_with_time FROM scan_row)),
        ('time.2d', (SELECT n_with_zone FROM scan_row)),
        ('time.2g', (SELECT n_lesions FROM unsorted)),
        ('time.2k', (SELECT n_events FROM interval_event)),
        ('time.3a', (SELECT n_times FROM time_unit)),
        ('rows.2a', (SELECT n_not_done FROM result_row)),
        ('rows.2d', (SELECT n_single_space FROM raw_row)),
        ('rows.3b', (SELECT n_lower_case FROM lesion)),
        ('rows.3c', (SELECT n_plural FROM lesion)),
        ('rows.3d', (SELECT n_detailed FROM lesion)),
        ('rows.3f', (SELECT n_other FROM lesion)),
        ('rows.3h', (SELECT n_site_from_tu FROM lesion)),
        (
            'plausibility.1g',
            (
                SELECT many_targets.n_organs - coalesce(found.n_findings, 0)
                FROM many_targets
                LEFT JOIN found ON found.defect_id = 'plausibility.1e'
            )
        )
    ) AS counted (defect_id, n)
)

SELECT
    defect.defect_id, -- section, bullet and letter
    defect.title, -- the defect in a few words
    defect.handling, -- quarantined, finding, normal handling, refused at load or undetectable
    defect.is_detectable, -- whether a finding or a quarantined row is to be expected where the defect is
    coalesce(quarantined.n_rows, 0) AS n_quarantined, -- rows in quality.quarantine
    coalesce(found.n_findings, 0) AS n_findings, -- rows in quality.finding
    handled.n AS n_handled, -- how often it occurs and is handled as normal; NULL where not counted
    defect.reason_undetectable -- why nothing is reported; NULL where something is
FROM quality.defect AS defect
LEFT JOIN quarantined ON defect.defect_id = quarantined.defect_id
LEFT JOIN found ON defect.defect_id = found.defect_id
LEFT JOIN handled ON defect.defect_id = handled.defect_id
