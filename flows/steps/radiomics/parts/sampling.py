"""The sampling study as tables, the same for radiomic distances and for growth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from udfs.radiomics.recovery import least_lesions
from udfs.radiomics.sampling import Patient, Sampled, SamplingStudy, Summed, sampling_study
from udfs.radiomics.strategies import (
    PUBLISHED,
    Strategy,
    Subsets,
    UnknownStrategyError,
    parse_strategies,
)
from warehouse.declarations import declared
from warehouse.errors import LesionsError
from warehouse.registry import StepContext, TableDoc
from warehouse.result_tables import result_table

SETTINGS = (
    "radiomics.simulations",
    "radiomics.exact_subsets",
    "radiomics.curve_lesions",
    "radiomics.recovered_share",
    "radiomics.confidence",
)
INDEX = {
    "average": "average_tumoral_heterogeneity",
    "maximum": "maximal_tumoral_divergence",
}


def sampling_docs(prefix: str) -> tuple[TableDoc, ...]:
    """The four tables of a sampling study: strategies and curve, by patient and by cohort."""
    parts = ("sampling", "recovery", "sampling_summary", "recovery_summary")
    return tuple(declared(f"analysis.{prefix}_{part}") for part in parts)


def strategies_of(context: StepContext, setting: str) -> tuple[Strategy, ...]:
    """The strategies that a setting names.

    Raises:
        LesionsError: one of them is none.
    """
    try:
        found = parse_strategies(str(context.setting(setting)))
    except UnknownStrategyError as error:
        raise LesionsError(f"{setting} in lesions.toml: {error}") from error
    return found


def sampling_tables(
    context: StepContext,
    docs: Sequence[TableDoc],
    patients: Sequence[Patient],
    strategies: Sequence[Strategy],
    confidence: float,
    choices: Sequence[Sequence[Subsets | None]] | None = None,
) -> dict[str, pa.Table]:
    """Runs the study; its four tables by name. ``choices``: the subsets, where they are known."""
    study = sampling_study(
        patients,
        strategies,
        seed=context.seed,
        simulations=int(context.setting("radiomics.simulations")),
        most_exact=int(context.setting("radiomics.exact_subsets")),
        curve_to=int(context.setting("radiomics.curve_lesions")),
        confidence=confidence,
        progress=context.progress,
        choices=choices,
    )
    wanted = float(context.setting("radiomics.recovered_share"))
    names = [patient.name for patient in patients]
    available = np.asarray([patient.n for patient in patients], dtype=np.int64)
    tables = (
        _strategy_rows(study, names, available),
        _curve_rows(study, names, available, wanted),
        _summary_rows(study.summary, "strategy"),
        _with_enough(_summary_rows(study.curve_summary, "n_lesions"), "cohort", wanted),
    )
    return {
        doc.name: result_table(doc, {name: columns[name] for name in doc.columns})
        for doc, columns in zip(docs, tables, strict=True)
    }


Columns = dict[str, Any]


def _sampled_columns(parts: Sequence[Sampled], names: list[str], available: Any) -> Columns:
    def joined(name: str) -> Any:
        values = [getattr(part, name) for part in parts]
        return np.concatenate(values) if values else np.zeros(0)

    def repeated(values: Sequence[Any]) -> list[Any]:
        return [
            value
            for value, part in zip(values, parts, strict=True)
            for _ in range(part.patient.size)
        ]

    rows = joined("patient").astype(np.int64)
    return {
        "patient_id": [names[i] for i in rows],
        "label": repeated([part.label for part in parts]),
        "n_lesions": joined("n_lesions"),
        "index": repeated([INDEX[part.index] for part in parts]),
        "recovered_mean": joined("mean"),
        "recovered_lower": joined("lower"),
        "recovered_upper": joined("upper"),
        "recovered_mean_se": joined("standard_error"),
        "definition": repeated([part.definition for part in parts]),
        "scope": repeated([part.scope for part in parts]),
        "n_available": available[rows],
        "n_subsets": joined("n_subsets"),
        "is_exact": joined("is_exact").astype(bool),
    }


def _strategy_rows(study: SamplingStudy, names: list[str], available: Any) -> Columns:
    columns = _sampled_columns(study.strategies, names, available)
    columns["strategy"] = columns.pop("label")
    columns["is_published"] = [name in PUBLISHED for name in columns["strategy"]]
    return columns


def _curve_rows(study: SamplingStudy, names: list[str], available: Any, wanted: float) -> Columns:
    """The points of the curve up to the patient's number of lesions."""
    columns = _sampled_columns(study.curve, names, available)
    is_own = np.asarray(columns["label"], dtype=np.int64) <= columns["n_available"]
    kept = np.flatnonzero(is_own)
    columns = {name: _taken(values, kept) for name, values in columns.items()}
    return _with_enough(columns, "patient_id", wanted)


def _summary_rows(parts: Sequence[Summed], label: str) -> Columns:
    return {
        "cohort": [part.cohort for part in parts],
        label: [part.label for part in parts],
        "definition": [part.definition for part in parts],
        "scope": [part.scope for part in parts],
        "index": [INDEX[part.index] for part in parts],
        "recovered_mean": np.asarray([part.mean for part in parts], dtype=np.float64),
        "recovered_lower": np.asarray([part.lower for part in parts], dtype=np.float64),
        "recovered_upper": np.asarray([part.upper for part in parts], dtype=np.float64),
        "recovered_mean_se": np.asarray([part.standard_error for part in parts]),
        "n_patients": [part.n_patients for part in parts],
        "n_patients_partial": [part.n_partial for part in parts],
        "recovered_mean_partial": np.asarray([part.mean_partial for part in parts]),
    }


def _with_enough(columns: Columns, owner: str, wanted: float) -> Columns:
    """Flags the points of each curve from which on it stays at or above what is wanted."""
    number = np.asarray(columns["n_lesions"], dtype=np.int64)
    curves: dict[tuple[str, str, str], list[int]] = {}
    keys = zip(columns[owner], columns["definition"], columns["index"], strict=True)
    for i, key in enumerate(keys):
        curves.setdefault(key, []).append(i)
    for flag, share in (
        ("is_mean_enough", columns["recovered_mean"]),
        ("is_lower_enough", columns["recovered_lower"]),
    ):
        enough = np.zeros(number.size, dtype=bool)
        for rows in curves.values():
            needed = least_lesions(number[rows].tolist(), share[rows].tolist(), wanted)
            enough[rows] = needed is not None and number[rows] >= needed
        columns[flag] = enough
    return columns


def _taken(values: Any, rows: Any) -> Any:
    if isinstance(values, list):
        return [values[i] for i in rows]
    return values[rows]
