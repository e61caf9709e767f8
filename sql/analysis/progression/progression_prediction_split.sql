/* One set of patients held back, and the parameters of the model that predicted them.
   Why: with prediction.grid_search each training set chooses its own.
   Reference: Zhou et al., Nat Commun 2023, Fig. S11 and Methods
   Filled by: step progression_prediction
   Grain: one row per subset, model and split
   Key: subset, model, split
*/
CREATE TABLE analysis.progression_prediction_split (
    subset VARCHAR, -- all; where there are several tumor types, each by itself
    model VARCHAR, -- gradient boosting, or logistic regression (the yardstick)
    split VARCHAR, -- fold 1 and so on, or trial and its id; all: the saved model
    n_trained BIGINT, -- patients trained on
    n_held_back BIGINT, -- patients predicted
    iterations BIGINT, -- of the boosting; NULL for logistic regression, as the next three
    learning_rate DOUBLE, -- of the boosting
    leaves BIGINT, -- most leaves of a tree
    is_balanced BOOLEAN, -- classes weigh the same, however many patients they have
    is_grid_searched BOOLEAN -- parameters were chosen by macro F1 in folds of the training patients
)
