/* What one simulated target lesion was made from.
   Why: a growth fit of simulated trials can be held against the truth. Empty for real trials.
   Caveats: a row whose lesion is not there, or was given already, stays out (quality.row_disposition).
   Grain: one row per lesion_id
   Key: lesion_id
*/
WITH simulated AS (
    SELECT
        sim._study_id AS study_id,
        lesion.lesion_id,
        finite_number(sim.simkg) AS kg_per_day,
        finite_number(sim.simkd) AS kd_per_day,
        finite_number(sim.simf) AS f,
        finite_number(sim.simb) AS b,
        sim._source_file AS source_file,
        sim._source_row AS source_row,
        row_number() OVER (
            PARTITION BY sim._study_id, sim._source_file, sim._source_row ORDER BY lesion.lesion_id
        ) AS place_of_row,
        row_number() OVER (
            PARTITION BY lesion.lesion_id ORDER BY sim._source_file, sim._source_row
        ) AS place_of_lesion
    FROM raw.sim AS sim
    INNER JOIN staging.subject_key AS subject_key
        ON sim._study_id = subject_key.study_id AND clean_text(sim.usubjid) = subject_key.usubjid_raw
    INNER JOIN staging.lesion AS lesion
        ON
            subject_key.patient_id = lesion.patient_id
            AND clean_text(sim.simlnkid) = lesion.lesion_label
)

SELECT
    study_id, -- text id of the study
    lesion_id, -- text id of the lesion
    kg_per_day, -- growth rate, per day
    kd_per_day, -- shrinkage rate, per day
    f, -- part of the lesion that grows, 0 to 1
    b, -- standard deviation of the proportional error of a volume
    source_file, -- file of the row
    source_row -- row in the file
FROM simulated
WHERE place_of_row = 1 AND place_of_lesion = 1
