/* Predicted and observed shares of a class, in ten groups by predicted probability.
   Why: a probability of 0.3 should come true in 30 %.
   Reference: Zhou et al., Nat Commun 2023, Fig. S11 and Methods
   Filled by: step progression_prediction
   Grain: one row per subset, model, scheme, class and bin
   Key: subset, model, scheme, class, bin
*/
CREATE TABLE analysis.progression_prediction_calibration (
    subset VARCHAR, -- all; where there are several tumor types, each by itself
    model VARCHAR, -- gradient boosting, or logistic regression (the yardstick)
    scheme VARCHAR, -- stratified folds, or trial left out
    class VARCHAR, -- progression cluster
    bin BIGINT, -- group, 1 has the lowest probabilities
    n BIGINT, -- patients
    predicted DOUBLE, -- mean probability
    observed DOUBLE, -- share that is in the class
    ci_lower DOUBLE, -- Wilson's lower 95 % limit of the share
    ci_upper DOUBLE -- upper limit
)
