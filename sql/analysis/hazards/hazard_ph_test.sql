/* Do hazard ratios of the final models stay the same over time?
   Why: one hazard ratio stands for all days; where it fades or grows, it is a mean.
   How: score tests of log hazard ratios that change with g(t), g being 1 less the pooled Kaplan-Meier just before t, so
   that it goes from 0 to at most 1. The patients' predicted random effects are in the linear predictor: frailty known
   takes them as given numbers, as R's cox.zph of a coxme fit does; estimated counts them as parameters with their
   penalty.
   Caveats: with frailty known the tests of what is the same in all lesions of a patient are cautious. With thousands of
   events small changes have small p-values: read steepest_change, one step of Newton's method from no change.
   Reference: Grambsch and Therneau, Biometrika 1994; see docs/hazards.md
   Filled by: step hazard
   Grain: one row per model_id, frailty and term
   Key: model_id, frailty, term
   Tags: public
*/
CREATE TABLE analysis.hazard_ph_test (
    model_id VARCHAR, -- endpoint/stratum/model/method
    frailty VARCHAR, -- known or estimated
    term VARCHAR, -- organ, a covariate, or GLOBAL: all together
    endpoint VARCHAR, -- response or progression
    stratum VARCHAR, -- all; a class of treatment; or a tumor type, where there are several
    transform VARCHAR, -- km: g is 1 less the pooled Kaplan-Meier
    chi2 DOUBLE, -- score statistic; null where all events are at one time
    df BIGINT, -- its degrees of freedom
    p_value DOUBLE, -- its p-value
    steepest_level VARCHAR, -- level whose log hazard ratio changes most; null for GLOBAL
    steepest_change DOUBLE -- its change from g = 0 to g = 1; null for GLOBAL
)
