"""Which radiomic features hold under another segmentation, and which say the same (Henry 2022)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from flows.steps.radiomics.parts.matrix import (
    VALUES,
    BoolArray,
    FloatArray,
    StudyFeatures,
    confidence_of,
    study_features,
)
from udfs.radiomics.agreement import concordance
from udfs.radiomics.clusters import choose_representatives, cluster_features
from warehouse.declarations import declared
from warehouse.registry import StepContext, step
from warehouse.result_tables import nulls

NO_COMPARISON = "none"
MAX_CORRELATED = 300
"""More kept features than this, and only correlations with the representative are kept."""

ROBUSTNESS = declared("analysis.radiomic_robustness")
CORRELATION = declared("analysis.radiomic_correlation")


@step(
    name="radiomic_robustness",
    reads=(VALUES,),
    writes=(ROBUSTNESS, CORRELATION),
    settings=(
        "radiomics.ccc_threshold",
        "radiomics.least_compared_percent",
        "radiomics.least_known_percent",
        "radiomics.linkage",
        "radiomics.cluster_distance",
        "radiomics.clusters",
        "radiomics.understandable",
        "radiomics.confidence",
    ),
)
def radiomic_robustness(context: StepContext) -> dict[str, pa.Table]:
    """Concordance of every feature in every segmentation, and clusters of those kept.

    Raises:
        LesionsError: a setting is out of range.
    """
    confidence = confidence_of(context)
    rows: list[dict[str, Any]] = []
    pairs: list[dict[str, Any]] = []
    for study in study_features(context, all_segmentations=True):
        agreement = list(_agreement(context, study, confidence))
        kept, reasons = _kept(context, study, agreement)
        clusters, own_pairs = _clustered(context, study, kept)
        rows += [
            {
                **row,
                "is_kept": bool(kept[place]),
                "is_selected": False,
                "reason": reasons[place],
                **clusters.get(place, nulls(("cluster", "place"))),
            }
            for row in agreement
            for place in (row.pop("feature_place"),)
        ]
        pairs += own_pairs
        if not kept.any():
            is_robustness = any(str(reason).startswith("not robust") for reason in reasons)
            remedy = (
                "lower radiomics.ccc_threshold where the segmentations agree too little."
                if is_robustness
                else f"of {study.feature[0]}: {reasons[0]}."
            )
            context.note(
                f"{study.study_id}: none of {len(study.feature)} radiomic features is kept, so "
                f"heterogeneity cannot be measured. radiomic_robustness.reason says why; {remedy}"
            )
    return {
        ROBUSTNESS.name: context.table(ROBUSTNESS.name, rows),
        CORRELATION.name: context.table(CORRELATION.name, pairs),
    }


def _agreement(
    context: StepContext, study: StudyFeatures, confidence: float
) -> Iterator[dict[str, Any]]:
    """One row per feature and comparison, the feature's place with it."""
    threshold = float(context.setting("radiomics.ccc_threshold"))
    reference, *others = study.segmentations
    for place, feature in enumerate(study.feature):
        key = {
            "feature_place": place,
            "study_id": study.study_id,
            "feature": feature,
            "reference": reference,
            "feature_class": study.feature_class[place],
        }
        if not others:
            n = int((~np.isnan(study.reference[:, place])).sum())
            nothing = nulls(("ccc", "ccc_lower", "ccc_upper", "pearson", "is_robust"))
            yield {**key, "comparison": NO_COMPARISON, "n_lesions": n, **nothing}
        for other in others:
            found = concordance(
                study.reference[:, place], study.values[other][:, place], confidence=confidence
            )
            yield {
                **key,
                "comparison": other,
                "n_lesions": found.n,
                "ccc": found.ccc,
                "ccc_lower": found.lower,
                "ccc_upper": found.upper,
                "pearson": found.pearson,
                "is_robust": None if np.isnan(found.ccc) else found.ccc >= threshold,
            }


def _kept(
    context: StepContext, study: StudyFeatures, agreement: list[dict[str, Any]]
) -> tuple[BoolArray, list[str | None]]:
    """Which features are kept, and why the others are not."""
    least_compared = float(context.setting("radiomics.least_compared_percent")) / 100
    least_known = float(context.setting("radiomics.least_known_percent")) / 100
    x = study.reference
    in_reference = x[~np.isnan(x).all(axis=1)]
    reasons: list[str | None] = []
    for place in range(len(study.feature)):
        column = in_reference[:, place]
        known = column[~np.isnan(column)]
        if column.size == 0 or known.size < least_known * column.size:
            reasons.append("known in too few lesions")
        elif known.size < 2 or np.ptp(known) == 0:
            reasons.append("the same in every lesion")
        else:
            reasons.append(None)
    least_pairs = max(least_compared * in_reference.shape[0], 3)
    for row in agreement:
        if row["is_robust"] is False and row["n_lesions"] >= least_pairs:
            place = row["feature_place"]
            reasons[place] = reasons[place] or f"not robust: {row['comparison']}"
    _keep_complete(in_reference, reasons, least_known)
    return np.asarray([reason is None for reason in reasons]), reasons


def _keep_complete(x: FloatArray, reasons: list[str | None], least_known: float) -> None:
    """Gives up the features that most lesions lack until enough lesions have all that are left."""
    missing = np.isnan(x)
    while True:
        kept = [place for place, reason in enumerate(reasons) if reason is None]
        complete = ~missing[:, kept].any(axis=1)
        if not kept or complete.sum() >= max(least_known * x.shape[0], 2):
            break
        worst = max(kept, key=lambda place: (missing[:, place].sum(), place))
        if not missing[:, worst].any():
            break
        reasons[worst] = "known in too few lesions that have the other features"
    for place in kept:
        if x.shape[0] == 0 or not complete.any() or np.ptp(x[complete, place]) == 0:
            reasons[place] = "the same in every lesion"


def _clustered(
    context: StepContext, study: StudyFeatures, kept: BoolArray
) -> tuple[dict[int, dict[str, Any]], list[dict[str, Any]]]:
    """Cluster and place of each kept feature, and the correlations between them."""
    places = np.flatnonzero(kept)
    x = study.reference[:, places]
    x = x[~np.isnan(x).any(axis=1)]
    if not places.size or x.shape[0] < 2:
        return {}, []
    names = [study.feature[i] for i in places]
    found = cluster_features(
        x,
        cut=float(context.setting("radiomics.cluster_distance")),
        n_clusters=int(context.setting("radiomics.clusters")),
        linkage=str(context.setting("radiomics.linkage")),
    )
    understandable = str(context.setting("radiomics.understandable")).split(",")
    chosen = choose_representatives(
        names, found.cluster, [word.strip() for word in understandable if word.strip()]
    )
    clusters = {
        int(place): {
            "cluster": int(found.cluster[i]),
            "place": int(found.place[i]) + 1,
            "is_selected": bool(chosen.is_selected[i]),
            "reason": chosen.reason[i] or None,
        }
        for i, place in enumerate(places)
    }
    pairs = []
    is_small = len(names) <= MAX_CORRELATED
    for i, j in zip(*np.triu_indices(len(names), 1), strict=True):
        is_same = bool(found.cluster[i] == found.cluster[j])
        if is_small or (is_same and (chosen.is_selected[i] or chosen.is_selected[j])):
            pairs.append(
                {
                    "study_id": study.study_id,
                    "feature": names[i],
                    "other_feature": names[j],
                    "correlation_abs": float(found.correlation[i, j]),
                    "is_same_cluster": is_same,
                }
            )
    return clusters, pairs
