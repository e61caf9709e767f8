/* ROC curves of the predicted progression clusters.
   Why: Fig. S11 of Zhou 2023.
   Reference: Zhou et al. 2023, Fig. S11.
   Grain: one row per subset, model, scheme, class and point
   Key: subset, model, scheme, class, point
   Tags: figure
*/
SELECT
    curve.subset, -- all, or the tumor type
    curve.model, -- gradient boosting or logistic regression
    curve.scheme, -- stratified folds, or trial left out
    curve.class, -- progression cluster against the rest
    curve.point, -- order along the curve
    curve.false_positive_rate, -- across
    curve.true_positive_rate, -- up
    metric.value AS roc_auc -- area under the curve
FROM analysis.progression_prediction_curve AS curve
LEFT JOIN analysis.progression_prediction_metric AS metric
    ON
        curve.subset = metric.subset
        AND curve.model = metric.model
        AND curve.class = metric.class
        AND metric.metric = 'roc_auc'
        AND metric.split = CASE curve.scheme WHEN 'trial left out' THEN 'trials left out' ELSE curve.scheme END
