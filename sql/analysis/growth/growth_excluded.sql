/* Analysed target lesions that the growth model does not use, with the reason; all of a subset that has no fit
   (small_subset, no_fit).
   Filled by: step growth
   Grain: one row per fit_id and lesion_id
   Key: fit_id, lesion_id
   Tags: public
*/
CREATE TABLE analysis.growth_excluded (
    fit_id VARCHAR, -- analysis.growth_fit: subset and model
    subset VARCHAR, -- lesions that were fitted together, or all (analysis.growth_subset)
    lesion_id VARCHAR, -- core.lesion
    reason_id VARCHAR, -- short name of the reason
    reason VARCHAR -- the reason in words, with the values found
)
