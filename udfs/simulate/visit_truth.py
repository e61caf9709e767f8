"""The truth about visits and endpoints: what is recorded, and what it would be without habits."""

from __future__ import annotations

import numpy as np

from udfs.simulate.habits import MODALITIES, LocalTreatments, ScanDays, time_point_days
from udfs.simulate.sampling import Columns, FloatArray, IntArray
from udfs.simulate.scans import NONE, PD, RESPONSES, BoolArray, CodeArray, best_response
from udfs.simulate.tables import ReaderView, Responses


def _detected(new: Columns, days: ScanDays) -> FloatArray:
    """(n,) day on which a patient's first new lesion that is one was seen; infinite without."""
    out = np.full(len(days.day), np.inf)
    is_one = new["equivocal"] != 2
    seen = days.of(new["patient"], new["scan"], new["modality"])
    np.minimum.at(out, new["patient"][is_one], seen[is_one])
    return out


def visit_truth(
    view: ReaderView, untreated: Responses, new: Columns, days: ScanDays, unscheduled: Columns
) -> Columns:
    """One row per patient and time point after the baseline that the first reader saw.

    ``..._untreated``: as if no lesion had been treated locally. An unscheduled time point shows no
    target lesion and is not evaluable, or has nothing to say where there is no target lesion.
    """
    r = view.responses
    patient, scan = np.nonzero(view.is_made & (r.overall != NONE))
    first, last = time_point_days(days, view.lesions, view.is_made.shape[1])
    extra = unscheduled["patient"]
    n, k = len(patient), len(extra)
    between = np.full(k, "NE")
    seen = unscheduled["scan"]
    is_new = np.concatenate([r.is_new[patient, scan], r.is_new[extra, seen]])
    out: Columns = {
        "patient": np.concatenate([patient, extra]),
        "visit_number": np.concatenate([scan + 1.0, seen + 1.5]),
        "is_unscheduled": np.arange(n + k) >= n,
        "visit_day": np.concatenate([days.day[patient, scan], unscheduled["day"]]),
        "first_day": np.concatenate([first[patient, scan], unscheduled["day"]]),
        "last_day": np.concatenate([last[patient, scan], unscheduled["day"]]),
        "has_new_lesion": is_new,
    }
    columns = {
        "target_response": r.target,
        "nontarget_response": r.nontarget,
        "overall_response": r.overall,
        "overall_response_untreated": untreated.overall,
        "overall_response_recist_1_0": view.overall_1_0,
    }
    for name, codes in columns.items():
        more = RESPONSES[codes[extra, seen]] if name == "nontarget_response" else between
        out[name] = np.concatenate([RESPONSES[codes[patient, scan]], more])
    order = np.lexsort((out["visit_number"], out["patient"]))
    return {name: values[order] for name, values in out.items()}


def endpoint_truth(
    view: ReaderView, untreated: Responses, new: Columns, days: ScanDays, patients: Columns
) -> Columns:
    """One row per patient; days are infinite where there is no progression.

    ``progression_first_day`` to ``progression_last_day`` are the scans of the visit that shows it.
    """
    first, last = time_point_days(days, view.lesions, view.is_made.shape[1])
    after = days.day[:, 1:]
    out: Columns = {"patient": np.arange(len(days.day))}
    for name, overall in (("", view.responses.overall), ("_untreated", untreated.overall)):
        scan = _first_pd(overall)
        at = np.maximum(scan, 0)
        has = scan >= 0
        rows = np.arange(len(scan))
        out[f"best_response{name}"] = RESPONSES[best_response(overall[:, 1:], after)]
        out[f"progression_visit_day{name}"] = np.where(has, days.day[rows, at], np.inf)
        out[f"progression_first_day{name}"] = np.where(has, first[rows, at], np.inf)
        out[f"progression_last_day{name}"] = np.where(has, last[rows, at], np.inf)
    out["new_lesion_day"] = _detected(new, days)
    out["pfs_days"] = patients["pfs_days"]
    out["pfs_event"] = patients["pfs_event"]
    out["os_days"] = patients["os_days"]
    out["os_event"] = patients["os_event"]
    return out


def _first_pd(overall: CodeArray) -> IntArray:
    is_pd = overall == PD
    return np.where(is_pd.any(axis=1), is_pd.argmax(axis=1), -1)


def treatment_truth(treatments: LocalTreatments, lesions: Columns) -> Columns:
    """One row per treated lesion of the first reader."""
    return {
        "lesion": treatments.lesion,
        "patient": lesions["patient"][treatments.lesion],
        "day": treatments.day,
        "procedure": np.where(treatments.is_resection, "RESECTION", "RADIOTHERAPY"),
        "names_lesion": treatments.names_lesion,
    }


def equivocal_truth(new: Columns, days: ScanDays, n_lesions: int) -> Columns:
    """One row per equivocal new lesion of the first reader."""
    rows = np.flatnonzero(new["equivocal"] > 0)
    return {
        "lesion": n_lesions + rows,
        "patient": new["patient"][rows],
        "first_day": days.of(new["patient"][rows], new["scan"][rows], new["modality"][rows]),
        "method": MODALITIES[new["modality"][rows]],
        "is_confirmed": new["equivocal"][rows] == 1,
    }


def missed_truth(is_made: BoolArray) -> Columns:
    """One row per visit that was missed before the patient's last one."""
    m = is_made.shape[1]
    last = m - 1 - is_made[:, ::-1].argmax(axis=1)
    has_any = np.asarray(is_made.any(axis=1), dtype=bool)
    patient, scan = np.nonzero(~is_made & (np.arange(m) < last[:, None]) & has_any[:, None])
    return {"patient": patient, "visit_number": scan + 1}


__all__ = [
    "endpoint_truth",
    "equivocal_truth",
    "missed_truth",
    "treatment_truth",
    "visit_truth",
]
