/* Areas under the ROC curves of the predicted progression clusters, with limits, beside what class shares give.
   Why: Zhou 2023 gives one area, .91, and not which average it is; its program computes both. A micro average is
   high by the shares of the classes alone.
   Reference: Zhou et al. 2023, Fig. S11; DeLong, DeLong and Clarke-Pearson 1988.
   Grain: one row per subset, model, scheme and class
   Key: subset, model, scheme, class
   Tags: figure
*/
SELECT
    area.subset, -- all, or the tumor type
    area.model, -- gradient boosting or logistic regression
    CASE area.split WHEN 'trials left out' THEN 'trial left out' ELSE area.split END
        AS scheme, -- stratified folds, or trial left out; all that were held back together
    CASE
        WHEN area.class <> 'all' THEN area.class
        WHEN area.metric = 'roc_auc' THEN 'macro average'
        ELSE 'micro average'
    END AS class, -- progression cluster against the rest; macro average, micro average
    CASE
        WHEN area.class <> 'all' THEN 3
        WHEN area.metric = 'roc_auc' THEN 1
        ELSE 2
    END AS class_order, -- averages first
    area.value AS roc_auc, -- area under the curve; NULL where it cannot be had
    area.ci_lower, -- lower 95 % limit; NULL where it cannot be had
    area.ci_upper, -- upper limit
    area.ci_method, -- of the limits: DeLong or bootstrap
    area.by_shares, -- area when each patient is given the shares of the classes
    CAST(patients.value AS BIGINT) AS n_patients -- patients of the class; of an average, all
FROM analysis.progression_prediction_metric AS area
INNER JOIN analysis.progression_prediction_metric AS patients
    ON
        area.subset = patients.subset
        AND area.model = patients.model
        AND area.split = patients.split
        AND area.class = patients.class
        AND patients.metric = 'n'
WHERE
    area.metric IN ('roc_auc', 'roc_auc_micro')
    AND area.split IN ('stratified folds', 'trials left out')
