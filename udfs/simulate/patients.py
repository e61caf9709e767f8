"""Patients of a simulated cohort: trial, arm and everything known at baseline."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from udfs.simulate.presets import Preset
from udfs.simulate.sampling import Columns, IntArray, quota, systematic_counts

UNKNOWN = ""
"""An unknown category."""

NO_LESION = "no_lesion"
NO_TARGET = "no_target"
BASELINE_ONLY = "baseline_only"
EARLY_BASELINE = "early_baseline"
EXCLUDED_KINDS = (NO_LESION, NO_TARGET, BASELINE_ONLY, EARLY_BASELINE)
"""Why a patient is to be excluded by the paper's criteria; the first three: no longitudinal target
lesion, the last: baseline more than 12 weeks before treatment."""


def draw_patients(preset: Preset, n: int, n_excluded: int, rng: np.random.Generator) -> Columns:
    """Baseline of ``n`` patients to be included followed by ``n_excluded`` to be excluded.

    Categories are handed out by quota among the included, so that the published mix comes out
    exactly at full size and in expectation at any other.

    Returns:
        One row per patient; ``excluded`` is '' or one of ``EXCLUDED_KINDS``.
    """
    included = _one_group(preset, n, rng)
    others = _one_group(preset, n_excluded, rng)
    columns = {name: np.concatenate([included[name], others[name]]) for name in included}
    kinds = np.resize(np.asarray(EXCLUDED_KINDS), n_excluded)
    columns["excluded"] = np.concatenate([np.full(n, "", dtype="<U16"), kinds])
    order = np.lexsort((rng.random(n + n_excluded), columns["site"], columns["trial"]))
    columns = {name: values[order] for name, values in columns.items()}
    columns["subject_number"] = _subject_numbers(columns["trial"], columns["site"])
    columns["patient"] = np.arange(n + n_excluded)
    return columns


def _one_group(preset: Preset, n: int, rng: np.random.Generator) -> Columns:
    columns = _allocation(preset, n, rng)
    columns |= _demographics(preset, columns, rng)
    columns |= _history(preset, columns, rng)
    return columns


def _allocation(preset: Preset, n: int, rng: np.random.Generator) -> Columns:
    """Trial, arm, site of the hospital and day of the first dose."""
    per_trial = systematic_counts([trial.n_patients for trial in preset.trials], n, rng)
    arms = [
        quota([arm for arm, _ in trial.arms], [count for _, count in trial.arms], int(m), rng)
        for trial, m in zip(preset.trials, per_trial, strict=True)
    ]
    trial = np.repeat(np.arange(len(preset.trials)), per_trial)
    n_sites = np.maximum(np.asarray([t.n_patients for t in preset.trials]) // 12, 3)
    site = 1 + np.floor(rng.beta(0.9, 1.4, n) * n_sites[trial]).astype(np.int64)
    first_year = np.asarray([t.first_year for t in preset.trials])
    opening = (first_year - 1970).astype("datetime64[Y]").astype("datetime64[D]")
    first_dose = opening[trial] + np.floor(30 + 760 * rng.beta(1.6, 1.2, n)).astype(
        "timedelta64[D]"
    )
    return {
        "trial": trial,
        "arm": np.concatenate(arms).astype("<U24"),
        "site": site,
        "first_dose": first_dose,
    }


def _demographics(preset: Preset, columns: Columns, rng: np.random.Generator) -> Columns:
    mix, n = preset.mix, len(columns["trial"])
    sex = quota(["M", "F"], [mix.male, preset.n_patients - mix.male], n, rng)
    age = np.clip(np.floor(rng.normal(mix.age[0] + 0.5, mix.age[1], n)), 21, 90)
    height = np.where(sex == "M", rng.normal(174, 7, n), rng.normal(161, 6.5, n))
    spread = np.log1p((mix.bmi[1] / mix.bmi[0]) ** 2)
    bmi = np.clip(rng.lognormal(np.log(mix.bmi[0]) - spread / 2, np.sqrt(spread), n), 14.5, 55)
    weight = bmi * (height / 100) ** 2
    country = quota(
        ["USA", "DEU", "FRA", "GBR", "ITA", "POL", "CAN", "AUS"],
        [30, 14, 12, 10, 10, 9, 8, 7],
        n,
        rng,
    )
    return {
        "sex": sex,
        "age": age.astype(np.int64),
        "race": quota(list(mix.race), list(mix.race.values()), n, rng),
        "country": country,
        "bmi": np.round(bmi, 1),
        "bsa": np.round(np.sqrt(height * weight / 3600), 2),
        "ecog": quota(list(mix.ecog), list(mix.ecog.values()), n, rng),
    }


def _history(preset: Preset, columns: Columns, rng: np.random.Generator) -> Columns:
    """Primary tumor, earlier surgery and radiation, KRAS, line of therapy."""
    mix, n, full = preset.mix, len(columns["trial"]), preset.n_patients
    trial = columns["trial"]
    surgery = quota(["Y", "N"], [mix.n_surgery, full - mix.n_surgery], n, rng)
    is_operated = surgery == "Y"
    out: Columns = {
        "line": np.asarray([t.line_of_therapy for t in preset.trials])[trial],
        "primary_site": quota(list(mix.primary_site), list(mix.primary_site.values()), n, rng),
        "surgery": surgery,
        "primary_resected": _yes_among(is_operated, mix.n_primary_resected / mix.n_surgery, rng),
        "adjuvant": _yes_among(
            is_operated, min(mix.adjuvant_share * full / mix.n_surgery, 1.0), rng
        ),
    }
    knows_sites = np.asarray([t.has_resection_sites for t in preset.trials])
    n_known = (
        mix.n_surgery * sum(t.n_patients for t in preset.trials if t.has_resection_sites) / full
    )
    for organ in ("liver", "lung", "ln"):
        yes = _yes_among(
            is_operated & knows_sites[trial], mix.resected.get(organ, 0) / n_known, rng
        )
        out[f"resected_{organ}"] = np.where(knows_sites[trial], yes, UNKNOWN)
    out["radiation"] = _radiation(preset, trial, rng)
    out["kras"] = _kras(preset, trial, rng)
    return out


def _yes_among(
    eligible: NDArray[np.bool_], share: float, rng: np.random.Generator
) -> NDArray[np.str_]:
    """'Y' for this share of the eligible, 'N' for all others."""
    out = np.full(len(eligible), "N", dtype="<U1")
    rows = np.flatnonzero(eligible)
    out[rows] = quota(["Y", "N"], [share, max(1 - share, 0.0)], len(rows), rng)
    return out


def _radiation(preset: Preset, trial: IntArray, rng: np.random.Generator) -> NDArray[np.str_]:
    """Earlier radiation: unknown by trial, the yes spread over the others."""
    out = np.full(len(trial), UNKNOWN, dtype="<U1")
    unknown = sum(t.n_unknown_radiation for t in preset.trials)
    share = preset.mix.n_radiation / (preset.n_patients - unknown)
    for number, t in enumerate(preset.trials):
        rows = np.flatnonzero(trial == number)
        known = t.n_patients - t.n_unknown_radiation
        weights = [share * known, (1 - share) * known, t.n_unknown_radiation]
        out[rows] = quota(["Y", "N", UNKNOWN], weights, len(rows), rng)
    return out


def _kras(preset: Preset, trial: IntArray, rng: np.random.Generator) -> NDArray[np.str_]:
    """KRAS status, known only in the trials that tested it."""
    out = np.full(len(trial), UNKNOWN, dtype="<U10")
    is_tested = np.asarray([t.has_kras for t in preset.trials])
    rows = np.flatnonzero(is_tested[trial])
    n_tested = sum(t.n_patients for t in preset.trials if t.has_kras)
    counts = preset.mix.kras
    weights = [*counts.values(), max(n_tested - sum(counts.values()), 0)]
    if rows.size and n_tested:
        out[rows] = quota([*counts, UNKNOWN], weights, len(rows), rng)
    return out


def _subject_numbers(trial: IntArray, site: IntArray) -> IntArray:
    """Hospital (two or three digits) and running number in it, such as 010005."""
    key = trial * 100_000 + site
    order = np.argsort(key, kind="stable")
    start = np.flatnonzero(np.r_[True, np.diff(key[order]) != 0])
    length = np.diff(np.r_[start, len(key)])
    running = np.empty(len(key), dtype=np.int64)
    running[order] = 1 + np.arange(len(key)) - np.repeat(start, length)
    return site * 10_000 + running
