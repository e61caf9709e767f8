/* The progression cluster of each patient, predicted at baseline by a model that has not seen the patient.
   Why: how well a sequence can be foreseen, patient by patient.
   How: trained on all other folds, or on all other trials. Characteristics of analysis.baseline_feature and
   baseline_organ; nothing later.
   Caveats: the clusters themselves were found in all patients. 'No progression' is a class (prediction.no_progression):
   it depends on how long a patient was followed.
   Reference: Zhou et al., Nat Commun 2023, Fig. S11 and Methods
   Filled by: step progression_prediction
   Grain: one row per patient_id, subset, model and scheme
   Key: patient_id, subset, model, scheme
   Tags: public
*/
CREATE TABLE analysis.progression_prediction (
    patient_id VARCHAR, -- text id of the patient
    subset VARCHAR, -- all; where there are several tumor types, each by itself
    model VARCHAR, -- gradient boosting, or logistic regression (the yardstick)
    scheme VARCHAR, -- stratified folds, or trial left out
    fold VARCHAR, -- set in which the patient was held back: fold 1 and so on, or the trial
    actual VARCHAR, -- cluster of the patient
    predicted VARCHAR, -- cluster with the highest probability
    probability_of_actual DOUBLE, -- probability given to the actual cluster
    probability_of_predicted DOUBLE -- highest probability
)
