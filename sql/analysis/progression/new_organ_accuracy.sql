/* How well the risk of a new organ is predicted, by models that never saw the patient's trial, and apparently.
   Why: a risk that does no better than the same number for everybody is of no use, and says so here.
   How: Brier score and AUC weighted by the inverse probability of censoring, death counting as no lesion; the null
   model is the Aalen-Johansen incidence. Calibration by pseudo-values on the complementary log-log scale.
   Caveats: apparent is on the patients that the model was fitted to, and flatters it.
   Reference: Gerds and Schumacher, Biom J 2006; Blanche et al., Stat Med 2013; Klein and Andersen, Biometrics 2005
   Filled by: step new_organ_risk
   Grain: one row per subset, organ, landmark_days and split
   Key: subset, organ, landmark_days, split
   Tags: public
*/
CREATE TABLE analysis.new_organ_accuracy (
    subset VARCHAR, -- all; where there are several tumor types, each by itself
    organ VARCHAR, -- core.organ, or any
    landmark_days DOUBLE, -- day from first dose
    split VARCHAR, -- by trial, by patient (one trial only), or apparent
    horizon_days DOUBLE, -- days after the landmark
    n_patients BIGINT, -- patients at risk
    n_events BIGINT, -- lesions in the organ within the horizon
    n_deaths BIGINT, -- deaths before one
    brier DOUBLE, -- Brier score
    null_brier DOUBLE, -- that of the incidence as everybody's risk
    gain_error DOUBLE, -- standard error of null_brier - brier
    scaled_brier DOUBLE, -- 1 - brier / null_brier
    auc DOUBLE, -- area under the curve of cases against controls
    observed DOUBLE, -- incidence at the horizon
    mean_risk DOUBLE, -- mean of the predicted risks
    calibration_slope DOUBLE, -- 1 is best; below: risks too extreme. NULL where it cannot be told
    calibration_intercept DOUBLE, -- with that slope, 0 is best
    verdict VARCHAR -- of use; of use, risks too extreme (slope below 0.8); no usable prediction: not better than one
    -- risk for all by more than chance (one-sided 5 %); apparent: flatters the model; too few events: not fitted
)
