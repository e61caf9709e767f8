/* ROC curve of a class against the rest.
   Why: Fig. S11 of the paper.
   Caveats: thinned to about a hundred points.
   Reference: Zhou et al., Nat Commun 2023, Fig. S11 and Methods
   Filled by: step progression_prediction
   Grain: one row per subset, model, scheme, class and point
   Key: subset, model, scheme, class, point
*/
CREATE TABLE analysis.progression_prediction_curve (
    subset VARCHAR, -- all; where there are several tumor types, each by itself
    model VARCHAR, -- gradient boosting, or logistic regression (the yardstick)
    scheme VARCHAR, -- stratified folds, or trial left out
    class VARCHAR, -- progression cluster
    point BIGINT, -- from (0, 0) on
    false_positive_rate DOUBLE, -- share of the others at or above the threshold
    true_positive_rate DOUBLE, -- share of the class at or above it
    threshold DOUBLE -- probability; NULL for the first point
)
