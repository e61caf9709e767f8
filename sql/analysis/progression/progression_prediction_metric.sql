/* How good the predictions of patients held back are.
   How: precision, recall, f1 and roc_auc (one class against the rest) of a class; over all their unweighted means over
   the classes (macro averages), accuracy beside that of always saying the largest class, log loss, Brier score,
   calibration error. roc_auc_micro is one area over all pairs of patient and class: it rewards knowing which classes
   are frequent, so read it against by_shares. Limits: DeLong of a class, of averages percentiles of
   prediction.resamples resamples of the patients held back.
   Caveats: a trial left out has other treatments and lines than the others: its figures say what a new trial may
   expect. A figure that needs both patients in a class and others is NULL without. Limits are of patients, given the
   models: that models of other training patients differ is not in them. They are NULL where a class has a single
   patient, and where no resample errs.
   Reference: Zhou et al., Nat Commun 2023, Fig. S11 and Methods; DeLong, DeLong and Clarke-Pearson 1988
   Filled by: step progression_prediction
   Grain: one row per subset, model, split, class and metric
   Key: subset, model, split, class, metric
   Tags: public
*/
CREATE TABLE analysis.progression_prediction_metric (
    subset VARCHAR, -- all; where there are several tumor types, each by itself
    model VARCHAR, -- gradient boosting, or logistic regression (the yardstick)
    split VARCHAR, -- fold 1 and so on (each a 4:1 split), stratified folds (all together), trial and its id (left out),
    -- trials left out (all together)
    class VARCHAR, -- progression cluster; all: the classes together
    metric VARCHAR, -- accuracy, accuracy_largest_class, precision, recall, f1, roc_auc, roc_auc_micro, brier, log_loss,
    -- calibration_error or n (patients)
    value DOUBLE, -- its value; NULL where it cannot be had
    ci_lower DOUBLE, -- lower 95 % limit; of areas only
    ci_upper DOUBLE, -- upper limit
    ci_method VARCHAR, -- of the limits: DeLong or bootstrap
    by_shares DOUBLE -- area when each patient is given the shares of the classes; of areas only
)
