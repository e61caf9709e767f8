/* How the stated sum of diameters of a patient without target lesions responded.
   Why: sources that give patients' sums and no lesions have phases too, though no heterogeneity.
   How: the phases of analysis.lesion_phase. The baseline is the last sum up to baseline.latest_day, else the first.
   Caveats: only patients who are not in analysis.patient_phase.
   Reference: Zhou et al., Cancer Res 2021, Methods, Lesion response dynamics
   Filled by: step stated_sum_phase
   Grain: one row per patient_id, patients with a stated sum and no analysed target lesion
   Key: patient_id
   Tags: public
*/
CREATE TABLE analysis.stated_sum_phase (
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
    n_scans BIGINT, -- sums from baseline on
    baseline_sum_mm DOUBLE, -- sum at baseline, mm
    exclusion_reason VARCHAR -- why there are no phases; NULL where there are
)
