"""Lesions present at baseline: how many, where, how large, and how each one grows and shrinks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from udfs.simulate.growth import volume_of_diameter
from udfs.simulate.messages import REFRACTORY_SHIFT, UNSLOWED_ORGANS, deepened
from udfs.simulate.presets import Preset
from udfs.simulate.sampling import (
    Columns,
    FloatArray,
    IntArray,
    by_rank,
    quota,
    rank_within,
    tilted_pmf,
)
from udfs.volume import AXIS_RATIO

TARGET = "target"
NON_TARGET = "non-target"
NEW = "new"

MAX_MM = 190.0
MIN_TARGET_MM = 10.0
MIN_NODE_SHORT_MM = 15.0
MAX_PER_ORGAN = 5
PARAMETERS = ("logit_f", "log_kg", "log_kd")
PLACINGS = 30
"""Steps that place a parameter: each leaves a small part of what was amiss (test_messages)."""


def draw_lesions(preset: Preset, patients: Columns, rng: np.random.Generator) -> Columns:
    """Target and non-target lesions of every patient, sorted by patient and type.

    Numbers of lesions are handed out by quota among the patients to be included.

    Returns:
        One row per lesion: patient, type, organ (position in ``preset.organs``), number within
        patient and type, axis ratio, diameter at baseline in mm, growth parameters and what they
        are made of.
    """
    n_target, n_nontarget, n_organs = _numbers(preset, patients, rng)
    weights = _organ_weights(preset, patients)
    present = _choose_organs(weights, n_organs, rng)
    patient, organ = _place(preset, present, n_target + n_nontarget, rng)
    measurable = np.log([o.measurable for o in preset.organs])[organ]
    rank = rank_within(patient, measurable + rng.gumbel(size=len(patient)))
    is_target = rank < n_target[patient]
    order = np.lexsort((rng.random(len(patient)), ~is_target, patient))
    patient, organ, is_target = patient[order], organ[order], is_target[order]
    lesions: Columns = {
        "patient": patient,
        "type": np.where(is_target, TARGET, NON_TARGET),
        "organ": organ,
        "number": 1 + rank_within(patient * 2 + ~is_target, -np.arange(len(patient), dtype=float)),
    }
    lesions |= _sizes(preset, patients, lesions, rng)
    return lesions


def _numbers(
    preset: Preset, patients: Columns, rng: np.random.Generator
) -> tuple[IntArray, IntArray, IntArray]:
    """Target lesions, non-target lesions and organs per patient, with totals as published."""
    is_included = patients["excluded"] == ""
    full = preset.n_patients
    p_target = tilted_pmf(preset.target_weights, 1, preset.n_target / full)
    shape, dispersion = preset.nontarget_shape
    base = np.cumprod(np.r_[1.0, (shape + np.arange(30)) / np.arange(1, 31)])
    p_nontarget = tilted_pmf(base * (dispersion / (1 + dispersion)) ** np.arange(31), 0,
                             preset.n_nontarget / full)  # fmt: skip
    organ_number = preset.mix.organ_number
    out = [np.empty(len(is_included), dtype=np.int64) for _ in range(3)]
    for group in (is_included, ~is_included):
        m = int(group.sum())
        if not m:
            continue
        burden = rng.standard_normal(m)
        latent = 0.35 * burden + 0.94 * rng.standard_normal(m)
        targets = by_rank(quota(np.arange(1, len(p_target) + 1), p_target, m, rng), latent)
        latent = 0.35 * burden + 0.94 * rng.standard_normal(m)
        others = by_rank(quota(np.arange(31), p_nontarget, m, rng), latent)
        if group is is_included:
            scale = m / full
            targets = _with_total(targets, preset.n_target * scale, 1, rng)
            others = _with_total(others, preset.n_nontarget * scale, 0, rng)
        total = targets + others
        latent = 0.5 * total / max(total.std(), 1.0)
        latent = latent + rng.standard_normal(m)
        organs = by_rank(quota(list(organ_number), list(organ_number.values()), m, rng), latent)
        out[0][group], out[1][group] = targets, others
        out[2][group] = _make_feasible(organs, targets, total, rng)
    return out[0], out[1], out[2]


def _with_total(
    counts: IntArray, expected: float, smallest: int, rng: np.random.Generator
) -> IntArray:
    """A few counts raised or lowered by one so that they add up to what is expected, rounded at
    random; quotas of single values leave the sum a little off."""
    short = int(np.floor(expected + rng.random())) - int(counts.sum())
    counts = counts.copy()
    while short:
        rows = np.flatnonzero(counts > smallest) if short < 0 else np.arange(len(counts))
        if not rows.size:
            break
        rows = rng.permutation(rows)[: abs(short)]
        counts[rows] += 1 if short > 0 else -1
        short += len(rows) if short < 0 else -len(rows)
    return counts


def _make_feasible(
    organs: IntArray, targets: IntArray, total: IntArray, rng: np.random.Generator
) -> IntArray:
    """Swap numbers of organs until each organ has a lesion and at most five targets on average."""
    organs = organs.copy()
    for _ in range(20):
        bad = np.flatnonzero((total < organs) | (targets > MAX_PER_ORGAN * organs))
        if not bad.size:
            return organs
        for i in rng.permutation(bad):
            fits = (organs <= total[i]) & (targets[i] <= MAX_PER_ORGAN * organs)
            fits &= (organs[i] <= total) & (targets <= MAX_PER_ORGAN * organs[i])
            partners = np.flatnonzero(fits)
            if partners.size:
                j = rng.choice(partners)
                organs[i], organs[j] = organs[j], organs[i]
    return np.minimum(organs, total)


def _organ_weights(preset: Preset, patients: Columns) -> FloatArray:
    """(patients, organs) propensity to bear lesions; a primary in place adds to the gut's."""
    weights = np.tile([o.weight for o in preset.organs], (len(patients["patient"]), 1))
    names = [o.organ for o in preset.organs]
    if "gi_tract" in names:
        in_place = patients["primary_resected"] == "N"
        weights[in_place, names.index("gi_tract")] *= 2.2
    return weights


