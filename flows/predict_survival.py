"""Survival of new patients from the sizes of their lesions: ``lesions predict --what survival``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from flows.patient_file import (
    ids,
    numbers,
    one_subset,
    open_warehouse,
    read_table,
    write_answer,
    write_template,
)
from flows.steps.growth.parts.models import model_named
from flows.steps.growth.parts.rebuilt import as_text, one_level_values
from flows.steps.joint.parts.reading import N_NODES
from udfs.growth.check_data import GrowthDataError
from udfs.joint.errors import JointDataError
from warehouse.errors import LesionsError

if TYPE_CHECKING:
    import pandas as pd

    from udfs.growth.residual_error import ErrorKind
    from udfs.joint import CurveDraws, Lesions
    from udfs.joint.saved import SavedJointModel

PATIENT, LESION, ORGAN, DAY = "patient_id", "lesion_id", "organ", "day"
DIAMETER, VOLUME = "diameter_mm", "volume_mm3"
MAX_MM3, MAX_DAY = 1e8, 36_500.0
"""The volume of a body, and a hundred years: what is more has another unit."""
MIN_DRAWS = 20.0
"""Effective draws of a patient's curves below which a prediction is doubtful."""
COLUMNS = (PATIENT, LESION, ORGAN, DAY, DIAMETER, VOLUME)
MODELS = """
SELECT model.subset, model.content, fit.model, fit.error_model, fit.is_baseline_counted
FROM analysis.joint_model AS model
INNER JOIN analysis.growth_fit AS fit ON model.fit_id = fit.fit_id
WHERE model.endpoint = 'OS'
ORDER BY model.subset
"""
SETTINGS = "SELECT name, value FROM meta.setting"


@dataclass(frozen=True)
class _Model:
    """The joint model of one subset, and the settings it is used with."""

    saved: SavedJointModel
    growth_model: str
    error_model: ErrorKind
    is_baseline_counted: bool
    setting: dict[str, str]

    @property
    def covariates(self) -> dict[str, list[tuple[str, str]]]:
        """Column of the file -> levels that the hazard knows, each with its reference."""
        found: dict[str, list[tuple[str, str]]] = {}
        for label in self.saved.covariates:
            name, _, levels = label.partition(": ")
            level, _, reference = levels.rpartition(" against ")
            found.setdefault(name, []).append((level, reference))
        return found

    @property
    def horizons(self) -> list[float]:
        return [float(one) for one in self.setting["joint.horizons"].split()]


def predict_survival(
    source: Path | None,
    *,
    warehouse: Path,
    subset: str | None,
    output: Path | None,
    template: Path | None,
    say: Callable[[str], None],
    warn: Callable[[str], None],
) -> None:
    """The probability to live ``joint.horizons`` days more, from each patient's last scan.

    The model is the best joint model of overall survival (analysis.joint_model). Curves are drawn
    given the sizes up to the last scan and survival until then (``udfs.joint.dynamic``).

    Args:
        source: a CSV or Parquet of one row per patient, target lesion and scan: patient_id,
            lesion_id, organ, day (from the first dose), diameter_mm or volume_mm3, and what else
            the hazard knows, such as treatment_class.
        warehouse: the published file.
        subset: whose model, where there are several.
        output: CSV to be written; None prints it.
        template: writes a CSV with the columns that the model needs, and nothing else.
        say: prints a paragraph.
        warn: prints what is doubtful.

    Raises:
        LesionsError: no model, a column is missing, or a value cannot be used.
    """
    model = _model(warehouse, subset)
    columns = [*COLUMNS, *model.covariates]
    write_template(template, columns, say, of=" --what survival", more="")
    if source is None:
        if template is None:
            raise LesionsError("name a file of sizes, or --template FILE to see its columns.")
        return
    rows = _sizes(source, columns, model, warn)
    header = (PATIENT, "landmark_day", "n_lesions", "horizon_days", "survival", "lower", "upper")
    try:
        predicted = list(_predicted(rows, model, warn))
    except (GrowthDataError, JointDataError) as error:
        raise LesionsError(f"{source.name}: no curve can be drawn: {error}.") from error
    known = model.saved.metadata
    worth = (
        f"{rows[PATIENT].nunique()} patients; joint model of {known['n_patients']} patients and "
        f"{known['n_events']} deaths. analysis.dynamic_prediction_metric says what such "
        "predictions are worth, where joint.landmarks is set."
    )
    write_answer(header, predicted, output, f"Predictions written to {output}: {worth}", say)


