"""Simulated SDTM tables: all domains together, and those of the subjects."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from warehouse.simulation.feature_tables import feature_rows
from warehouse.simulation.lesion_tables import SITE_TEXTS, response_rows, result_rows, tumor_rows
from warehouse.simulation.subjects import (
    Array,
    Numbers,
    Subjects,
    Tables,
    blank,
    encode,
    lesion_labels,
    pick,
    sequence,
    significant,
    study_day,
    visit_number,
)


def sdtm_tables(numbers: Numbers) -> Tables:
    """DM, SUPPDM, TU, TR, RS, EX, DS, SS, DD, PR, LB and RF of all trials together, and SIM: what
    the target lesions were made from.

    Returns:
        Domain -> table with the column ``_patient``, rows sorted by it.
    """
    subjects = Subjects(numbers)
    return {
        "dm": _dm(subjects),
        "suppdm": _suppdm(subjects),
        "tu": tumor_rows(subjects),
        "tr": result_rows(subjects),
        "rs": response_rows(subjects),
        "ex": _ex(subjects),
        "ds": _ds(subjects),
        "ss": _ss(subjects),
        "dd": _dd(subjects),
        "pr": _pr(subjects),
        "lb": _lb(subjects),
        "sim": _sim(subjects),
        "rf": feature_rows(subjects),
    }


def _sim(s: Subjects) -> pa.Table:
    """Growth parameters of target lesions, so that a warehouse can hold its fit against them."""
    truth = s.numbers.truth_lesions
    rows = np.flatnonzero(truth["is_target"])
    population = s.numbers.truth_population
    error = population["typical"][population["parameter"] == "b"]
    return pa.table(s.keys(truth["patient"][rows], "SIM") | {
        "SIMLNKID": pa.array(lesion_labels(s.numbers)[truth["lesion"][rows]]),
        "SIMKG": pa.array(significant(truth["kg_per_day"][rows])),
        "SIMKD": pa.array(significant(truth["kd_per_day"][rows])),
        "SIMF": pa.array(significant(truth["f"][rows])),
        "SIMB": pa.array(np.full(len(rows), error[0])),
    })  # fmt: skip


def _dm(s: Subjects) -> pa.Table:
    p = s.patients
    n = len(p["patient"])
    rows = np.arange(n)
    zero = np.zeros(n, dtype=np.int64)
    is_dead = p["death_day"] >= 0
    start, end = s.date(rows, zero), s.date(rows, p["treatment_end_day"])
    consent = -1 - p["subject_number"] % 9
    return pa.table(s.keys(rows, "DM") | {
        "SUBJID": pick([f"{int(x):06d}" for x in p["subject_number"]], rows),
        "RFSTDTC": start, "RFENDTC": end, "RFXSTDTC": start, "RFXENDTC": end,
        "RFPENDTC": s.date(rows, p["last_day"]),
        "DTHDTC": s.date(rows, np.maximum(p["death_day"], 0), is_dead),
        "DTHFL": pick(["Y", None], (~is_dead).astype(np.int64)),
        "DTHDY": pa.array(study_day(p["death_day"]), mask=~is_dead),
        "SITEID": pick([f"{x:02d}" for x in range(int(p["site"].max()) + 1)], p["site"]),
        "AGE": pa.array(p["age"]), "AGEU": pick(["YEARS"], zero),
        "SEX": encode(p["sex"]), "RACE": encode(p["race"]), "ETHNIC": blank(n),
        "ARMCD": encode(p["armcd"]), "ARM": encode(p["arm"]),
        "ACTARMCD": encode(p["armcd"]), "ACTARM": encode(p["arm"]),
        "COUNTRY": encode(p["country"]),
        "DMDTC": s.date(rows, consent), "DMDY": pa.array(study_day(consent)),
    })  # fmt: skip


def _suppdm(s: Subjects) -> pa.Table:
    p = s.patients
    n = len(p["patient"])
    items: list[tuple[str, str, pa.Array]] = [
        ("PRIMSITE", "Primary Tumor Site", encode(p["primary_site"])),
        ("LINETHER", "Line of Therapy", encode(p["line"])),
        ("PRSURG", "Prior Surgery", encode(p["surgery"])),
        ("PRSURGPRI", "Primary Tumor Resected", encode(p["primary_resected"])),
        ("PRSURGLIV", "Liver Metastases Resected", encode(p["resected_liver"])),
        ("PRSURGLUN", "Lung Metastases Resected", encode(p["resected_lung"])),
        ("PRSURGLN", "Lymph Node Metastases Resected", encode(p["resected_ln"])),
        ("PRRAD", "Prior Radiation", encode(p["radiation"])),
        ("PRADJ", "Prior Adjuvant Therapy", encode(p["adjuvant"])),
        ("KRAS", "KRAS Status", encode(p["kras"])),
        ("BMI", "Body Mass Index (kg/m2)", encode(p["bmi"])),
        ("BSA", "Body Surface Area (m2)", encode(p["bsa"])),
        ("ECOG", "ECOG Performance Status", encode(p["ecog"])),
        ("LDHRATIO", "LDH over Upper Limit of Normal", encode(p["ldh_ratio"])),
    ]
    k = len(items)
    patient = np.repeat(np.arange(n), k)
    item = np.tile(np.arange(k), n)
    values = pa.concat_arrays([text for _, _, text in items]).take(pa.array(item * n + patient))
    table = pa.table(s.keys(patient) | {
        "RDOMAIN": pick(["DM"], np.zeros(n * k)), "IDVAR": blank(n * k), "IDVARVAL": blank(n * k),
        "QNAM": pick([name for name, _, _ in items], item),
        "QLABEL": pick([label for _, label, _ in items], item),
        "QVAL": values,
    })  # fmt: skip
    return table.filter(values.is_valid())


def _ex(s: Subjects) -> pa.Table:
    e = s.numbers.exposures
    patient = e["patient"]
    n = len(patient)
    zero = np.zeros(n)
    return pa.table(s.keys(patient, "EX") | {
        "EXSEQ": pa.array(sequence(patient)), "EXTRT": encode(e["drug"]),
        "EXDOSE": encode(np.char.mod("%g", e["dose"])), "EXDOSU": encode(e["unit"]),
        "EXDOSFRM": pick(["INJECTION"], zero), "EXDOSFRQ": pick(["Q2W"], zero),
        "EXROUTE": pick(["INTRAVENOUS"], zero),
        "EXSTDTC": s.date(patient, e["start_day"]), "EXENDTC": s.date(patient, e["end_day"]),
        "EXSTDY": pa.array(study_day(e["start_day"])), "EXENDY": pa.array(study_day(e["end_day"])),
    })  # fmt: skip


def _ds(s: Subjects) -> pa.Table:
    """Start of treatment, its end with the reason, and death, each death once and on its day."""
    p = s.patients
    n = len(p["patient"])
    rows = np.arange(n)
    dead = np.flatnonzero(p["death_day"] >= 0)
    stopped = np.flatnonzero(p["stop_reason"] != "DEATH")
    patient = np.concatenate([rows, stopped, dead])
    day = np.concatenate(
        [np.zeros(n, np.int64), p["treatment_end_day"][stopped], p["death_day"][dead]]
    )
    reason = np.concatenate(
        [np.full(n, "RANDOMIZED"), p["stop_reason"][stopped], np.full(len(dead), "DEATH")]
    )
    order = np.lexsort((np.arange(len(patient)), patient))
    patient, day, reason = patient[order], day[order], reason[order]
    category = pick(["PROTOCOL MILESTONE", "DISPOSITION EVENT"], reason != "RANDOMIZED")
    date = s.date(patient, day)
    return pa.table(s.keys(patient, "DS") | {
        "DSSEQ": pa.array(sequence(patient)), "DSTERM": encode(reason), "DSDECOD": encode(reason),
        "DSCAT": category, "DSDTC": date, "DSSTDTC": date, "DSSTDY": pa.array(study_day(day)),
    })  # fmt: skip


def _ss(s: Subjects) -> pa.Table:
    p = s.patients
    rows = np.arange(len(p["patient"]))
    zero = np.zeros(len(rows))
    status = pick(["ALIVE", "DEAD"], p["os_event"])
    return pa.table(s.keys(rows, "SS") | {
        "SSSEQ": pa.array(sequence(rows)), "SSTESTCD": pick(["SURVSTAT"], zero),
        "SSTEST": pick(["Survival Status"], zero), "SSORRES": status, "SSSTRESC": status,
        "SSDTC": s.date(rows, p["last_day"]), "SSDY": pa.array(study_day(p["last_day"])),
    })  # fmt: skip


def _dd(s: Subjects) -> pa.Table:
    p = s.patients
    rows = np.flatnonzero(p["death_day"] >= 0)
    zero = np.zeros(len(rows))
    cause = pick(["DISEASE PROGRESSION", "OTHER"], p["subject_number"][rows] % 9 == 0)
    return pa.table(s.keys(rows, "DD") | {
        "DDSEQ": pa.array(sequence(rows)), "DDTESTCD": pick(["PRCDTH"], zero),
        "DDTEST": pick(["Primary Cause of Death"], zero), "DDORRES": cause, "DDSTRESC": cause,
        "DDDTC": s.date(rows, p["death_day"][rows]),
        "DDDY": pa.array(study_day(p["death_day"][rows])),
    })  # fmt: skip


def _pr(s: Subjects) -> pa.Table:
    p = s.numbers.procedures
    patient = p["patient"]
    n, labels = len(patient), np.append(lesion_labels(s.numbers), "")
    return pa.table(s.keys(patient, "PR") | {
        "PRSEQ": pa.array(sequence(patient)), "PRTRT": encode(p["procedure"]),
        "PRDECOD": encode(p["procedure"]), "PRCAT": encode(p["category"]),
        "PRLOC": _places(p["place"]),
        "PRLNKID": encode(np.where(p["lesion"] >= 0, labels[p["lesion"]], "")),
        "PRINDC": blank(n),
        "PRSTDTC": s.short_date(patient, p["day"], p["date_length"]),
        "PRSTDY": pa.array(study_day(p["day"]), mask=p["date_length"] < 10),
    })  # fmt: skip


def _places(place: Array) -> pa.Array:
    """Organs of lesions by their sites, other places as they are."""
    words = {name: texts[0][0] for name, texts in SITE_TEXTS.items()}
    return encode(np.asarray([words.get(str(x), str(x).upper()) for x in place], dtype="<U40"))


def _lb(s: Subjects) -> pa.Table:
    x = s.numbers.labs
    patient, test = x["patient"], x["test"]
    names = {"LDH": "Lactate Dehydrogenase", "CEA": "Carcinoembryonic Antigen",
             "CTDNA": "Mutant Allele Fraction in Circulating Tumor DNA"}  # fmt: skip
    is_ctdna = test == "CTDNA"
    is_below = is_ctdna & (x["value"] < 0.1)
    text = np.where(is_below, "<0.1", np.char.mod("%g", x["value"]))
    return pa.table(s.keys(patient, "LB") | {
        "LBSEQ": pa.array(sequence(patient)), "LBTESTCD": encode(test),
        "LBTEST": encode(np.select([test == t for t in names], list(names.values()), "")),
        "LBORRES": encode(text), "LBORRESU": encode(x["unit"]), "LBSTRESC": encode(text),
        "LBSTRESN": encode(np.where(is_below, "", text)), "LBSTRESU": encode(x["unit"]),
        "LBSPEC": pick(["SERUM", "PLASMA"], is_ctdna),
        "LBMETHOD": pick([None, "DIGITAL PCR"], is_ctdna), "LBLLOQ": pick([None, "0.1"], is_ctdna),
        "VISITNUM": visit_number(x["scan"], x["is_between"]),
        "VISIT": s.visit(patient, x["scan"], x["is_between"]),
        "LBDTC": s.date(patient, x["day"]), "LBDY": pa.array(study_day(x["day"])),
    })  # fmt: skip
