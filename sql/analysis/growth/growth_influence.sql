/* How far one lesion moves the population estimates.
   How: in the fit that takes lesions as independent; to first order, from its score; large values are often a baseline
   that contradicts the later scans.
   Filled by: step growth
   Grain: one row per fit_id and lesion_id
   Key: fit_id, lesion_id
   Tags: public
*/
CREATE TABLE analysis.growth_influence (
    fit_id VARCHAR, -- analysis.growth_fit: subset and model
    subset VARCHAR, -- lesions that were fitted together, or all (analysis.growth_subset)
    lesion_id VARCHAR, -- core.lesion
    parameter VARCHAR, -- estimate that is moved most
    largest_shift DOUBLE, -- how far, in its standard errors
    distance DOUBLE, -- squared length of the shift of all estimates, in standard errors
    is_influential BOOLEAN, -- largest_shift is above 0.5
    has_contradictory_baseline BOOLEAN -- the baseline volume is not the one measured that day
)
