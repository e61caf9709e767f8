/* How much more readily lesions of a site (or study) respond, or progress, than those of others with the same organs
   and covariates.
   Caveats: shrunken towards 0, the more so the fewer the events. A site with no lesion at risk at a time of an event
   has no row.
   Only with hazards.random_effect site/patient or study/patient; else empty. Reference: Ripatti and Palmgren,
   Biometrics 2000; Therneau, Grambsch and Pankratz, JCGS 2003. See docs/hazards.md
   Filled by: step hazard_nested
   Grain: one row per endpoint, stratum and site_id
   Key: endpoint, stratum, site_id
   Tags: public
*/
CREATE TABLE analysis.hazard_site (
    endpoint VARCHAR, -- response or progression
    stratum VARCHAR, -- all, a class of treatment or a tumor type: analysis.hazard_fit
    site_id VARCHAR, -- core.patient's site_id or study_id
    n_patients BIGINT, -- its patients in the model
    n_lesions BIGINT, -- their lesions in it
    n_events BIGINT, -- of them with an event
    log_hazard DOUBLE, -- mode of the site's effect on the log hazard, given the lesions
    standard_deviation DOUBLE -- of the effect, given the lesions
)
