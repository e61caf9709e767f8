/* Which of four phenotypes an organ's lesions have, response hazard by progression hazard, and how surely.
   How: hazard ratios of the two final models are drawn jointly (hazards.phenotype_draws); a probability is the share of
   the draws in the quadrant. What the two models share in error comes from the patients' score residuals (Lin and Wei
   1989; Wei, Lin and Weissfeld 1989), which agrees with refitting both to patients drawn with replacement.
   Caveats: against the reference organ, which has no phenotype, all organs share that organ's error; against the mean
   organ they do not. Uncertain of which covariates belong in the models it is not.
   Reference: Zhou et al. 2023, Nat Commun, Methods, 'Cox proportional regression model', Figs. 3, S4 to S6; Ripatti and
   Palmgren, Biometrics 2000. See docs/hazards.md
   Filled by: step hazard
   Grain: one row per stratum, organ, comparator and phenotype
   Key: stratum, organ, comparator, phenotype
   Tags: public
*/
CREATE TABLE analysis.organ_phenotype (
    stratum VARCHAR, -- all; a class of treatment; or a tumor type, where there are several
    organ VARCHAR, -- core.organ
    comparator VARCHAR, -- reference: against the organ of organ_reference; mean: against the mean log hazard of the
    -- organs in both models
    phenotype VARCHAR, -- high-high, high-low, low-high or low-low: response, then progression
    probability DOUBLE, -- of the phenotype; the four of an organ sum to 1
    is_assigned BOOLEAN, -- the most probable, with at least hazards.phenotype_probability
    response_hr DOUBLE, -- hazard ratio of response against the comparator
    response_lower DOUBLE, -- its lower limit at hazards.confidence
    response_upper DOUBLE, -- its upper limit
    progression_hr DOUBLE, -- hazard ratio of progression against the comparator
    progression_lower DOUBLE, -- its lower limit at hazards.confidence
    progression_upper DOUBLE, -- its upper limit
    error_correlation DOUBLE, -- of the organ's two log hazard ratios, from patients in both models
    organ_reference VARCHAR -- reference organ of both models
)
