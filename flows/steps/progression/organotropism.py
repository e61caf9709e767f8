"""Which organs go together, and the Markov chain over organs (Newton 2012) from observed steps."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from flows.steps.survival.survival import confidence_level
from warehouse.declarations import declared
from warehouse.registry import StepContext, step

if TYPE_CHECKING:
    import pandas as pd

    from udfs.progression.organs import Chain

SUBSET = """CASE
        WHEN (SELECT count(DISTINCT tumor_type) FROM core.study) > 1
            THEN 'tumor type ' || coalesce(study.tumor_type, 'not stated')
        ELSE 'all'
    END"""
PRESENT = f"""
SELECT
    patient.patient_id,
    affected.organ,
    {SUBSET} AS subset
FROM core.patient AS patient
INNER JOIN core.study AS study ON patient.study_id = study.study_id
INNER JOIN analysis.baseline_organ AS affected ON patient.patient_id = affected.patient_id
INNER JOIN core.organ AS organ ON affected.organ = organ.organ
WHERE patient.is_analysed AND affected.organ <> 'unknown'
ORDER BY subset, patient.patient_id, organ.sort_order
"""
STEPS = f"""
SELECT
    sequence.patient_id,
    sequence.organ,
    sequence.time_days,
    {SUBSET} AS subset
FROM analysis.progression_sequence AS sequence
INNER JOIN core.patient AS patient ON sequence.patient_id = patient.patient_id
INNER JOIN core.study AS study ON patient.study_id = study.study_id
WHERE
    sequence.rule_set = '{{rule_set}}'
    AND sequence.source = '{{source}}'
    AND sequence.organ <> 'unknown'
ORDER BY subset, sequence.patient_id, sequence.time_days, sequence.organ
"""
PAIRS = declared("analysis.organ_cooccurrence")
CHAIN = declared("analysis.organ_chain")
PASSAGE = declared("analysis.organ_passage")
MIN_AFFECTED = 5
"""Patients with an organ below which its pairs are not counted."""
Rows = list[dict[str, Any]]


@step(
    name="organotropism",
    reads=(
        "core.patient",
        "core.study",
        "core.organ",
        "analysis.baseline_organ",
        "analysis.progression_sequence",
    ),
    writes=(PAIRS, CHAIN, PASSAGE),
    settings=(
        "rules.rule_set",
        "progression.event_source",
        "progression.chain_resamples",
        "survival.confidence",
    ),
)
def organotropism(context: StepContext) -> dict[str, pa.Table]:
    """Pairs of organs at baseline; the chain of progressions one after another."""
    confidence = confidence_level(context)
    order = context.frame("SELECT organ FROM core.organ ORDER BY sort_order, organ")
    organs = order["organ"].tolist()
    found: tuple[Rows, Rows, Rows] = ([], [], [])
    for subset, rows in context.frame(PRESENT).groupby("subset", sort=True):
        found[0].extend(_pairs(str(subset), rows, organs, confidence))
    words = {
        "rule_set": context.setting("rules.rule_set"),
        "source": context.setting("progression.event_source"),
    }
    for subset, rows in context.frame(STEPS.format(**words)).groupby("subset", sort=True):
        chains, passages = _chain(context, str(subset), rows, organs, confidence)
        found[1].extend(chains)
        found[2].extend(passages)
    return {
        table.name: context.table(table.name, rows)
        for table, rows in zip((PAIRS, CHAIN, PASSAGE), found, strict=True)
    }


def _pairs(subset: str, rows: pd.DataFrame, organs: list[str], confidence: float) -> Rows:
    from udfs.progression.organs import pairs

    patients, row = np.unique(rows["patient_id"].to_numpy(str), return_inverse=True)
    presence = np.zeros((patients.size, len(organs)), dtype=bool)
    presence[row, [organs.index(o) for o in rows["organ"]]] = True
    kept = np.flatnonzero(presence.sum(axis=0) >= MIN_AFFECTED)
    out = []
    for pair in pairs(presence[:, kept], confidence=confidence):
        verdict = "together" if pair.lower > 0 else "apart" if pair.upper < 0 else "open"
        out.append({
            "subset": subset, "organ": organs[kept[pair.first]],
            "other_organ": organs[kept[pair.second]], "n_patients": patients.size,
            "n_both": pair.n_both, "n_organ_only": pair.n_first_only,
            "n_other_only": pair.n_second_only, "n_neither": pair.n_neither, "lift": pair.lift,
            "log_odds_ratio": pair.log_odds_ratio, "standard_error": pair.standard_error,
            "ci_lower": pair.lower, "ci_upper": pair.upper, "p_value": pair.p_value,
            "p_adjusted": pair.p_adjusted, "verdict": verdict,
        })  # fmt: skip
    return out


def steps_of(
    patient: np.ndarray, organ: np.ndarray, day: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Patient, organ from, organ to and weight of each step; rows by patient and day.

    Organs of one day step to those of the next day with one, each pair with an equal part of as
    many steps as there are organs on the earlier day.
    """
    out: list[tuple[int, int, int, float]] = []
    edges = np.flatnonzero(np.diff(patient, prepend=-1, append=-1))
    for first, last in pairwise(edges.tolist()):
        days = np.unique(day[first:last])
        groups = [organ[first:last][day[first:last] == d] for d in days]
        for here, there in pairwise(groups):
            weight = 1.0 / there.size
            out += [(int(patient[first]), int(a), int(b), weight) for a in here for b in there]
    columns = np.array(out, dtype=float).reshape(-1, 4)
    whole = columns[:, :3].astype(np.int64)
    return whole[:, 0], whole[:, 1], whole[:, 2], columns[:, 3]


