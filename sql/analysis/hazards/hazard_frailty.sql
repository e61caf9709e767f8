/* How much more readily a patient's lesions respond, or progress, than others with the same organs and covariates.
   Caveats: of the final models. Shrunken towards 0, the more so the fewer the lesions; a patient without a lesion in
   the model has no row.
   Reference: Zhou et al. 2023, Nat Commun, Methods, 'Cox proportional regression model', Figs. 3, S4 to S6; Ripatti and
   Palmgren, Biometrics 2000. See docs/hazards.md
   Filled by: step hazard
   Grain: one row per endpoint, stratum and patient_id
   Key: endpoint, stratum, patient_id
   Tags: public
*/
CREATE TABLE analysis.hazard_frailty (
    endpoint VARCHAR, -- response or progression
    stratum VARCHAR, -- all; a class of treatment; or a tumor type, where there are several
    patient_id VARCHAR, -- core.patient
    log_hazard DOUBLE, -- mode of the patient's effect on the log hazard, given the lesions
    standard_deviation DOUBLE -- of the effect, given the lesions
)
