/* How much a characteristic matters for the gradient boosting.
   How: the fall of the macro ROC area of patients held back when the characteristic is permuted among them, one
   permutation per fold.
   Caveats: characteristics that say the same share their importance.
   Reference: Breiman, Machine Learning 2001
   Filled by: step progression_prediction
   Grain: one row per subset and feature
   Key: subset, feature
*/
CREATE TABLE analysis.progression_prediction_importance (
    subset VARCHAR, -- all; where there are several tumor types, each by itself
    feature VARCHAR, -- characteristic at baseline
    rank BIGINT, -- 1 matters most
    mean_fall DOUBLE, -- mean fall of the area over the folds
    sd_fall DOUBLE, -- its standard deviation
    n_folds BIGINT -- folds
)
