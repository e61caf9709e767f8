/* How growth of lesions goes with survival: forest of the links, the naive two-stage estimate beside.
   Why: in which organ does size cost life, and is it size, change or rate that counts.
   Caveats: naive is the same model on each lesion's mean curve, taken as known.
   Grain: one row per subset, endpoint, link and term
   Key: subset, endpoint, link, term
   Tags: figure
*/
SELECT
    link.subset, -- in which patients
    link.endpoint, -- OS or PFS
    link.link, -- organ, value, slope, ttg, kg or shared
    link.term, -- organ or the link itself
    coalesce(organ.display_name, link.term) AS display_name, -- the organ in words
    coalesce(organ.display_name, link.term) || ': ' || link.per AS label, -- with what the hazard ratio is of
    link.per, -- what the hazard ratio is of
    link.n_patients, -- patients with a lesion there; else all
    link.n_events, -- events among them
    link.hazard_ratio, -- joint model
    link.ci_lower, -- lower 95 % limit
    link.ci_upper, -- upper 95 % limit
    exp(least(greatest(link.naive_estimate * link.log_step, -690), 690)) AS naive_hazard_ratio, -- curves taken as known
    exp(
        least(greatest((link.naive_estimate - 1.959964 * link.naive_standard_error) * link.log_step, -690), 690)
    ) AS naive_ci_lower, -- its lower 95 % limit
    exp(
        least(greatest((link.naive_estimate + 1.959964 * link.naive_standard_error) * link.log_step, -690), 690)
    ) AS naive_ci_upper, -- its upper 95 % limit
    link.p_value, -- likelihood-ratio test
    fit.n_patients AS n_model_patients, -- patients of the model
    fit.n_events AS n_model_events, -- of them with the event
    fit.is_best, -- the link of smallest AIC
    fit.aic_difference -- to the smallest AIC of the endpoint
FROM analysis.joint_link AS link
INNER JOIN analysis.joint_fit AS fit
    ON link.fit_id = fit.fit_id AND link.endpoint = fit.endpoint AND link.link = fit.link
LEFT JOIN mart.dim_organ AS organ ON link.term = organ.organ
ORDER BY link.subset, link.endpoint, link.link, link.term
