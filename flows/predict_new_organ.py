"""Risks of a lesion in a free organ in new patients: ``lesions predict --what new-organ``."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from flows.patient_file import (
    ids,
    numbers,
    one_subset,
    open_warehouse,
    read_table,
    write_answer,
    write_template,
)
from flows.steps.progression.parts.new_organs import COURSE, MIN_EVENTS, TERMS, AtRisk
from warehouse.errors import LesionsError

if TYPE_CHECKING:
    import pandas as pd

PATIENT, ORGANS, LANDMARK = "patient_id", "organs", "landmark_days"
SUM, BASELINE, NADIR = "sum_mm", "baseline_sum_mm", "nadir_mm"
COLUMNS = (PATIENT, LANDMARK, ORGANS, SUM, BASELINE, NADIR)
HEADER = (
    *(PATIENT, "organ", LANDMARK, "horizon_days", "risk", "lower", "upper", "is_imputed"),
    "verdict",
)
ANY = "any"
MAX_SUM_MM = 10_000.0
"""No sum of diameters is more; what is more has another unit."""
BY_TRIAL = "SELECT * FROM analysis.new_organ_accuracy WHERE split <> 'apparent'"
VALUES = """
SELECT
    max(value) FILTER (WHERE name = 'progression.new_organ_horizon_days'),
    max(value) FILTER (WHERE name = 'survival.confidence')
FROM meta.setting
"""


@dataclass(frozen=True)
class _Known:
    """What the warehouse knows: who was at risk, how good the models are, its organs."""

    course: pd.DataFrame
    verdict: dict[tuple[str, float], str]
    horizon: float
    confidence: float
    organs: frozenset[str]


def predict_new_organ(
    source: Path | None,
    *,
    warehouse: Path,
    subset: str | None,
    output: Path | None,
    template: Path | None,
    say: Callable[[str], None],
    warn: Callable[[str], None],
) -> None:
    """The risk of a lesion within the horizon, of every free organ of every patient of a file.

    The models are those of step ``new_organ_risk``, fitted again to analysis.new_organ_course.

    Args:
        source: a CSV or Parquet of one row per patient and landmark: patient_id, landmark_days (0,
            or one of progression.landmarks), organs (with lesions then, semicolons between),
            sum_mm (of diameters, the last complete one), and after day 0 baseline_sum_mm and
            nadir_mm. What is not known stays empty and counts as the median of those at risk.
        warehouse: the published file.
        subset: which patients the models are of, where there are several tumor types.
        output: CSV to be written; None prints it.
        template: writes a CSV with these columns, and nothing else.
        say: prints a paragraph.
        warn: prints what is doubtful.

    Raises:
        LesionsError: no such tables, a column is missing, or a value cannot be used.
    """
    write_template(template, COLUMNS, say, of=" --what new-organ", more="")
    if source is None:
        if template is None:
            raise LesionsError("name a file of patients, or --template FILE to see its columns.")
        return
    known = _known(warehouse, subset)
    patients = _patients(source, known)
    rows = [row for group in _groups(known) for row in _risks(group, patients, known)]
    place = {patient: number for number, patient in enumerate(patients[PATIENT])}
    rows.sort(key=lambda row: (place[row[0]], row[2], row[1] != ANY, row[1]))
    for day, here in patients.groupby(LANDMARK):
        modelled = {row[1] for row in rows if row[2] == f"{day:g}"} | {"unknown"}
        free = set().union(*(known.organs - named for named in here[ORGANS]))
        if free - modelled:
            warn(
                f"From day {day:g}, too few patients had a first lesion there for a model: "
                f"{', '.join(sorted(free - modelled))}."
            )
    unused = sorted({row[8] for row in rows} - {"of use"})
    if unused:
        warn(
            f"Some verdicts are {', '.join(repr(one) for one in unused)}: by patients of trials "
            "held back (analysis.new_organ_accuracy)."
        )
    said = f"{len(rows)} risks of {patients[PATIENT].nunique()} patients written to {output}."
    write_answer(HEADER, rows, output, said, say)


def _known(warehouse: Path, subset: str | None) -> _Known:
    import duckdb

    with open_warehouse(warehouse) as con:
        try:
            course = con.sql(COURSE).df()
            accuracy = con.sql(BY_TRIAL).df()
            (values,) = con.sql(VALUES).fetchall()
            organs = [organ for (organ,) in con.sql("SELECT organ FROM core.organ").fetchall()]
        except duckdb.Error as error:
            raise LesionsError(
                f"{warehouse} has no tables of new organs. Run 'lesions run' again."
            ) from error
    subsets = sorted(course["subset"].unique())
    if not subsets:
        raise LesionsError(f"{warehouse} has no patient at risk of a lesion in a new organ.")
    chosen = one_subset(subset, subsets)
    own = accuracy[accuracy["subset"] == chosen]
    verdict = {
        (str(organ), float(day)): str(word)
        for organ, day, word in zip(own["organ"], own["landmark_days"], own["verdict"], strict=True)
    }
    return _Known(
        course[course["subset"] == chosen], verdict, float(values[0]), float(values[1]),
        frozenset(organs),
    )  # fmt: skip


def _groups(known: _Known) -> list[AtRisk]:
    """Those at risk of each organ at each landmark that a model can be fitted to."""
    found = []
    for (organ, day), rows in known.course.groupby(["organ", LANDMARK], sort=True):
        group = AtRisk.of({"organ": str(organ), LANDMARK: float(day)}, rows, seed=0)
        if int((group.cause == 1).sum()) >= MIN_EVENTS:
            found.append(group)
    return found


def _patients(path: Path, known: _Known) -> pd.DataFrame:
    """The file's rows with the covariates of analysis.new_organ_course beside them."""
    import pandas as pd

    frame = read_table(path, COLUMNS)
    found = pd.DataFrame({name: numbers(path, frame, name) for name in COLUMNS[3:]})
    found.insert(0, PATIENT, ids(path, frame, PATIENT))
    day = numbers(path, frame, LANDMARK)
    landmarks = sorted(known.course[LANDMARK].unique())
    for row, value in enumerate(day):
        if value not in landmarks:
            raise LesionsError(
                f"{path.name}, row {row + 1}: {LANDMARK} = {frame[LANDMARK].iloc[row]!r} is no day "
                "from which the warehouse predicts: "
                f"{', '.join(f'{one:g}' for one in landmarks)} (progression.landmarks)."
            )
    found[LANDMARK] = day
    repeated = found.duplicated([PATIENT, LANDMARK])
    if repeated.any():
        raise LesionsError(
            f"{path.name}, row {int(np.flatnonzero(repeated)[0]) + 1}: every row needs a "
            f"{PATIENT}, once with each {LANDMARK}."
        )
    found[ORGANS] = [
        _organs(path, row, text, known.organs) for row, text in enumerate(frame[ORGANS])
    ]
    for name in (SUM, BASELINE, NADIR):
        large = np.flatnonzero(found[name].to_numpy() > MAX_SUM_MM)
        if large.size:
            raise LesionsError(
                f"{path.name}, row {int(large[0]) + 1}: {name} is more than {MAX_SUM_MM:g} mm."
            )
    after = found[LANDMARK] > 0
    found["n_organs"] = [float(len(one)) for one in found[ORGANS]]
    found["has_liver"] = [float("liver" in one) for one in found[ORGANS]]
    found["has_lung"] = [float("lung" in one) for one in found[ORGANS]]
    found["log_sum"] = np.log1p(found[SUM])
    for name, over in (("log_change", BASELINE), ("log_regrowth", NADIR)):
        found[name] = np.where(after, np.log1p(found[SUM]) - np.log1p(found[over]), np.nan)
    for name in (SUM, BASELINE):
        below = np.flatnonzero(after.to_numpy() & (found[name] < found[NADIR]).to_numpy())
        if below.size:
            raise LesionsError(
                f"{path.name}, row {int(below[0]) + 1}: {name} is below {NADIR}, which is the "
                "smallest sum up to then."
            )
    return found


