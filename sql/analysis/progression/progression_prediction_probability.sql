/* The probability of every cluster for each patient held back.
   Why: curves, calibration and other thresholds start from it. A row per class, since the classes are found in the
   data.
   Reference: Zhou et al., Nat Commun 2023, Fig. S11 and Methods
   Filled by: step progression_prediction
   Grain: one row per patient_id, subset, model, scheme and class
   Key: patient_id, subset, model, scheme, class
*/
CREATE TABLE analysis.progression_prediction_probability (
    patient_id VARCHAR, -- text id of the patient
    subset VARCHAR, -- all; where there are several tumor types, each by itself
    model VARCHAR, -- gradient boosting, or logistic regression (the yardstick)
    scheme VARCHAR, -- stratified folds, or trial left out
    class VARCHAR, -- progression cluster
    probability DOUBLE, -- probability of it
    is_actual BOOLEAN -- it is the patient's cluster
)
