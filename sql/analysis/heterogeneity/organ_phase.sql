/* How the target lesions of one organ of a patient responded: phases of the sum of their diameters, and whether the
   organ shrank.
   Why: liver lesions may respond where others do not, and survival may follow the liver.
   How: the lesions are those with phases, the rules those of analysis.lesion_phase. The sum counts days with all of the
   organ's lesions measured; where there is none after baseline, or phases.sum_days is carried_forward, lesions not
   measured keep their last size.
   Caveats: shrinkage is the deepest after baseline, at whatever time; 'not liver' is all lesions outside the liver as
   one sum, likewise 'not lung' and 'not ln'.
   Reference: Zhou et al., Cancer Res 2021, Fig. 6 and S8
   Filled by: step organ_phase
   Grain: one row per patient_id and organ_set in which the patient has a lesion with phases
   Key: patient_id, organ_set
   Tags: public
*/
CREATE TABLE analysis.organ_phase (
    patient_id VARCHAR, -- core.patient
    organ_set VARCHAR, -- analysis.pooled_organ.organ_class, or 'not liver', 'not lung', 'not ln'
    is_complement BOOLEAN, -- the set is all organs but one
    n_lesions BIGINT, -- target lesions in the sum
    baseline_sum_mm DOUBLE, -- sum of their baseline diameters, mm
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
    is_carried_forward BOOLEAN, -- lesions not measured on a day kept their last size
    n_shrunk_lesions BIGINT, -- lesions whose own nadir is below baseline by more than heterogeneity.shrinkage_percent
    is_shrunk BOOLEAN -- the organ shrank by more than heterogeneity.shrinkage_percent, its size being what
    -- heterogeneity.organ_shrinkage says: the sum, every lesion or any lesion
)
