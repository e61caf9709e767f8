/* The gradient boosting trained on all patients, as plain JSON.
   Why: 'lesions predict' uses it on new patients. JSON, not a pickle: reading it runs no code, and no version of a
   library is needed.
   Caveats: content changes by hand are refused (sha256).
   Reference: Zhou et al., Nat Commun 2023, Fig. S11 and Methods
   Filled by: step progression_prediction
   Grain: one row per subset
   Key: subset
   Tags: public
*/
CREATE TABLE analysis.progression_model (
    subset VARCHAR, -- all; where there are several tumor types, each by itself
    n_patients BIGINT, -- patients trained on
    n_classes BIGINT, -- classes
    roc_auc DOUBLE, -- ROC area in stratified folds, macro average
    content VARCHAR -- the model and how it came about, JSON
)
