"""Prediction: columns, the model in plain numbers, folds, metrics, permuted outcomes."""

from __future__ import annotations

import json

import numpy as np
import pytest

from udfs.progression.prediction import (
    GRID,
    Design,
    Features,
    Parameters,
    SavedModel,
    area_under_curve,
    calibration,
    cross_validate,
    features_of,
    fit_model,
    macro_area,
    metrics,
    permutation_importance,
    plain_boosting,
    roc_curve,
    stratified_folds,
    wilson,
)
from udfs.progression.prediction.boosting import PlainBoosting
from udfs.progression.prediction.design import Scaling

QUICK = Parameters(iterations=15, min_samples_leaf=10)
NO_SIGNAL = 0.03
"""A permuted outcome: mean area over 20 permutations within this of 0.5."""


def patients(n: int, seed: int) -> tuple[Features, np.ndarray]:
    """Three classes: 'size' sets the second apart, 'site' the third; 'noise' nothing."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 3, n)
    size = rng.normal(size=n) + 2.5 * (label == 1)
    size[rng.random(n) < 0.1] = np.nan
    site = np.where((label == 2) & (rng.random(n) < 0.8), "rectum", "colon").astype(object)
    site[rng.random(n) < 0.1] = None
    columns = {"size": size, "noise": rng.normal(size=n), "site": site}
    return features_of({"size": "number", "noise": "number", "site": "category"}, columns), label


def named(label: np.ndarray, folds: int = 5) -> list[tuple[str, np.ndarray]]:
    return [(f"fold {i}", held) for i, held in enumerate(stratified_folds(label, folds, 1))]


def test_columns_are_learnt_and_missing_stays_missing() -> None:
    words = ["a"] * 12 + ["b"] * 12 + ["c"] + [None]
    found = features_of({"x": "number", "w": "category"}, {"x": [1.0] * 25 + [None], "w": words})
    design = Design.learn(found)
    assert design.columns == ["x", "w=a", "w=b"]
    matrix = design.matrix(found)
    assert matrix[0].tolist() == [1, 1, 0]
    assert matrix[24].tolist() == [1, 0, 0], "a rare level has no column"
    assert np.isnan(matrix[25]).all()
    scaled = Scaling.learn(matrix).transform(matrix)
    assert scaled.shape == (26, 6), "three columns, and three that say what is missing"
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-12)


def test_columns_that_tell_nothing_are_left_out() -> None:
    """A trial that does not record a number has it missing in everybody."""
    rng = np.random.default_rng(1)
    columns = {"x": rng.normal(size=60), "none": [None] * 60, "same": [1.0] * 60}
    columns["some"] = [1.0, None] * 30
    found = features_of(dict.fromkeys(columns, "number"), columns)
    assert Design.learn(found).columns == ["x", "some"]
    label = (columns["x"] > 0).astype(int)
    fitted = fit_model(found, label, "gradient boosting", QUICK, 0)
    assert fitted.probability(found, 2).shape == (60, 2)
    assert fit_model(found, label, "logistic regression", QUICK, 0).scaling is not None


@pytest.mark.parametrize("classes", [2, 3])
def test_plain_model_gives_the_same_probabilities(classes: int) -> None:
    features, label = patients(400, 1)
    label = np.minimum(label, classes - 1)
    fitted = fit_model(features, label, "gradient boosting", QUICK, 0)
    matrix = fitted.design.matrix(features)
    plain = plain_boosting(fitted.estimator, matrix)
    others = fitted.design.matrix(patients(300, 2)[0])
    expected = fitted.estimator.predict_proba(others)
    np.testing.assert_allclose(plain.probability(others), expected, rtol=0, atol=1e-12)
    again = PlainBoosting.from_dict(json.loads(json.dumps(plain.to_dict())))
    np.testing.assert_array_equal(again.probability(others), plain.probability(others))


def saved() -> SavedModel:
    features, label = patients(300, 1)
    fitted = fit_model(features, label, "gradient boosting", QUICK, 0)
    plain = plain_boosting(fitted.estimator, fitted.design.matrix(features))
    return SavedModel(("a", "b", "c"), fitted.design, plain, {"n_patients": 300})


def test_saved_model_predicts_the_same_and_refuses_changes() -> None:
    model = saved()
    text = model.to_text()
    again = SavedModel.from_text(text)
    others = patients(50, 5)[0]
    np.testing.assert_array_equal(again.probability(others), model.probability(others))
    content = json.loads(text)
    content["classes"][0] = "other"
    with pytest.raises(ValueError, match="changed after it was written"):
        SavedModel.from_text(json.dumps(content))
    with pytest.raises(ValueError, match="not of the format"):
        SavedModel.from_text("{}")
    with pytest.raises(ValueError, match="no JSON"):
        SavedModel.from_text("model")


def test_a_tree_that_points_back_is_refused() -> None:
    data = saved().boosting.to_dict()
    data["trees"][0][0]["left"][0] = 0
    data["trees"][0][0]["right"][0] = 10_000
    data["trees"][0][0]["left"][0] = 10_000
    with pytest.raises(ValueError, match="points outside itself"):
        PlainBoosting.from_dict(data)


def test_signal_is_found_by_both_models_and_importance_knows_where() -> None:
    features, label = patients(500, 3)
    sets = named(label)
    for model in ("gradient boosting", "logistic regression"):
        probability, splits = cross_validate(
            features,
            label,
            3,
            sets,
            model=model,
            grid=(QUICK,),  # type: ignore[arg-type]
        )
        assert macro_area(probability, label) > 0.8
        np.testing.assert_allclose(probability.sum(axis=1), 1)
        if model == "gradient boosting":
            falls = permutation_importance(features, label, 3, splits, 1)
    means = {name: float(values.mean()) for name, values in falls.items()}
    assert min(means["size"], means["site"]) > 0.05 > 5 * abs(means["noise"])


def test_a_permuted_outcome_cannot_be_predicted() -> None:
    """Mean macro area over 20 permutations, all else as it is."""
    features, label = patients(400, 4)
    rng = np.random.default_rng(6)
    areas = []
    for _ in range(20):
        other = rng.permutation(label)
        probability, _ = cross_validate(features, other, 3, named(other), grid=(QUICK,))
        areas.append(macro_area(probability, other))
    assert np.mean(areas) == pytest.approx(0.5, abs=NO_SIGNAL)


def test_held_back_patients_have_no_part_in_training() -> None:
    """Other outcomes and other characteristics of a fold leave the model of that fold as it is."""
    features, label = patients(300, 7)
    (name, held), *_ = named(label)
    changed = label.copy()
    changed[held] = 0
    value = {k: v.copy() for k, v in features.value.items()}
    value["size"][held] = 99.0
    value["site"][held] = "elsewhere"
    other = Features(features.kind, value)
    probe = patients(40, 8)[0]
    found = []
    for one, outcome in ((features, label), (other, changed)):
        _, splits = cross_validate(one, outcome, 3, [(name, held)], grid=(QUICK,))
        found.append(splits[0].fitted.probability(probe, 3))
    np.testing.assert_array_equal(found[0], found[1])


def test_grid_search_is_nested() -> None:
    """Each training set chooses for itself; what is held back has no say."""
    features, label = patients(200, 9)
    grid = [Parameters(iterations=1, learning_rate=0.01), QUICK]
    _, splits = cross_validate(features, label, 3, named(label), grid=grid, inner_folds=3)
    assert {split.parameters for split in splits} == {QUICK}
    assert len(set(GRID)) == len(GRID) > 1


@pytest.mark.parametrize("model", ["gradient boosting", "logistic regression"])
def test_without_any_characteristic_the_shares_of_the_classes_are_predicted(model: str) -> None:
    label = np.repeat([0, 1, 2], [60, 30, 10])
    features = features_of(
        {"age": "number", "sex": "category"}, {"age": [None] * 100, "sex": ["F"] * 5 + [None] * 95}
    )
    fitted = fit_model(features, label, model, QUICK, 0)  # type: ignore[arg-type]
    shares = fitted.probability(features, 3)
    np.testing.assert_allclose(shares, np.tile([0.6, 0.3, 0.1], (100, 1)), atol=0.01)


@pytest.mark.parametrize("folds", [12, 200])
def test_no_more_folds_than_the_smallest_class_has_patients(folds: int) -> None:
    label = np.repeat([0, 1, 2], [40, 7, 30])
    parts = stratified_folds(label, folds, 3)
    assert len(parts) == 7
    assert sorted(np.concatenate(parts).tolist()) == list(range(label.size))
    assert all((label[held] == 1).sum() == 1 for held in parts)


def test_the_same_numbers_with_any_number_of_threads() -> None:
    from threadpoolctl import threadpool_limits

    features, label = patients(300, 10)
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            found.append(cross_validate(features, label, 3, named(label), grid=(QUICK,))[0])
    np.testing.assert_array_equal(found[0], found[1])


def test_metrics_against_scikit_learn() -> None:
    from sklearn import metrics as peer

    rng = np.random.default_rng(11)
    actual = rng.integers(0, 3, 300)
    raw = rng.normal(size=(300, 3)) + 1.5 * np.eye(3)[actual]
    probability = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
    found = {(who, name): v for who, name, v in metrics(probability, actual, ["a", "b", "c"])}
    said = probability.argmax(axis=1)
    p, r, f, n = peer.precision_recall_fscore_support(actual, said)
    for k, name in enumerate("abc"):
        assert found[name, "precision"] == pytest.approx(p[k])
        assert found[name, "recall"] == pytest.approx(r[k])
        assert found[name, "f1"] == pytest.approx(f[k])
        assert found[name, "n"] == n[k]
        area = peer.roc_auc_score(actual == k, probability[:, k])
        assert found[name, "roc_auc"] == pytest.approx(area)
        assert found[name, "brier"] == pytest.approx(
            peer.brier_score_loss(actual == k, probability[:, k])
        )
    assert found["all", "roc_auc"] == pytest.approx(
        peer.roc_auc_score(actual, probability, multi_class="ovr")
    )
    assert found["all", "accuracy"] == pytest.approx(peer.accuracy_score(actual, said))
    assert found["all", "f1"] == pytest.approx(peer.f1_score(actual, said, average="macro"))
    assert found["all", "log_loss"] == pytest.approx(peer.log_loss(actual, probability))
    false, true, _ = roc_curve(probability[:, 0], actual == 0, points=10_000)
    area = float(np.trapezoid(true, false))
    assert area == pytest.approx(area_under_curve(probability[:, 0], actual == 0))


def test_calibration_groups_all_and_is_right_where_probabilities_are() -> None:
    rng = np.random.default_rng(12)
    p = rng.uniform(size=20_000)
    found = calibration(p, rng.random(20_000) < p)
    assert found.n.sum() == 20_000
    assert len(found.n) == 10
    assert np.abs(found.predicted - found.observed).max() < 0.04, "four standard errors of 2,000"
    lower, upper = wilson(np.array([0.0]), np.array([10.0]))
    assert (lower[0], upper[0]) == pytest.approx((0, 0.2775), abs=1e-4)


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="no column age"):
        features_of({"age": "number"}, {})
    with pytest.raises(ValueError, match="age"):
        features_of({"age": "number"}, {"age": ["old"]})
