/* The size of one lesion at one time point.
   Why: the one table that sums, growth and events are taken from.
   Caveats: diameter_mm is the size that RECIST adds up: for lymph nodes the short axis, for other lesions the long
   axis.
   A node counts by its short axis only when that was measured at every one of its time points; else by its long axis
   throughout, so that a change of method is never read as growth. The volume uses the short axis under the same
   condition, else long axis / volume.axis_ratio; a measured volume takes precedence over a derived one.
   Of two test codes of one axis that of the lower preference counts (staging.test_code): LDIAM before DIAMETER. Of two
   different sizes of one axis at one time point the accepted record counts, else a measured before an imputed one, else
   the later one, for a scan is repeated where the first was not good enough, and a baseline lies as near to treatment
   as it can; of two on one day the larger: RECIST asks for the longest diameter, and the longer of two readings is the
   nearer to it. has_conflict marks such days and
   conflicting_values shows what was found; n_days above 1 marks lesions measured on several days of one time point.
   A lesion's days are those of its scans: two lesions of one time point may have different ones.
   0 stays 0 (is_below_limit). The limit is the setting volume.limit_of_quantification_mm3.
   baseline.rule last_before_first_dose: the last measurement up to day baseline.latest_day; rule first: the first one,
   where it lies there. A lesion first measured later has no baseline; only where day 0 of the study is something else
   than the start of treatment (core.study.is_day_zero_treatment) is it the first one. New lesions have no baseline.
   Reference: Eisenhauer et al. 2009, Eur J Cancer 45:228, sections 3.1 and 4.2; Zhou et al. 2023, Methods.
   Grain: one row per lesion_id and time_point_id; a lesion has one row on a day
   Key: lesion_id, time_point_id
   Tags: public
*/
WITH limits AS (
    SELECT
        (
            SELECT CAST(value AS DOUBLE) FROM meta.setting
            WHERE name = 'volume.axis_ratio'
        ) AS axis_ratio,
        (
            SELECT CAST(value AS DOUBLE)
            FROM meta.setting
            WHERE name = 'volume.limit_of_quantification_mm3'
        ) AS limit_mm3,
        (
            SELECT CAST(value AS DOUBLE) FROM meta.setting
            WHERE name = 'baseline.latest_day'
        ) AS latest_baseline_day,
        (
            SELECT value FROM meta.setting
            WHERE name = 'baseline.rule'
        ) AS baseline_rule
),

size_row AS (
    SELECT
        tr_row,
        lesion_id,
        time_point_id,
        day,
        quantity,
        coalesce(size_mm, volume_mm3) AS size_value,
        preference,
        is_too_small,
        is_accepted,
        date_flag,
        value_raw,
        visit,
        source_file,
        source_row
    FROM staging.tumor_result
    WHERE result_kind = 'size'
),

ranked AS (
    SELECT
        size_row.*,
        row_number() OVER (
            PARTITION BY lesion_id, time_point_id, quantity
            ORDER BY
                preference ASC, is_accepted DESC, is_too_small ASC, day DESC, size_value DESC, source_file ASC,
                source_row ASC, tr_row ASC
        ) AS place
    FROM size_row
),

lesion_time AS (
    SELECT
        lesion_id,
        time_point_id,
        max(size_value) FILTER (WHERE place = 1 AND quantity = 'long') AS long_axis_mm,
        max(size_value) FILTER (WHERE place = 1 AND quantity = 'short') AS short_axis_mm,
        max(size_value) FILTER (WHERE place = 1 AND quantity = 'volume') AS measured_volume_mm3,
        bool_or(is_too_small) FILTER (WHERE place = 1) AS is_imputed,
        -- One row of the source stands for the time point: the long axis, else the short one, else the volume.
        min_by(day, quantity) FILTER (WHERE place = 1) AS day,
        min_by(coalesce(date_flag, ''), quantity) FILTER (WHERE place = 1) AS date_flag,
        min_by(value_raw, quantity) FILTER (WHERE place = 1) AS value_raw,
        min_by(visit, quantity) FILTER (WHERE place = 1) AS visit,
        min_by(source_file, quantity) FILTER (WHERE place = 1) AS source_file,
        min_by(source_row, quantity) FILTER (WHERE place = 1) AS source_row,
        count(DISTINCT day) AS n_days,
        count(*) AS n_source_rows
    FROM ranked
    GROUP BY lesion_id, time_point_id
),

conflict_day AS (
    SELECT
        lesion_id,
        day
    FROM (
        SELECT
            lesion_id,
            day,
            max(size_value) > min(size_value) AS is_conflict
        FROM size_row
        GROUP BY lesion_id, day, quantity, preference = 2
    ) AS axis_day
    GROUP BY lesion_id, day
    HAVING bool_or(is_conflict)
),

