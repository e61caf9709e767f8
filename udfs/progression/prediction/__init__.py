"""Prediction of a class, such as the progression cluster, from what is known at baseline.

    features = features_of({"age_years": "number", "sex": "category"}, columns)
    folds = stratified_folds(label, 5, seed)
    probability, splits = cross_validate(features, label, k, named_folds)
    metrics(probability, label, classes)

``design`` turns characteristics into numbers, ``boosting`` fits and writes down the model,
``validation`` holds patients back, ``metrics`` and ``areas`` judge, ``saved`` keeps a model and
uses it again.
"""

from udfs.progression.prediction.areas import (
    Area,
    area_under_curve,
    areas,
    bootstrap_areas,
    delong_variance,
    macro_area,
    micro_area,
    micro_area_of_shares,
)
from udfs.progression.prediction.boosting import Parameters, PlainBoosting, plain_boosting
from udfs.progression.prediction.design import Design, Features, features_of
from udfs.progression.prediction.metrics import calibration, macro_f1, metrics, roc_curve, wilson
from udfs.progression.prediction.saved import SavedModel
from udfs.progression.prediction.validation import (
    GRID,
    Split,
    best_parameters,
    cross_validate,
    fit_model,
    permutation_importance,
    smallest_class,
    stratified_folds,
)

__all__ = [
    "GRID",
    "Area",
    "Design",
    "Features",
    "Parameters",
    "PlainBoosting",
    "SavedModel",
    "Split",
    "area_under_curve",
    "areas",
    "best_parameters",
    "bootstrap_areas",
    "calibration",
    "cross_validate",
    "delong_variance",
    "features_of",
    "fit_model",
    "macro_area",
    "macro_f1",
    "metrics",
    "micro_area",
    "micro_area_of_shares",
    "permutation_importance",
    "plain_boosting",
    "roc_curve",
    "smallest_class",
    "stratified_folds",
    "wilson",
]
