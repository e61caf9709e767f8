/* How a patient's sum of diameters responded: the phases of analysis.lesion_phase, for the sum of the target lesions
   that have phases.
   Why: the yardstick against which single lesions are consistent or not.
   Caveats: the baseline is the sum of the lesions' baselines, on the latest of their baseline days; later days count
   only where every one of the lesions was measured, unless phases.sum_days is carried_forward.
   Reference: Zhou et al., Cancer Res 2021, Fig. 1
   Filled by: step response_phase
   Grain: one row per patient_id, patients with an analysed target lesion
   Key: patient_id
   Tags: public
*/
CREATE TABLE analysis.patient_phase (
    patient_id VARCHAR, -- core.patient
    has_response BOOLEAN, -- sum of diameters came down to 70 % of baseline (phases.response_ratio) before any relapse;
    -- exactly 70 % counts
    has_stable BOOLEAN, -- some time was neither response nor relapse
    has_relapse BOOLEAN, -- sum of diameters exceeded 120 % (phases.relapse_ratio) of the smallest so far, or of
    -- baseline (phases.relapse_reference); exactly 120 % does not count
    time_to_response_days DOUBLE, -- days from baseline to the response (phases.threshold_day), 0 without one; not how
    -- long it lasted
    stable_days DOUBLE, -- days that are neither response nor relapse
    relapse_days DOUBLE, -- days from the relapse (phases.threshold_day) to the last scan; 0 without relapse, and where
    -- the last scan is the day of the relapse
    follow_up_days DOUBLE, -- days from baseline to the last scan = response + stable + relapse days
    nadir_ratio DOUBLE, -- smallest sum of diameters after baseline / baseline sum of diameters; above 1 where it only
    -- grew
    last_ratio DOUBLE, -- sum of diameters on the last scan / baseline sum of diameters
    is_mixed_response BOOLEAN, -- after its first regrowth it shrank again, to 70 % (phases.response_ratio) of its
    -- largest sum of diameters since; phases.mixed_response says which regrowth then counts
    n_lesions BIGINT, -- target lesions in the sum
    n_inconsistent_lesions BIGINT, -- those of them whose phases differ from the sum's; null where the sum has no phases
    n_scans BIGINT, -- days with a complete sum, from baseline on
    baseline_sum_mm DOUBLE, -- sum of the lesions' baseline diameters; null without lesions
    exclusion_reason VARCHAR -- why the sum has no phases; null where it has
)
