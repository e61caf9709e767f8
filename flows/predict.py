"""New patients by the models of a warehouse, their clusters of progression: ``lesions predict``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from flows.patient_file import (
    numbers,
    one_subset,
    open_warehouse,
    read_table,
    refuse_to_replace,
    write_answer,
    write_template,
    write_text,
)
from flows.steps.progression.parts import features as baseline
from warehouse.errors import LesionsError

if TYPE_CHECKING:
    import pandas as pd

    from udfs.progression.prediction import SavedModel

PATIENT = "patient_id"
LESIONS_IN, VOLUME_IN = "n_lesions_in_", "target_volume_mm3_in_"


def predict(
    source: Path | None,
    *,
    warehouse: Path | None,
    what: str = "cluster",
    model_file: Path | None = None,
    subset: str | None = None,
    output: Path | None = None,
    template: Path | None = None,
    save_model: Path | None = None,
    say: Callable[[str], None] = print,
    warn: Callable[[str], None] = lambda text: print(text, file=sys.stderr),
) -> None:
    """Predicts the cluster of every patient of a file or of another warehouse.

    With another ``what`` see ``predict_new_organ`` and ``predict_survival``.

    Args:
        source: a CSV or Parquet of one row per patient, as ``template`` begins it, or the
            warehouse.duckdb of another project, whose baseline tables are used.
        warehouse: the published file that holds the model.
        what: ``cluster``, ``new-organ`` or ``survival``.
        model_file: a model saved before, in its place.
        subset: which model, where there are several.
        output: CSV to be written; None prints it.
        template: writes a CSV with the columns that the model needs, and nothing else.
        save_model: writes the model down, to be used elsewhere.
        say: prints a paragraph.
        warn: prints what is doubtful, beside the predictions.

    Raises:
        LesionsError: no model, a column is missing or cannot be read, or a file cannot be.
    """
    for written in (output, template, save_model):
        refuse_to_replace(written, source, warehouse, model_file)
    if what != "cluster":
        if warehouse is None or model_file is not None or save_model is not None:
            raise LesionsError(f"--what {what} takes its model from a project; no model is saved.")
        from flows.predict_new_organ import predict_new_organ
        from flows.predict_survival import predict_survival

        ask = predict_new_organ if what == "new-organ" else predict_survival
        ask(
            source, warehouse=warehouse, subset=subset, output=output, template=template, say=say,
            warn=warn,
        )  # fmt: skip
        return
    model = _read_model_file(model_file) if model_file else _stored_model(warehouse, subset)
    own = model.metadata.get("subset")
    if subset is not None and subset != own:
        raise LesionsError(f"the model is of the subset {own!r}, not of {subset!r} (--subset).")
    if save_model is not None:
        write_text(save_model, model.to_text())
        say(f"Model written to {save_model}.")
    columns = _columns(model)
    stays_empty = (
        " What is not known stays empty; an empty number of lesions in an organ counts as none."
    )
    write_template(template, columns, say, of="", more=stays_empty)
    if source is None:
        if save_model is None and template is None:
            raise LesionsError(
                "name a file of patients, or --template FILE to see what it must hold."
            )
        return
    patients, organs = (
        _from_warehouse(source) if source.suffix == ".duckdb" else _from_file(source, columns)
    )
    patients = _known_words(model, patients, warn)
    try:
        found = baseline.baseline_features(patients, organs, dict(model.design.kind))
    except (KeyError, ValueError) as error:
        raise LesionsError(f"{source.name}: {error}. 'lesions predict --template'.") from error
    _give(model, patients, model.probability(found), output, say)


def _columns(model: SavedModel) -> list[str]:
    """Columns of a file of patients, as one writes them."""
    out = [PATIENT]
    for name in model.design.kind:
        if name.startswith("n_lesions in "):
            out.append(LESIONS_IN + name.split(" in ")[1])
        elif name.startswith("log_volume_mm3 in "):
            out.append(VOLUME_IN + name.split(" in ")[1])
        else:
            out.append(name.removeprefix("log_"))
    return out


def _known_words(
    model: SavedModel, patients: pd.DataFrame, warn: Callable[[str], None]
) -> pd.DataFrame:
    """Words as the model writes them, whatever their case and the spaces around them.

    Levels that the model does not know are predicted as 'another', and that is said.
    """
    patients = patients.copy()
    for name, levels in model.design.levels.items():
        folded = {level.casefold(): level for level in levels}
        given = patients[name]
        text = given.where(given.isna(), given.astype(str).str.strip())
        patients[name] = [
            None if one is None or one != one or one == "" else folded.get(one.casefold(), one)
            for one in text
        ]
        other = sorted(set(patients[name].dropna()) - set(levels))
        if other and levels:
            warn(
                f"{name}: {', '.join(other)} counts as another than the model knows "
                f"({', '.join(levels)})."
            )
    return patients


def _stored_model(warehouse: Path | None, subset: str | None) -> SavedModel:
    import duckdb

    if warehouse is None or not warehouse.is_file():
        raise LesionsError(
            f"there is no warehouse {warehouse}. 'lesions run' makes it, and the model with it; "
            "--model FILE takes one that was saved."
        )
    with open_warehouse(warehouse) as con:
        try:
            rows = con.execute(
                "SELECT subset, content FROM analysis.progression_model ORDER BY subset"
            ).fetchall()
        except duckdb.Error as error:
            raise LesionsError(
                f"{warehouse} has no table analysis.progression_model. Run 'lesions run' again."
            ) from error
    known = dict(rows)
    if not known:
        raise LesionsError(
            f"{warehouse} has no model: there were too few patients for clusters of progression, "
            "as the last run's notes say."
        )
    return _read(known[one_subset(subset, list(known))], str(warehouse))


def _read_model_file(path: Path) -> SavedModel:
    try:
        return _read(path.read_text(encoding="utf-8"), path.name)
    except (OSError, UnicodeDecodeError) as error:
        raise LesionsError(f"the model {path} cannot be read: {error}.") from error


def _read(text: str, name: str) -> SavedModel:
    from udfs.progression.prediction import SavedModel

    try:
        return SavedModel.from_text(text)
    except (ValueError, KeyError) as error:
        raise LesionsError(
            f"the model in {name} cannot be used: {error}. Save it again."
        ) from error


def _from_warehouse(path: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    import duckdb

    with open_warehouse(path) as con:
        try:
            return con.sql(baseline.PATIENTS).df(), con.sql(baseline.ORGANS).df()
        except duckdb.Error as error:
            raise LesionsError(
                f"{path} has no baseline tables. Run 'lesions run' there first."
            ) from error


def _from_file(path: Path, columns: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    import pandas as pd

    frame = read_table(path, columns)
    words = (PATIENT, *baseline.WORDS)
    patients = pd.DataFrame(
        {
            name: frame[name]
            if name in words
            else numbers(path, frame, name, is_flag=name in baseline.FLAGS)
            for name in columns
        }
    )
    if patients[PATIENT].isna().any() or patients[PATIENT].duplicated().any():
        raise LesionsError(f"{path.name}: every row needs a patient_id of its own.")
    parts = []
    for name in columns:
        if name.startswith(LESIONS_IN):
            organ = name.removeprefix(LESIONS_IN)
            n = patients[name].fillna(0.0)
            volume = patients[VOLUME_IN + organ]
            parts.append(
                pd.DataFrame(
                    {"patient_id": patients[PATIENT], "organ": organ, "n_lesions": n,
                     "target_volume_mm3": volume}
                )
            )  # fmt: skip
    none = pd.DataFrame({c: [] for c in (PATIENT, "organ", "n_lesions", "target_volume_mm3")})
    return patients, pd.concat(parts, ignore_index=True) if parts else none


def _give(
    model: SavedModel,
    patients: pd.DataFrame,
    probability: np.ndarray,
    output: Path | None,
    say: Callable[[str], None],
) -> None:
    """The table of predictions, and in a line what they are worth."""
    header = [PATIENT, "predicted", *(f"probability {name}" for name in model.classes)]
    rows = [
        [patient, model.classes[int(row.argmax())], *(f"{p:.6f}" for p in row)]
        for patient, row in zip(patients[PATIENT], probability, strict=True)
    ]
    trained = model.metadata
    auc = trained.get("out_of_fold", {}).get("roc_auc")
    worth = f"; ROC area of patients held back {auc:.2f}" if auc is not None else ""
    summary = (
        f"{len(patients)} patients; trained on {trained.get('n_patients')} of "
        f"{', '.join(trained.get('trials', []))}{worth}"
    )
    write_answer(header, rows, output, f"Predictions written to {output}: {summary}.", say)
