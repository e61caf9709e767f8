/* One measurement of a lesion beside its baseline and its nadir.
   Why: every rule on size compares a scan with one of the two; they are worked out once, here.
   Caveats: the nadir is the smallest value at or after baseline and before the scan, baseline included (RECIST
   1.1), so it is empty at baseline itself and before it. Rows without a value stay, but are no scan to judge by. A
   baseline of 0 leaves the percent change empty. New lesions have no baseline. From the day of a local treatment on a
   lesion's sizes are left out here, unless local_treatment.policy is kept (analysis.local_treatment);
   core.measurement has them. From a merging or splitting on a size is compared with nothing (analysis.lineage_change):
   it stays here for the sums.
   Reference: Eisenhauer et al. 2009, Eur J Cancer 45:228, section 4.3.
   Grain: one row per lesion_id and day, which is one per lesion_id and time_point_id
   Key: lesion_id, day
*/
WITH measurement AS (
    SELECT
        measurement.lesion_id,
        measurement.day,
        measurement.time_point_id,
        CASE WHEN treated.lesion_id IS NULL THEN measurement.diameter_mm END AS diameter_mm,
        CASE WHEN treated.lesion_id IS NULL THEN measurement.volume_mm3 END AS volume_mm3,
        CASE WHEN treated.lesion_id IS NULL THEN measurement.is_imputed END AS is_imputed,
        treated.lesion_id IS NOT NULL AS is_after_local_treatment,
        measurement.source_file,
        measurement.source_row,
        lesion.baseline_day,
        changed.lesion_id IS NOT NULL AS is_after_lineage_change
    FROM core.measurement AS measurement
    INNER JOIN core.lesion AS lesion ON measurement.lesion_id = lesion.lesion_id
    LEFT JOIN analysis.local_treatment AS treated
        ON measurement.lesion_id = treated.lesion_id AND measurement.day >= treated.not_evaluable_from
    LEFT JOIN analysis.lineage_change AS changed
        ON measurement.lesion_id = changed.lesion_id AND measurement.day >= changed.changed_day
),

baseline AS (
    SELECT
        lesion_id,
        diameter_mm,
        volume_mm3
    FROM measurement
    WHERE day = baseline_day
),

-- From baseline on only: what a lesion measured before it is not part of the nadir.
nadir AS (
    SELECT
        lesion_id,
        day,
        min(diameter_mm) OVER so_far AS nadir_diameter_mm,
        min(volume_mm3) OVER so_far AS nadir_volume_mm3,
        max(day) FILTER (WHERE diameter_mm IS NOT NULL) OVER so_far AS previous_diameter_day,
        max(day) FILTER (WHERE volume_mm3 IS NOT NULL) OVER so_far AS previous_volume_day
    FROM measurement
    WHERE day >= baseline_day
    WINDOW
        so_far AS (PARTITION BY lesion_id ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
)

SELECT
    measurement.lesion_id, -- text id of the lesion
    measurement.day, -- day of the scan, from first dose
    measurement.time_point_id, -- assessment that the scan belongs to
    measurement.baseline_day, -- the lesion's baseline day; NULL where it has none
    coalesce(measurement.day > measurement.baseline_day, FALSE) AS is_after_baseline, -- after the baseline scan
    measurement.diameter_mm, -- diameter as RECIST counts it (short axis for nodes where measured throughout), mm
    measurement.volume_mm3, -- volume, mm3
    baseline.diameter_mm AS baseline_diameter_mm, -- diameter at baseline, mm
    baseline.volume_mm3 AS baseline_volume_mm3, -- volume at baseline as of that scan, mm3
    nadir.nadir_diameter_mm, -- smallest diameter from baseline to the scan before, mm
    nadir.nadir_volume_mm3, -- smallest volume from baseline to the scan before, mm3
    nadir.previous_diameter_day, -- last day before this one, from baseline on, with a diameter
    nadir.previous_volume_day, -- last day before this one, from baseline on, with a volume
    100 * (measurement.diameter_mm - baseline.diameter_mm)
    / nullif(baseline.diameter_mm, 0) AS change_from_baseline_percent, -- change in diameter from baseline, percent
    measurement.diameter_mm - nadir.nadir_diameter_mm AS change_from_nadir_mm, -- change in diameter from the nadir, mm
    100 * (measurement.diameter_mm - nadir.nadir_diameter_mm)
    / nullif(nadir.nadir_diameter_mm, 0) AS change_from_nadir_percent, -- the same in percent; NULL from a nadir of 0
    measurement.is_after_lineage_change, -- merged or split: compared with nothing
    measurement.is_imputed, -- the size stands for 'too small to measure'
    measurement.is_after_local_treatment, -- not evaluable any more: the sizes are left out
    measurement.source_file, -- file that the measurement comes from
    measurement.source_row -- its row in that file
FROM measurement
LEFT JOIN baseline ON measurement.lesion_id = baseline.lesion_id AND NOT measurement.is_after_lineage_change
LEFT JOIN nadir
    ON
        measurement.lesion_id = nadir.lesion_id
        AND measurement.day = nadir.day
        AND NOT measurement.is_after_lineage_change