def _choose_organs(
    weights: FloatArray, n_organs: IntArray, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """(patients, organs) which organs bear lesions: drawn by weight, none twice (Gumbel top-k)."""
    keys = np.log(weights) + rng.gumbel(size=weights.shape)
    rank = np.argsort(np.argsort(-keys, axis=1), axis=1)
    return rank < np.minimum(n_organs, weights.shape[1])[:, None]


def _place(
    preset: Preset, present: NDArray[np.bool_], n_lesions: IntArray, rng: np.random.Generator
) -> tuple[IntArray, IntArray]:
    """One lesion for every organ of a patient, the rest by the organs' multiplicity."""
    first_patient, first_organ = np.nonzero(present)
    extra = n_lesions - present.sum(axis=1)
    patient = np.repeat(np.arange(len(extra)), extra)
    share = present * np.asarray([o.multiplicity for o in preset.organs])
    edges = np.cumsum(share, axis=1)
    draw = rng.random(len(patient)) * edges[patient, -1]
    organ = (edges[patient] <= draw[:, None]).sum(axis=1)
    return np.concatenate([first_patient, patient]), np.concatenate([first_organ, organ])


def _sizes(
    preset: Preset, patients: Columns, lesions: Columns, rng: np.random.Generator
) -> Columns:
    """Axis ratio and diameter at baseline, independent of the growth parameters (Fig. 2d)."""
    organs = preset.organs
    n = len(lesions["patient"])
    has_short = np.asarray([t.has_short_axis for t in preset.trials])
    is_nodal = np.asarray([o.is_nodal for o in organs])[lesions["organ"]]
    is_short = is_nodal & has_short[patients["trial"][lesions["patient"]]]
    ratio = np.where(
        is_short, np.clip(AXIS_RATIO * np.exp(0.12 * rng.standard_normal(n)), 1.05, 2), 1
    )
    ratio = np.where(is_short, ratio, AXIS_RATIO)
    is_target = lesions["type"] == TARGET
    middle = np.asarray([o.diameter_mm for o in organs])[lesions["organ"]]
    middle = np.where(is_target, middle, 0.55 * middle)
    diameter = middle * np.exp(0.52 * rng.standard_normal(n))
    smallest = np.where(is_short, MIN_NODE_SHORT_MM * ratio, MIN_TARGET_MM)
    smallest = np.where(is_target, smallest, np.where(is_short, 10.5 * ratio, 5.0))
    below = diameter < smallest
    diameter = np.where(below, smallest * (1 + 0.35 * rng.random(n)), diameter)
    return {
        "is_nodal": is_nodal,
        "is_short_axis": is_short,
        "axis_ratio": ratio,
        "diameter_mm": np.minimum(diameter, MAX_MM),
    }


def draw_parameters(
    preset: Preset, patients: Columns, lesions: Columns, rng: np.random.Generator
) -> Columns:
    """Growth parameters: typical value + organ + treatment + covariates + patient + organ of the
    patient + the lesion itself, on the logarithmic (kg, kd) and logit (F) scale.

    The fixed effects are centred over the target lesions of the patients to be included, and the
    random effects share out what variance the fixed ones leave, so that typical value and omega are
    those of the preset, over all levels together.

    Returns:
        Columns for ``lesions``: the parameters and their parts.
    """
    n_patients, n_organs = len(patients["patient"]), len(preset.organs)
    patient, organ = lesions["patient"], lesions["organ"]
    counted = (lesions["type"] == TARGET) & (patients["excluded"][patient] == "")
    treatment = treatment_effects(preset, patients)
    covariates = covariate_effects(preset, patients)
    unlike = _unlikeness(preset, patients, counted, patient)
    pop = preset.population
    shares = np.sqrt([pop.share_patient, pop.share_patient_organ,
                      1 - pop.share_patient - pop.share_patient_organ])  # fmt: skip
    typical = (np.log(pop.f / (1 - pop.f)), np.log(pop.kg_per_day), np.log(pop.kd_per_day))
    omega = (pop.omega_f, pop.omega_kg, pop.omega_kd)
    out: Columns = {}
    for i, name in enumerate(PARAMETERS):
        by_organ = np.asarray([getattr(o, name) for o in preset.organs])
        fixed = by_organ[organ] + covariates[name][patient]
        fixed = fixed + REFRACTORY_SHIFT[name] * lesions["is_refractory"]
        drug = treatment[name][patient] * organ_factors(preset, name)[organ]
        of_patient = shares[0] * rng.standard_normal(n_patients)
        grid = rng.standard_normal((n_patients, n_organs))
        of_pair = shares[1] * grid[patient, organ] * unlike
        own = shares[2] * rng.standard_normal(len(patient)) * unlike
        deepens = preset.messages.antibody_deepens if name == "logit_f" else 0.0
        whole = of_patient[patient] + of_pair + own
        out[name], out[f"{name}_antibody"], left = _placed(
            fixed, drug, whole, counted, typical[i], omega[i], deepens
        )
        out[f"{name}_patient"] = left * of_patient[patient]
        out[f"{name}_patient_organ"] = left * of_pair
        out[f"{name}_lesion"] = left * own
    out["f"] = 1 / (1 + np.exp(-np.clip(out["logit_f"], -12.0, 12.0)))
    out["kg_per_day"] = np.exp(np.clip(out["log_kg"], np.log(1e-5), np.log(0.08)))
    out["kd_per_day"] = np.exp(np.clip(out["log_kd"], np.log(1e-5), np.log(0.5)))
    out["volume_at_baseline_mm3"] = volume_of_diameter(
        lesions["diameter_mm"], lesions["axis_ratio"]
    )
    return out


def _unlikeness(
    preset: Preset, patients: Columns, counted: NDArray[np.bool_], patient: IntArray
) -> FloatArray:
    """(lesions,) factor on the spread between lesions of one patient: less under an antibody, more
    under chemotherapy alone, so that the variance over the counted lesions is as without.
    """
    less = 1 - preset.messages.antibody_alike
    has = np.asarray([a.has_bevacizumab or a.has_panitumumab for a in preset.arms.values()])
    arm = np.searchsorted(sorted(preset.arms), patients["arm"])
    is_under = has[np.argsort(list(preset.arms))][arm][patient]
    share = is_under[counted].mean() if counted.any() else 0.0
    more = np.sqrt((1 - share * less**2) / (1 - share)) if share < 1 else 1.0
    return np.where(is_under, less if share < 1 else 1.0, more)


def organ_factors(preset: Preset, name: str) -> FloatArray:
    """(organs,) how large antibodies' effects on a parameter are in each organ, 1 on average."""
    names = [o.organ for o in preset.organs]
    factor = np.ones(len(names))
    if name == "log_kg":
        factor[np.isin(names, UNSLOWED_ORGANS)] -= preset.messages.unslowed_organs
    return factor


def _placed(
    fixed: FloatArray,
    drug: FloatArray,
    whole: FloatArray,
    counted: NDArray[np.bool_],
    typical: float,
    omega: float,
    deepens: float,
) -> tuple[FloatArray, FloatArray, float]:
    """One parameter of all lesions, the antibody's part in it, and the scale of the random effects.

    Fixed effects are centred over the counted lesions; random ones get the variance that is left.
    Where an antibody deepens responses only, place and scale are found anew, so that mean and
    variance over the counted lesions are those without that.
    """
    both = fixed + drug
    some = counted if counted.any() else np.ones(len(both), dtype=bool)
    centre = both[counted].mean() if counted.any() else 0.0
    left = float(np.sqrt(max(omega**2 - both[counted].var(), 0.2 * omega**2)))
    plain = typical + both - centre + left * whole
    if deepens == 0 or not len(both):
        return plain, drug, left
    for _ in range(PLACINGS):
        before = typical + fixed - centre + left * whole
        value = deepened(before, drug, deepens)
        centre += value[some].mean() - plain[some].mean()
        left *= float(plain[some].std() / value[some].std())
    before = typical + fixed - centre + left * whole
    value = deepened(before, drug, deepens)
    return value, value - before, left


def treatment_effects(preset: Preset, patients: Columns) -> dict[str, FloatArray]:
    """(patients,) effect of the arm's antibodies on each parameter. With both, the larger one
    and a tenth of the other; panitumumab does more where KRAS is wild type and little where it
    is mutant.
    """
    arms = preset.arms
    bevacizumab = np.asarray([arms[a].has_bevacizumab for a in patients["arm"]], dtype=float)
    panitumumab = np.asarray([arms[a].has_panitumumab for a in patients["arm"]], dtype=float)
    kras, part = patients["kras"], preset.messages.kras_panitumumab
    panitumumab *= np.where(kras == "WILD TYPE", 1 + 0.3 * part, 1.0)
    panitumumab *= np.where(kras == "MUTANT", 1 - 0.7 * part, 1.0)
    none = (0.0, 0.0, 0.0)
    out = {}
    for i, name in enumerate(PARAMETERS):
        parts = np.stack(
            [
                bevacizumab * preset.arm_effects.get("bevacizumab", none)[i],
                panitumumab * preset.arm_effects.get("panitumumab", none)[i],
            ]
        )
        largest = np.take_along_axis(parts, np.abs(parts).argmax(axis=0)[None], axis=0)[0]
        out[name] = largest + 0.1 * (parts.sum(axis=0) - largest)
    return out


def covariate_effects(preset: Preset, patients: Columns) -> dict[str, FloatArray]:
    """(patients,) effect of line of therapy, KRAS, race and surgery on each parameter."""
    has = {
        "second_line": patients["line"] >= 2,
        "kras_mutant": patients["kras"] == "MUTANT",
        "race_black": patients["race"] == "BLACK OR AFRICAN AMERICAN",
        "race_asian": patients["race"] == "ASIAN",
        "no_surgery": patients["surgery"] == "N",
    }
    out = {name: np.zeros(len(patients["patient"])) for name in PARAMETERS}
    for covariate, effects in preset.covariate_effects.items():
        for i, name in enumerate(PARAMETERS):
            out[name] += has[covariate] * effects[i]
    return out
