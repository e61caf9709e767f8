/* One organ of a patient that bears lesions at baseline.
   Why: where the metastases are, and how many and large, is what predictions rest on most.
   Caveats: organs without a lesion have no row. Lesions as in analysis.baseline_lesion.
   Reference: Zhou et al. 2023, Methods.
   Grain: one row per patient_id and organ
   Key: patient_id, organ
   Tags: public
*/
SELECT
    patient_id, -- text id of the patient
    organ, -- organ
    CAST(count(*) AS INTEGER) AS n_lesions, -- lesions at baseline
    CAST(count(*) FILTER (WHERE lesion_type = 'target') AS INTEGER) AS n_target_lesions, -- target lesions
    CAST(
        sum(volume_mm3 ORDER BY lesion_id) FILTER (WHERE lesion_type = 'target') AS DOUBLE
    ) AS target_volume_mm3 -- volume of the target lesions, mm3; NULL without a size
FROM analysis.baseline_lesion
GROUP BY patient_id, organ
