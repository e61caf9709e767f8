/* Metrics of tumor growth inhibition of one patient, from the curves of all lesions.
   Why: growth rate and time to growth of the sum of diameters foretell survival better than response; drug developers
   compare trials by them.
   How: 20 draws of the patient's curves given all sizes; means over draws, and their standard deviations: what sizes
   leave open. The sum is that of all target lesions with a baseline.
   Caveats: of who died early little is known, which the standard deviations say; take none of it as measured. Given
   sizes only: not what survival adds.
   Reference: Claret et al. 2013, J Clin Oncol 31:2110; Stein et al. 2011, Clin Cancer Res 17:907
   Filled by: step joint
   Grain: one row per fit_id and patient_id
   Key: fit_id, patient_id
   Tags: public
*/
CREATE TABLE analysis.tgi_metric (
    fit_id VARCHAR, -- analysis.growth_fit: subset and model
    subset VARCHAR, -- lesions that were fitted together, or all (analysis.growth_subset)
    patient_id VARCHAR, -- core.patient; a lesion of an unknown patient stands for itself
    n_lesions BIGINT, -- target lesions
    n_measured BIGINT, -- of them with a size after the baseline
    sum_day_0_mm DOUBLE, -- sum of diameters on day 0
    kg_per_day DOUBLE, -- geometric mean of the growth rates of the lesions (kG)
    log_kg_sd DOUBLE, -- standard deviation of its log over draws
    time_to_growth_days DOUBLE, -- day of the smallest sum; 0 where it grows from the start, at most 3,000
    time_to_growth_sd DOUBLE, -- its standard deviation over draws
    week_8_ratio DOUBLE, -- sum on day 56 over that on day 0
    week_8_ratio_sd DOUBLE, -- its standard deviation over draws
    depth DOUBLE, -- smallest sum over that on day 0
    depth_sd DOUBLE -- its standard deviation over draws
)
