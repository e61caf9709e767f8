"""Tables of the step ``progression_prediction``."""

from __future__ import annotations

from flows.columns import COUNT, FLAG, NUMBER, TEXT
from warehouse.registry import TableDoc

_WHERE = "Reference: Zhou et al., Nat Commun 2023, Fig. S11 and Methods"
KEYS = {
    "subset": "all; where there are several tumor types, each by itself",
    "model": "gradient boosting, or logistic regression (the yardstick)",
    "scheme": "stratified folds, or trial left out",
    "split": "fold 1 and so on (each a 4:1 split), stratified folds (all together), trial and its "
    "id (left out), trials left out (all together)",
    "class": "progression cluster; all: the classes together",
}
PREDICTION = TableDoc(
    name="analysis.progression_prediction",
    description=(
        "The progression cluster of each patient, predicted at baseline by a model that has not "
        "seen the patient.\n"
        "Why: how well a sequence can be foreseen, patient by patient.\n"
        "How: trained on all other folds, or on all other trials. Characteristics of "
        "analysis.baseline_feature and baseline_organ; nothing later.\n"
        "Caveats: the clusters themselves were found in all patients. 'No progression' is a class "
        "(prediction.no_progression): it depends on how long a patient was followed.\n" + _WHERE
    ),
    grain="one row per patient_id, subset, model and scheme",
    key=("patient_id", "subset", "model", "scheme"),
    columns={
        "patient_id": "text id of the patient",
        "subset": KEYS["subset"],
        "model": KEYS["model"],
        "scheme": KEYS["scheme"],
        "fold": "set in which the patient was held back: fold 1 and so on, or the trial",
        "actual": "cluster of the patient",
        "predicted": "cluster with the highest probability",
        "probability_of_actual": "probability given to the actual cluster",
        "probability_of_predicted": "highest probability",
    },
    tags=("public",),
)
PROBABILITY = TableDoc(
    name="analysis.progression_prediction_probability",
    description=(
        "The probability of every cluster for each patient held back.\n"
        "Why: curves, calibration and other thresholds start from it. A row per class, since the "
        "classes are found in the data.\n" + _WHERE
    ),
    grain="one row per patient_id, subset, model, scheme and class",
    key=("patient_id", "subset", "model", "scheme", "class"),
    columns={
        "patient_id": "text id of the patient",
        "subset": KEYS["subset"],
        "model": KEYS["model"],
        "scheme": KEYS["scheme"],
        "class": "progression cluster",
        "probability": "probability of it",
        "is_actual": "it is the patient's cluster",
    },
)
METRIC = TableDoc(
    name="analysis.progression_prediction_metric",
    description=(
        "How good the predictions of patients held back are.\n"
        "How: precision, recall, f1 and roc_auc (one class against the rest) of a class; over all "
        "their unweighted means over the classes (macro averages), accuracy beside that of always "
        "saying the largest class, log loss, Brier score, calibration error. roc_auc_micro is one "
        "area over all pairs of patient and class: it rewards knowing which classes are frequent, "
        "so read it against by_shares. Limits: DeLong of a class, of averages percentiles of "
        "prediction.resamples resamples of the patients held back.\n"
        "Caveats: a trial left out has other treatments and lines than the others: its figures say "
        "what a new trial may expect. A figure that needs both patients in a class and others is "
        "NULL without. Limits are of patients, given the models: that models of other training "
        "patients differ is not in them. They are NULL where a class has a single patient, and "
        "where no resample errs.\n" + _WHERE + "; DeLong, DeLong and Clarke-Pearson 1988"
    ),
    grain="one row per subset, model, split, class and metric",
    key=("subset", "model", "split", "class", "metric"),
    columns={
        "subset": KEYS["subset"],
        "model": KEYS["model"],
        "split": KEYS["split"],
        "class": KEYS["class"],
        "metric": "accuracy, accuracy_largest_class, precision, recall, f1, roc_auc, "
        "roc_auc_micro, brier, log_loss, calibration_error or n (patients)",
        "value": "its value; NULL where it cannot be had",
        "ci_lower": "lower 95 % limit; of areas only",
        "ci_upper": "upper limit",
        "ci_method": "of the limits: DeLong or bootstrap",
        "by_shares": "area when each patient is given the shares of the classes; of areas only",
    },
    tags=("public",),
)
SPLIT = TableDoc(
    name="analysis.progression_prediction_split",
    description=(
        "One set of patients held back, and the parameters of the model that predicted them.\n"
        "Why: with prediction.grid_search each training set chooses its own.\n" + _WHERE
    ),
    grain="one row per subset, model and split",
    key=("subset", "model", "split"),
    columns={
        "subset": KEYS["subset"],
        "model": KEYS["model"],
        "split": "fold 1 and so on, or trial and its id; all: the saved model",
        "n_trained": "patients trained on",
        "n_held_back": "patients predicted",
        "iterations": "of the boosting; NULL for logistic regression, as the next three",
        "learning_rate": "of the boosting",
        "leaves": "most leaves of a tree",
        "is_balanced": "classes weigh the same, however many patients they have",
        "is_grid_searched": "parameters were chosen by macro F1 in folds of the training patients",
    },
)
CALIBRATION = TableDoc(
    name="analysis.progression_prediction_calibration",
    description=(
        "Predicted and observed shares of a class, in ten groups by predicted probability.\n"
        "Why: a probability of 0.3 should come true in 30 %.\n" + _WHERE
    ),
    grain="one row per subset, model, scheme, class and bin",
    key=("subset", "model", "scheme", "class", "bin"),
    columns={
        "subset": KEYS["subset"],
        "model": KEYS["model"],
        "scheme": KEYS["scheme"],
        "class": "progression cluster",
        "bin": "group, 1 has the lowest probabilities",
        "n": "patients",
        "predicted": "mean probability",
        "observed": "share that is in the class",
        "ci_lower": "Wilson's lower 95 % limit of the share",
        "ci_upper": "upper limit",
    },
)
CURVE = TableDoc(
    name="analysis.progression_prediction_curve",
    description=(
        "ROC curve of a class against the rest.\nWhy: Fig. S11 of the paper.\n"
        "Caveats: thinned to about a hundred points.\n" + _WHERE
    ),
    grain="one row per subset, model, scheme, class and point",
    key=("subset", "model", "scheme", "class", "point"),
    columns={
        "subset": KEYS["subset"],
        "model": KEYS["model"],
        "scheme": KEYS["scheme"],
        "class": "progression cluster",
        "point": "from (0, 0) on",
        "false_positive_rate": "share of the others at or above the threshold",
        "true_positive_rate": "share of the class at or above it",
        "threshold": "probability; NULL for the first point",
    },
)
IMPORTANCE = TableDoc(
    name="analysis.progression_prediction_importance",
    description=(
        "How much a characteristic matters for the gradient boosting.\n"
        "How: the fall of the macro ROC area of patients held back when the characteristic is "
        "permuted among them, one permutation per fold.\n"
        "Caveats: characteristics that say the same share their importance.\n"
        "Reference: Breiman, Machine Learning 2001"
    ),
    grain="one row per subset and feature",
    key=("subset", "feature"),
    columns={
        "subset": KEYS["subset"],
        "feature": "characteristic at baseline",
        "rank": "1 matters most",
        "mean_fall": "mean fall of the area over the folds",
        "sd_fall": "its standard deviation",
        "n_folds": "folds",
    },
)
MODEL = TableDoc(
    name="analysis.progression_model",
    description=(
        "The gradient boosting trained on all patients, as plain JSON.\n"
        "Why: 'lesions predict' uses it on new patients. JSON, not a pickle: reading it runs no "
        "code, and no version of a library is needed.\n"
        "Caveats: content changes by hand are refused (sha256).\n" + _WHERE
    ),
    grain="one row per subset",
    key=("subset",),
    columns={
        "subset": KEYS["subset"],
        "n_patients": "patients trained on",
        "n_classes": "classes",
        "roc_auc": "ROC area in stratified folds, macro average",
        "content": "the model and how it came about, JSON",
    },
    tags=("public",),
)
TABLES = (PREDICTION, PROBABILITY, METRIC, SPLIT, CALIBRATION, CURVE, IMPORTANCE, MODEL)

_TEXTS = ("patient_id", "subset", "model", "scheme", "split", "class", "fold", "actual")
_COUNTS = ("n_trained", "n_held_back", "iterations", "leaves", "bin", "n", "point", "rank")
TYPES = {
    **dict.fromkeys((*_TEXTS, "predicted", "metric", "feature", "content"), TEXT),
    **dict.fromkeys((*_COUNTS, "n_folds", "n_patients", "n_classes"), COUNT),
    **dict.fromkeys(("is_actual", "is_balanced", "is_grid_searched"), FLAG),
    "ci_method": TEXT,
}


def types_of(table: TableDoc) -> dict[str, object]:
    """Type of each column of a table; what is not listed is a number."""
    types = {name: TYPES.get(name, NUMBER) for name in table.columns}
    if table is CALIBRATION:
        types["predicted"] = NUMBER
    return types
