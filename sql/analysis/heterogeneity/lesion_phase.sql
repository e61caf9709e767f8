/* How one target lesion responded: response, stable and relapse phases, their durations, nadir and last ratio.
   Why: the sum of diameters hides lesions that respond differently; these are the variables that the Gower distance
   compares.
   Caveats: thresholds are met on the day of a scan, unless phases.threshold_day says otherwise; diameters only
   (core.measurement.diameter_mm: a lymph node's short axis where it was measured throughout), in target lesions that
   are analysed; all phase columns are null where exclusion_reason says why. Scans from a lesion's local treatment
   (unless local_treatment.policy is kept), merging or splitting on are left out (analysis.lesion_cutoff). Mixed
   responses by the rule phases.mixed_response: with first_regrowth, relapse lasts from the first regrowth to the last
   scan.
   Reference: Zhou et al., Cancer Res 2021, Methods, Lesion response dynamics
   Filled by: step response_phase
   Grain: one row per lesion_id, analysed target lesions
   Key: lesion_id
   Tags: public
*/
CREATE TABLE analysis.lesion_phase (
    lesion_id VARCHAR, -- core.lesion
    patient_id VARCHAR, -- core.patient; null where the source does not tell patients apart
    has_response BOOLEAN, -- diameter came down to 70 % of baseline (phases.response_ratio) before any relapse; exactly
    -- 70 % counts
    has_stable BOOLEAN, -- some time was neither response nor relapse
    has_relapse BOOLEAN, -- diameter exceeded 120 % (phases.relapse_ratio) of the smallest so far, or of baseline
    -- (phases.relapse_reference); exactly 120 % does not count
    time_to_response_days DOUBLE, -- days from baseline to the response (phases.threshold_day), 0 without one; not how
    -- long it lasted
    stable_days DOUBLE, -- days that are neither response nor relapse
    relapse_days DOUBLE, -- days from the relapse (phases.threshold_day) to the last scan; 0 without relapse, and where
    -- the last scan is the day of the relapse
    follow_up_days DOUBLE, -- days from baseline to the last scan = response + stable + relapse days
    nadir_ratio DOUBLE, -- smallest diameter after baseline / baseline diameter; above 1 where it only grew
    last_ratio DOUBLE, -- diameter on the last scan / baseline diameter
    is_mixed_response BOOLEAN, -- after its first regrowth it shrank again, to 70 % (phases.response_ratio) of its
    -- largest diameter since; phases.mixed_response says which regrowth then counts
    is_consistent_with_total BOOLEAN, -- has_response, has_stable and has_relapse are the same as the patient's in
    -- analysis.patient_phase (rule same_phases); null where either is unknown
    n_scans BIGINT, -- scans with a diameter, from baseline on; 0 if the baseline has none
    exclusion_reason VARCHAR -- why the lesion has no phases; null where it has
)