def _model(warehouse: Path, subset: str | None) -> _Model:
    import duckdb

    from udfs.joint.saved import SavedJointModel

    with open_warehouse(warehouse) as con:
        try:
            found = {row[0]: row[1:] for row in con.execute(MODELS).fetchall()}
            setting = dict(con.execute(SETTINGS).fetchall())
        except duckdb.Error as error:
            raise LesionsError(
                f"{warehouse} has no table analysis.joint_model. Run 'lesions run' again."
            ) from error
    if not found:
        raise LesionsError(
            f"{warehouse} has no joint model of overall survival. Set joint.links in lesions.toml, "
            "such as 'organ value', and run again; analysis.joint_fit says why one was not made."
        )
    content, model, error_model, is_baseline_counted = found[one_subset(subset, list(found))]
    return _Model(
        SavedJointModel.from_text(content), model, error_model, is_baseline_counted, setting
    )


def _sizes(
    path: Path, columns: list[str], model: _Model, warn: Callable[[str], None]
) -> pd.DataFrame:
    """Rows from each lesion's baseline on, with baseline and group of organs."""
    frame = read_table(path, columns)
    rows = frame[[PATIENT, LESION, ORGAN, *model.covariates]].copy()
    for name in (PATIENT, LESION):
        rows[name] = ids(path, frame, name)
    rows["lesion"] = rows[PATIENT] + "\x1f" + rows[LESION]
    rows[DAY] = numbers(path, frame, DAY, least=-np.inf)
    diameter, volume = numbers(path, frame, DIAMETER), numbers(path, frame, VOLUME)
    ratio = float(model.setting["volume.axis_ratio"])
    rows[VOLUME] = np.where(np.isnan(volume), diameter**3 / (2 * ratio**2), volume)
    rows[DIAMETER] = diameter
    large = (rows[VOLUME] > MAX_MM3) | (rows[DAY].abs() > MAX_DAY)
    if large.any():
        raise LesionsError(
            f"{path.name}, row {int(np.flatnonzero(large)[0]) + 1}: no lesion has more than "
            f"{MAX_MM3:g} mm3, and no day is {MAX_DAY:g} days from the first dose. Write "
            "sizes in mm and days from the first dose, not dates."
        )
    wrong = (rows[DAY].isna() | rows[VOLUME].isna()).to_numpy()
    if wrong.any():
        raise LesionsError(
            f"{path.name}, row {int(np.flatnonzero(wrong)[0]) + 1}: a size needs its {DAY} and "
            f"{DIAMETER} or {VOLUME}."
        )
    rows["row"] = np.arange(1, len(rows) + 1)
    twice = rows.duplicated(["lesion", DAY])
    if twice.any():
        raise LesionsError(
            f"{path.name}, row {int(rows['row'][twice].iloc[0])}: the lesion has a size on that "
            "day already."
        )
    # The last size up to the first dose, or else the first one.
    before = rows[rows[DAY] <= 0].groupby("lesion")[DAY].max()
    first = rows.groupby("lesion")[DAY].min()
    baseline = first.copy()
    baseline.update(before)
    rows["t0"] = rows["lesion"].map(baseline)
    at = rows[rows[DAY] == rows["t0"]].set_index("lesion")
    if (at[VOLUME] <= 0).any():
        bad = at[at[VOLUME] <= 0].iloc[0]
        raise LesionsError(f"{path.name}, row {bad['row']}: a lesion has no size at its baseline.")
    rows["v0"] = rows["lesion"].map(at[VOLUME])
    # The diameter that such a volume is worked out from.
    rows["d0"] = rows["lesion"].map(
        at[DIAMETER].where(at[DIAMETER] > 0, np.cbrt(2.0 * ratio**2 * at[VOLUME]))
    )
    organs = as_text(rows[ORGAN].str.strip() if rows[ORGAN].dtype == object else rows[ORGAN])
    groups = model.saved.group_of
    rest = model.saved.organs[-1]
    others = sorted(set(organs.tolist()) - set(groups))
    if others:
        warn(f"{ORGAN}: {', '.join(others)} counts as the group {rest!r}.")
    rows["group"] = [groups.get(one, rest) for one in organs.tolist()]
    for name, one in ((ORGAN, "lesion"), *((name, PATIENT) for name in model.covariates)):
        several = rows.groupby(one)[name].transform(lambda column: column.nunique(dropna=False)) > 1
        if several.any():
            raise LesionsError(
                f"{path.name}, row {int(rows['row'][several].iloc[0])}: {name} is not the same in "
                f"all rows of the {'lesion' if one == 'lesion' else 'patient'}."
            )
    last = rows.groupby(PATIENT)[DAY].transform("max")
    if (last <= 0).any():
        bad = rows[last <= 0].iloc[0]
        raise LesionsError(
            f"{path.name}: patient {bad[PATIENT]} has no size after the first dose (day 0), from "
            "which survival is predicted."
        )
    return rows[rows[DAY] >= rows["t0"]].assign(landmark=last)


