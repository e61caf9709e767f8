/* How progression that target lesions do not show goes with a patient's growth.
   Why: patients whose lesions grow fast leave earlier; a fit that does not know of it finds growth too slow.
   How: a hazard of new lesions, non-target progression and death (analysis.growth_follow_up), rate(t) exp(alpha' u), u
   the patient's effects on log kg, log kd and logit F, estimated with the growth of target lesions in one likelihood;
   rate(t) is constant in pieces.
   Caveats: no row without such events (fewer than 20) or without patients' effects. The form of the hazard is an
   assumption.
   Reference: Wu and Carroll 1988, Biometrics 44:175; Henderson et al. 2000, Biostatistics 1:465
   Filled by: step growth
   Grain: one row per fit_id, kind and term
   Key: fit_id, kind, term
   Tags: public
*/
CREATE TABLE analysis.growth_dropout (
    fit_id VARCHAR, -- analysis.growth_fit: subset and model
    subset VARCHAR, -- lesions that were fitted together, or all (analysis.growth_subset)
    kind VARCHAR, -- effect of a growth parameter, or rate in a piece of time
    term VARCHAR, -- kg, kd or f; number of the piece
    from_day DOUBLE, -- of a rate: the piece begins after this day
    to_day DOUBLE, -- of a rate: and ends with this one; null for the last
    n_events BIGINT, -- events: in the piece, or all
    estimate DOUBLE, -- of an effect: log hazard ratio per unit of the patient's log kg, log kd or logit F; of a rate:
    -- hazard per day of the typical patient
    standard_error DOUBLE, -- its standard error; null where patients do not vary
    p_value DOUBLE, -- of an effect, two-sided Wald test
    hazard_ratio DOUBLE, -- of an effect: of a patient one standard deviation (gamma) above
    ci_lower DOUBLE, -- lower 95 % limit of the hazard ratio, or of the rate
    ci_upper DOUBLE -- upper 95 % limit of the hazard ratio, or of the rate
)
