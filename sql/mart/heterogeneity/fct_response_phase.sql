/* One lesion's phases of response, stability and relapse, and how unlike it is to the patient's other lesions.
   Why: the fact behind response heterogeneity within patients.
   Caveats: a target lesion without a diameter, or of 0 mm at baseline, has no phases: its row gives the reason.
   Reference: Zhou et al. 2021, response heterogeneity by Gower distance.
   Grain: one row per lesion_id
   Key: lesion_id
   Tags: public
*/
SELECT
    phase.lesion_id, -- text id of the lesion
    lesion.patient_id, -- text id of the patient; NULL where the source does not say
    lesion.study_id, -- text id of the study
    lesion.organ, -- id of the organ
    phase.has_response, -- the lesion had a response phase
    phase.has_stable, -- the lesion had a stable phase
    phase.has_relapse, -- the lesion had a relapse phase
    phase.time_to_response_days, -- days from baseline to the response; 0 without one
    phase.stable_days, -- length of the stable phase, days
    phase.relapse_days, -- length of the relapse phase, days
    phase.nadir_ratio, -- smallest size over baseline size
    phase.last_ratio, -- last size over baseline size
    phase.is_consistent_with_total, -- the lesion goes the way of the patient's sum of diameters
    phase.exclusion_reason, -- why the lesion has no phases (no diameter, or 0 mm at baseline); NULL where it has
    gower_lesion.gower_distance, -- mean Gower distance to the patient's other lesions
    gower_patient.gower_distance AS patient_gower_distance, -- mean Gower distance between the patient's lesions
    gower_patient.n_lesions AS n_patient_lesions -- lesions of the patient in that mean
FROM analysis.lesion_phase AS phase
INNER JOIN core.lesion AS lesion ON phase.lesion_id = lesion.lesion_id
LEFT JOIN analysis.gower_lesion AS gower_lesion ON phase.lesion_id = gower_lesion.lesion_id
LEFT JOIN analysis.gower_patient AS gower_patient ON lesion.patient_id = gower_patient.patient_id