def _covariates(patients: pd.DataFrame, model: _Model) -> NDArray[np.float64]:
    """(P, C) indicators in the order of the hazard's.

    Raises:
        LesionsError: a level that the model does not know.
    """
    columns = []
    for name, levels in model.covariates.items():
        words = as_text(patients[name])
        known = {level for level, _ in levels} | {levels[0][1]}
        rest = "other" if "other" in known else None
        wrong = sorted(set(words.tolist()) - known)
        if wrong and rest is None:
            raise LesionsError(
                f"{name} is {wrong[0]!r}. The model knows {', '.join(sorted(known))}."
            )
        words = np.where(np.isin(words, list(known)), words, rest or "")
        columns += [(words == level).astype(np.float64) for level, _ in levels]
    return np.column_stack(columns) if columns else np.empty((len(patients), 0))


def _curves(rows: pd.DataFrame, model: _Model) -> tuple[CurveDraws, Lesions]:
    """Draws of the patients' curves given all their sizes."""
    from udfs.growth.data import GrowthData
    from udfs.growth.patient_nodes import TwoLevelPoint
    from udfs.growth.restore import fit_at
    from udfs.growth.two_level_theta import theta_of, two_level_point
    from udfs.joint import draw_curves, lesions_of
    from udfs.joint.lesions import PARAMETERS

    limit = model.saved.limit_mm3
    is_low = (rows[VOLUME] < limit).to_numpy()
    if not model.is_baseline_counted:
        is_low &= (rows[DAY] > rows["t0"]).to_numpy()
    data = GrowthData.from_arrays(
        rows["lesion"].to_numpy(dtype=str), rows[DAY].to_numpy(dtype=np.float64),
        np.where(is_low, limit, rows[VOLUME]), rows["v0"].to_numpy(dtype=np.float64),
        rows["t0"].to_numpy(dtype=np.float64), is_low.astype(np.float64),
        np.where(is_low, 0.0, np.nan), patient=rows[PATIENT].to_numpy(dtype=str),
        fewest_observations=1,
    )  # fmt: skip
    values = {f"gamma_{name}": 0.0 for name in PARAMETERS} | model.saved.growth
    fit = fit_at(
        data, one_level_values(values), model=model_named(model.growth_model),
        error=model.error_model, count_baseline=model.is_baseline_counted, n_nodes=N_NODES,
    )  # fmt: skip
    full = two_level_point(fit, theta_of(fit, values))
    point = TwoLevelPoint(full.population, full.between)
    assert data.patient is not None  # given above
    draws = draw_curves(
        fit, point, np.unique(data.patient), n_draws=int(model.setting["joint.draws"])
    )
    by_lesion = rows.drop_duplicates("lesion").set_index("lesion")
    lesions = lesions_of(
        fit, draws, by_lesion["group"].to_dict(),
        d0=by_lesion["d0"].loc[draws.lesion.tolist()].to_numpy(dtype=np.float64),
        organs=model.saved.organs,
    )  # fmt: skip
    return draws, lesions


def _predicted(
    rows: pd.DataFrame, model: _Model, warn: Callable[[str], None]
) -> list[tuple[str, ...]]:
    """Rows of the answer, patients in the order of the file."""
    from udfs.joint import dynamic

    draws, lesions = _curves(rows, model)
    patients = rows.drop_duplicates(PATIENT).set_index(PATIENT).loc[draws.patient.tolist()]
    covariates, n_lesions = _covariates(patients, model), np.bincount(draws.owner)
    landmark = patients["landmark"].to_numpy(dtype=np.float64)
    found: dict[str, list[tuple[str, ...]]] = {}
    for day in np.unique(landmark):
        mine = np.flatnonzero(landmark == day)
        own, keep = draws.take(mine)
        out = dynamic.predict_survival(
            model.saved.hazard, lesions.taken(keep, own.owner, len(mine)), own, covariates[mine],
            landmark=float(day), horizons=model.horizons,
            confidence=float(model.setting["survival.confidence"]),
        )  # fmt: skip
        effective = 1.0 / np.square(out.weight).sum(axis=1)
        few = own.patient[effective < MIN_DRAWS]
        if len(few):
            warn(
                f"Few drawn curves live as long as these patients did, so that predictions are "
                f"uncertain beyond their limits: {', '.join(map(str, few[:10]))}. More joint.draws?"
            )
        for k, place in enumerate(mine.tolist()):
            found[str(draws.patient[place])] = [
                (str(draws.patient[place]), f"{day:g}", str(n_lesions[place]), f"{horizon:g}",
                 f"{out.survival[k, h]:.6f}", f"{out.lower[k, h]:.6f}", f"{out.upper[k, h]:.6f}")
                for h, horizon in enumerate(model.horizons)
            ]  # fmt: skip
    return [row for patient in rows[PATIENT].unique() for row in found[patient]]