def _organs(path: Path, row: int, text: Any, known: frozenset[str]) -> frozenset[str]:
    parts = list(text) if isinstance(text, list | np.ndarray) else str(text or "").split(";")
    named = {str(part).strip().casefold() for part in parts if str(part).strip()} - {"nan"}
    if not named:
        raise LesionsError(
            f"{path.name}, row {row + 1}: {ORGANS} is empty. Name the organs that have lesions, "
            "semicolons between."
        )
    wrong = sorted(named - known)
    if wrong:
        raise LesionsError(
            f"{path.name}, row {row + 1}: {ORGANS} has {wrong[0]!r}. Known are "
            f"{', '.join(sorted(known))}."
        )
    return frozenset(named)


def _risks(group: AtRisk, patients: pd.DataFrame, known: _Known) -> list[tuple[Any, ...]]:
    """Rows of the answer of one organ at one landmark."""
    from udfs.progression.organs import cause_specific

    organ, day = group.key["organ"], group.key[LANDMARK]
    is_asked = (patients[LANDMARK] == day).to_numpy() & np.array(
        [organ not in one for one in patients[ORGANS]], dtype=bool
    )
    if not is_asked.any():
        return []
    asked = patients[is_asked]
    x, is_imputed = group.filled(asked[list(TERMS)].to_numpy(float))
    model = cause_specific(group.time, group.cause, group.x)
    risk = model.risk(x, known.horizon)
    lower, upper = model.interval(x, known.horizon, known.confidence)
    verdict = known.verdict.get((organ, day), "not judged")
    return [
        (patient, organ, f"{day:g}", f"{known.horizon:g}", f"{p:.6f}", _limit(low), _limit(high),
         str(bool(imputed)).lower(), verdict)
        for patient, p, low, high, imputed in zip(
            asked[PATIENT], risk, lower, upper, is_imputed, strict=True
        )
    ]  # fmt: skip


def _limit(value: float) -> str:
    return f"{value:.6f}" if math.isfinite(value) else ""