def _chain(
    context: StepContext, subset: str, rows: pd.DataFrame, organs: list[str], confidence: float
) -> tuple[Rows, Rows]:
    from udfs.progression.organs import chain

    place = {name: k for k, name in enumerate(organs)}
    organ = rows["organ"].map(place).to_numpy(np.int64)
    _, patient = np.unique(rows["patient_id"].to_numpy(str), return_inverse=True)
    who, start, end, weight = steps_of(patient, organ, rows["time_days"].to_numpy(float))
    g = len(organs)
    cell = start * g + end

    def counts(times: np.ndarray) -> np.ndarray:
        return np.bincount(cell, weights=weight * times[who], minlength=g * g).reshape(g, g)

    n = int(patient.max()) + 1
    found = chain(counts(np.ones(n)))
    rng = np.random.default_rng(context.seed)
    resamples = int(context.setting("progression.chain_resamples"))
    drawn = [
        chain(counts(rng.multinomial(n, np.full(n, 1 / n)).astype(float))) for _ in range(resamples)
    ]
    stepped = np.bincount(start, weights=weight, minlength=g)
    progressed = np.bincount(organ, minlength=g)
    moved = np.zeros((n, g), dtype=bool)
    moved[who, start] = True
    return _rows(
        subset, organs, found, drawn, confidence, counts(np.ones(n)), progressed,
        moved.sum(axis=0), stepped,
    )  # fmt: skip


def _rows(
    subset: str,
    organs: list[str],
    found: Chain,
    drawn: list[Chain],
    confidence: float,
    counts: np.ndarray,
    progressed: np.ndarray,
    moved: np.ndarray,
    stepped: np.ndarray,
) -> tuple[Rows, Rows]:
    state = _limits([one.steady_state for one in drawn], confidence)
    passage = _limits([one.first_passage for one in drawn], confidence)
    chains: Rows = []
    passages: Rows = []
    for i, organ in enumerate(organs):
        if not progressed[i]:
            continue
        inside = bool(found.in_class[i])
        chains.append({
            "subset": subset, "organ": organ, "n_progressed": int(progressed[i]),
            "n_steps": float(stepped[i]), "share_without_next": 1 - moved[i] / progressed[i],
            "is_in_class": inside, "steady_state": _known(found.steady_state[i]),
            "steady_lower": _known(state[0][i]) if inside and state else None,
            "steady_upper": _known(state[1][i]) if inside and state else None,
            "total_variation": _known(found.total_variation[i]),
        })  # fmt: skip
        for j in np.flatnonzero(found.in_class).tolist() if inside else []:
            passages.append({
                "subset": subset, "from_organ": organ, "to_organ": organs[j],
                "n_steps": float(counts[i, j]), "probability": float(found.probability[i, j]),
                "mean_first_passage_steps": float(found.first_passage[i, j]),
                "passage_lower": _known(passage[0][i, j]) if passage else None,
                "passage_upper": _known(passage[1][i, j]) if passage else None,
            })  # fmt: skip
    return chains, passages


def _limits(drawn: list[np.ndarray], confidence: float) -> tuple[np.ndarray, np.ndarray] | None:
    """Quantiles over the bootstrap samples in which an organ was in the class; None without."""
    if not drawn:
        return None
    values = np.stack(drawn)
    few = np.isfinite(values).mean(axis=0) < 0.5
    ends = []
    for share in ((1 - confidence) / 2, (1 + confidence) / 2):
        filled = np.where(few, 0.0, values)
        ends.append(np.where(few, np.nan, np.nanquantile(filled, share, axis=0)))
    return ends[0], ends[1]


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
