/* How many times the hazard of one level is that of another: organs, covariates, and the antibody within each organ.
   Why: by organ, how readily lesions respond, and how readily they progress.
   How: organs stand against the reference organ, and again, with reference 'mean', against the mean log hazard of all
   organs of the model. Term antibody_within_organ: the level is the organ, the hazard ratio that of antibody plus
   chemotherapy against chemotherapy.
   Caveats: all organs share the error of the reference organ; against the mean they do not. Intervals and p_value are
   Wald's; lr_p_value is the likelihood ratio's.
   Reference: Zhou et al. 2023, Nat Commun, Methods, 'Cox proportional regression model', Figs. 3, S4 to S6; Ripatti and
   Palmgren, Biometrics 2000. See docs/hazards.md
   Filled by: step hazard
   Grain: one row per model_id, term, level and reference
   Key: model_id, term, level, reference
   Tags: public
*/
CREATE TABLE analysis.hazard_ratio (
    model_id VARCHAR, -- endpoint/stratum/model/method
    term VARCHAR, -- organ, a covariate, or antibody_within_organ
    level VARCHAR, -- organ or other level; the covariate's name where it is a number
    reference VARCHAR, -- level it is compared with; mean: of all organs; per unit: a number
    endpoint VARCHAR, -- response or progression
    stratum VARCHAR, -- all; a class of treatment; or a tumor type, where there are several
    model VARCHAR, -- final; without new lesions (progression); observed times; or antibody within organ
    method VARCHAR, -- laplace, sparse or aghq: how the patient's random effect was integrated; naive: without one
    is_primary BOOLEAN, -- the row to read: of the model with random effect, if there is one
    is_separated BOOLEAN, -- the level has no event, or all fall on one side, so that its hazard ratio is 0 or infinite:
    -- it is in no fit, and the row holds the one end of its interval
    n_lesions BIGINT, -- lesions of the level; all of the model for a number
    n_events BIGINT, -- of them with an event
    log_hr DOUBLE, -- log hazard ratio; null where separated
    standard_error DOUBLE, -- of log_hr, the variance of the random effect taken as known
    hazard_ratio DOUBLE, -- exp(log_hr); where separated 0, or null for infinite
    ci_lower DOUBLE, -- Wald limit (hazards.confidence); where separated the profile likelihood's
    ci_upper DOUBLE, -- the same, above; null where the hazard ratio is infinite
    p_value DOUBLE, -- Wald, two-sided; null where separated
    lr_p_value DOUBLE -- likelihood ratio, the level counted as its reference and the variance estimated again; of
    -- organs in final models, of the antibody in each organ (hazards.level_tests), and of terms with one coefficient;
    -- else null
)
