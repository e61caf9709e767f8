/* The line through one patient's logarithms of a biomarker in one window: how fast it doubles or halves.
   Why: a speed is comparable between patients and markers, a level is not.
   How: Tobit's regression: a result below its limit counts as below, never as the limit or half of it. The early window
   holds the baseline and all up to biomarkers.early_days after the first dose, the late one what comes after: windows
   fixed by the calendar, as one that begins at the nadir would choose its own slope. Limits by Student's t. The
   conditional mean is drawn to the population (analysis.biomarker_population), and is there for every patient.
   Caveats: a line is a summary of the window, no law of growth. A slope whose limits lie on both sides of 0 has no
   interval of days: it doubles or halves.
   Reference: Tobin 1958; Olsen, Econometrica 1978
   Filled by: step biomarker_kinetics
   Grain: one row per patient_id, test and time_window
   Key: patient_id, test, time_window
   Tags: public
*/
CREATE TABLE analysis.biomarker_kinetics (
    patient_id VARCHAR, -- core.patient
    test VARCHAR, -- marker of staging.biomarker
    time_window VARCHAR, -- early or late
    n_results BIGINT, -- results in the window
    n_above_limit BIGINT, -- of them, above the limit; the line needs three
    slope_per_day DOUBLE, -- of the natural logarithm, per day
    slope_lower DOUBLE, -- lower limit (survival.confidence)
    slope_upper DOUBLE, -- upper limit
    sigma DOUBLE, -- standard deviation of logarithms about the line, by maximum likelihood
    loglik DOUBLE, -- log-likelihood
    direction VARCHAR, -- doubling, halving, or doubling or halving: the limits lie on both sides of 0
    days_to_double_or_halve DOUBLE, -- log 2 over the slope without its sign, days
    days_lower DOUBLE, -- lower limit; NULL where the direction is open
    days_upper DOUBLE, -- upper limit; NULL where the direction is open
    slope_conditional_mean DOUBLE, -- slope given the results and the population, per day; NULL without a population
    slope_conditional_sd DOUBLE, -- its standard deviation
    reason VARCHAR -- why there is no line; NULL where there is one
)
