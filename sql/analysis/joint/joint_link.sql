/* One link of growth with survival, with a hazard ratio that can be read, and what a naive analysis says.
   Why: how much faster death comes with 10 mm more in the liver; and how far from it one gets with curves taken as
   known.
   How: hazard_ratio is exp(estimate x log_step), log_step being what per says in the link's unit. Tested by refitting
   without the term on the same draws. naive_: the same model on each lesion's conditional mean curve, taken as known
   (two-stage). near_: followed no further than 180 days after the last scan, so that no curve is carried far; done
   for the best link.
   Caveats: organs with lesions of fewer than 30 patients, or 20 events among them, count as other. A patient without
   lesions in an organ has size 0 there, so that its term mixes having lesions with their size.
   Reference: Kerioui et al. 2022, ESMO Open 7:100346
   Filled by: step joint
   Grain: one row per fit_id, endpoint, link and term
   Key: fit_id, endpoint, link, term
   Tags: public
*/
CREATE TABLE analysis.joint_link (
    fit_id VARCHAR, -- analysis.growth_fit: subset and model
    subset VARCHAR, -- lesions that were fitted together, or all (analysis.growth_subset)
    endpoint VARCHAR, -- OS or PFS (analysis.patient_endpoint)
    link VARCHAR, -- what of the lesions the hazard depends on: organ, value, slope, ttg, kg or shared; none without
    term VARCHAR, -- organ or group of organs; kg, kd or f of shared; else the link itself
    unit VARCHAR, -- what estimate is per
    n_patients BIGINT, -- patients with a lesion there; else all
    n_events BIGINT, -- events among them
    estimate DOUBLE, -- log hazard ratio per unit
    standard_error DOUBLE, -- of it
    per VARCHAR, -- what hazard_ratio is of
    log_step DOUBLE, -- per, in units of the link
    hazard_ratio DOUBLE, -- exp(estimate x log_step)
    ci_lower DOUBLE, -- lower 95 % limit of the hazard ratio
    ci_upper DOUBLE, -- upper 95 % limit
    chi2 DOUBLE, -- likelihood-ratio statistic of this term
    p_value DOUBLE, -- of it, one degree of freedom
    chi2_mc_error DOUBLE, -- Monte Carlo error of chi2
    naive_estimate DOUBLE, -- with curves taken as known
    naive_standard_error DOUBLE, -- of it, too small: it takes curves as known
    naive_ratio DOUBLE, -- naive_estimate over estimate; NULL where estimate is within one standard error of 0
    near_estimate DOUBLE, -- followed to 180 days after the last scan; NULL for other links than the best
    near_shift DOUBLE, -- near_estimate less estimate in standard errors; beyond 1 the link rests on extrapolation
    far_event_share DOUBLE -- share of the events later than 180 days after the last scan
)
