/* What an antibody beside chemotherapy does to the hazards of response and progression, within each organ.
   Why: Zhou 2023, Fig. 3e and f: antibodies slowed progression in most organs and hardly changed response.
   Caveats: patients were not randomised between all the treatments compared; the covariates of the final model but
   the treatment are held equal. Organs with few events under one of the two are not here; one with none under one of
   them has the one limit that there is (is_separated).
   Grain: one row per endpoint and organ
   Key: endpoint, organ
   Tags: figure
*/
SELECT
    ratio.endpoint, -- response or progression
    ratio.level AS organ, -- id of the organ
    organ.display_name, -- name of the organ for a report
    organ.sort_order, -- order of the organ in figures
    ratio.n_lesions, -- lesions of the organ under antibody plus chemotherapy
    ratio.n_events, -- of them with the event
    ratio.hazard_ratio, -- antibody plus chemotherapy against chemotherapy; where separated 0, or NULL for infinite
    ratio.ci_lower, -- lower limit
    ratio.ci_upper, -- upper limit; NULL where infinite
    ratio.is_separated, -- no lesion of one of the two has the event: one limit only
    ratio.p_value, -- Wald
    ratio.lr_p_value, -- likelihood ratio; NULL unless hazards.level_tests
    naive.hazard_ratio AS naive_hazard_ratio, -- without random effect
    naive.ci_lower AS naive_ci_lower, -- lower limit
    naive.ci_upper AS naive_ci_upper -- upper limit
FROM analysis.hazard_ratio AS ratio
LEFT JOIN analysis.hazard_ratio AS naive
    ON
        ratio.endpoint = naive.endpoint
        AND ratio.stratum = naive.stratum
        AND ratio.model = naive.model
        AND ratio.term = naive.term
        AND ratio.level = naive.level
        AND naive.method = 'naive'
LEFT JOIN core.organ AS organ ON ratio.level = organ.organ
WHERE ratio.term = 'antibody_within_organ' AND ratio.is_primary