conflicting AS (
    SELECT
        tumor_result.lesion_id,
        tumor_result.day,
        string_agg(
            DISTINCT tumor_result.test_code || ' ' || tumor_result.value_raw,
            ', ' ORDER BY tumor_result.test_code || ' ' || tumor_result.value_raw
        ) AS conflicting_values
    FROM staging.tumor_result AS tumor_result
    INNER JOIN conflict_day
        ON tumor_result.lesion_id = conflict_day.lesion_id AND tumor_result.day = conflict_day.day
    WHERE tumor_result.result_kind = 'size'
    GROUP BY tumor_result.lesion_id, tumor_result.day
),

described AS (
    SELECT
        lesion_time.*,
        conflicting.conflicting_values,
        lesion.study_id,
        lesion.patient_id,
        lesion.reader,
        lesion.lesion_type,
        lesion.is_nodal,
        study.is_day_zero_treatment,
        conflicting.lesion_id IS NOT NULL AS has_conflict,
        -- A scan on which the lesion is gone or too small needs no second axis.
        bool_and(
            lesion_time.short_axis_mm IS NOT NULL OR lesion_time.is_imputed OR lesion_time.long_axis_mm = 0
        ) OVER lesion_days
        AND bool_or(lesion_time.short_axis_mm IS NOT NULL) OVER lesion_days AS has_short_axis_throughout
    FROM lesion_time
    INNER JOIN staging.lesion AS lesion ON lesion_time.lesion_id = lesion.lesion_id
    INNER JOIN core.study AS study ON lesion.study_id = study.study_id
    LEFT JOIN conflicting
        ON lesion_time.lesion_id = conflicting.lesion_id AND lesion_time.day = conflicting.day
    WINDOW lesion_days AS (PARTITION BY lesion_time.lesion_id)
),

sized AS (
    SELECT
        described.*,
        CASE
            WHEN described.is_nodal AND described.has_short_axis_throughout
                THEN coalesce(described.short_axis_mm, described.long_axis_mm)
            ELSE coalesce(described.long_axis_mm, described.short_axis_mm)
        END AS diameter_mm,
        CASE
            WHEN described.measured_volume_mm3 IS NOT NULL THEN described.measured_volume_mm3
            WHEN described.has_short_axis_throughout AND described.short_axis_mm IS NOT NULL
                THEN tumor_volume_mm3(
                    coalesce(described.long_axis_mm, described.short_axis_mm * limits.axis_ratio),
                    described.short_axis_mm
                )
            WHEN described.long_axis_mm IS NOT NULL
                THEN tumor_volume_mm3(described.long_axis_mm)
            ELSE tumor_volume_mm3(described.short_axis_mm * limits.axis_ratio, described.short_axis_mm)
        END AS volume_mm3,
        limits.limit_mm3,
        max(described.day) FILTER (WHERE described.day <= limits.latest_baseline_day) OVER lesion_days
            AS last_day_before_dose,
        min(described.day) FILTER (
            WHERE described.day <= limits.latest_baseline_day OR NOT described.is_day_zero_treatment
        ) OVER lesion_days AS first_day,
        limits.baseline_rule
    FROM described
    CROSS JOIN limits
    WINDOW lesion_days AS (PARTITION BY described.lesion_id)
)

SELECT
    lesion_id, -- text id of the lesion
    time_point_id, -- assessment that the scan belongs to
    day, -- day of the scan that counts, from first dose
    nullif(date_flag, '') AS date_flag, -- imputed part of its date, as ADaM's DTF: D day, M month and day; NULL: none
    study_id, -- text id of the study
    patient_id, -- text id of the patient; NULL when the source names no patients
    reader, -- who measured it; '' where the source names no reader
    visit, -- the source's label of the visit
    diameter_mm, -- size that sums use, mm (nodes: short axis); NULL when only a volume was measured
    long_axis_mm, -- long axis as measured, mm
    short_axis_mm, -- short axis as measured, mm
    volume_mm3, -- volume, mm3
    CASE WHEN measured_volume_mm3 IS NULL THEN 'derived' ELSE 'measured' END AS volume_source, -- derived or measured
    lesion_type <> 'new'
    AND coalesce(
        day = CASE
            WHEN baseline_rule = 'first' THEN first_day
            ELSE coalesce(last_day_before_dose, first_day)
        END, FALSE
    ) AS is_baseline, -- the lesion's baseline measurement
    volume_mm3 < limit_mm3 AS is_below_limit, -- volume below the limit of quantification
    is_imputed, -- too small to measure: the size is the study's or the setting's number, not a measurement
    value_raw, -- the result as written
    has_conflict, -- the source has different sizes of one axis on this day
    conflicting_values, -- all sizes of such a day as written; NULL without a conflict
    n_days, -- days of the time point on which the lesion was measured
    n_source_rows, -- rows of TR behind this row
    source_file, -- file of the row that stands for the day
    source_row -- row in the file
FROM sized
