/* Predicted against observed shares of each progression cluster.
   Why: whether a predicted probability can be taken as one.
   Grain: one row per subset, model, scheme, class and bin
   Key: subset, model, scheme, class, bin
   Tags: figure
*/
SELECT
    subset, -- all, or the tumor type
    model, -- gradient boosting or logistic regression
    scheme, -- stratified folds, or trial left out
    class, -- progression cluster
    bin, -- group by predicted probability
    n, -- patients
    predicted, -- mean probability
    observed, -- share in the class
    ci_lower, -- lower limit of the share
    ci_upper -- upper limit
FROM analysis.progression_prediction_calibration
