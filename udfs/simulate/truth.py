"""The truth that made a simulated cohort, as columns."""

from __future__ import annotations

import numpy as np

from udfs.simulate.course import Course, size_per_root
from udfs.simulate.growth import EVENT_RULES, LesionCurves, event_days
from udfs.simulate.heterogeneity import UNIT
from udfs.simulate.lesions import PARAMETERS, TARGET
from udfs.simulate.messages import NAMES, REFRACTORY_SHIFT
from udfs.simulate.patients import NO_LESION, NO_TARGET
from udfs.simulate.presets import Preset
from udfs.simulate.sampling import Columns, FloatArray
from udfs.simulate.sequences import PlantedGroups

COLUMN_OF = {"logit_f": "f", "log_kg": "kg_per_day", "log_kd": "kd_per_day"}


def lesion_truth(lesions: Columns, curves: LesionCurves) -> Columns:
    """Parameters of each lesion's curve and the random effects in them."""
    nadir_day = curves.nadir_day()
    base = curves.volume_at_baseline_mm3
    out: Columns = {
        "lesion": np.arange(len(lesions["patient"])),
        "patient": lesions["patient"],
        "organ_index": lesions["organ"],
        "is_target": lesions["type"] == TARGET,
        "baseline_day": curves.baseline_day.astype(np.int64),
        "axis_ratio": lesions["axis_ratio"],
        "diameter_at_baseline_mm": lesions["diameter_mm"],
        "volume_at_baseline_mm3": base,
        "volume_at_first_dose_mm3": base * np.exp(-curves.kg_per_day * curves.baseline_day),
        "kg_per_day": curves.kg_per_day,
        "kd_per_day": curves.kd_per_day,
        "f": curves.f,
        "nadir_day": nadir_day,
        "nadir_volume_mm3": np.minimum(curves.volume_mm3(nadir_day), base),
    }
    for name in PARAMETERS:
        for level in ("patient", "patient_organ", "lesion"):
            out[f"{name}_{level}_effect"] = lesions[f"{name}_{level}"]
    return out


def lesion_event_table(lesions: Columns, curves: LesionCurves) -> Columns:
    """Days of true response and true progression per lesion and rule set (infinite where never)."""
    n = len(lesions["patient"])
    per_root = size_per_root(lesions)
    days = [event_days(curves, rule, per_root) for rule in EVENT_RULES]
    return {
        "lesion": np.tile(np.arange(n), len(EVENT_RULES)),
        "rule_set": np.repeat([rule.rule_set for rule in EVENT_RULES], n),
        "response_day": np.concatenate([response for response, _ in days]),
        "progression_day": np.concatenate([progression for _, progression in days]),
    }


def organ_truth(preset: Preset, organ_days: FloatArray, patients: Columns) -> Columns:
    """First true progression of each organ of a patient that ever progresses."""
    has_lesions = ~np.isin(patients["excluded"], [NO_LESION, NO_TARGET])
    known = np.isfinite(organ_days) & has_lesions[:, None]
    patient, organ = np.nonzero(known)
    return {
        "patient": patient,
        "organ": np.asarray([o.organ for o in preset.organs])[organ],
        "progression_day": organ_days[patient, organ],
    }


def patient_truth(
    preset: Preset,
    patients: Columns,
    lesions: Columns,
    course: Course,
    planted: PlantedGroups | None = None,
) -> Columns:
    """Random effects and true times of each patient, and the planted group of its sequence."""
    n = len(patients["patient"])
    organs = np.asarray([o.organ for o in preset.organs] + [""])
    out: Columns = {
        "patient": np.arange(n),
        "excluded": patients["excluded"],
        "is_refractory": patients["is_refractory"],
        "first_progressing_organ": organs[course.first_organ],
        "first_progression_day": course.first_progression_day,
        "first_new_lesion_day": course.new_lesion_day,
        "log_hazard_of_death_effect": course.frailty,
        "gower_distance_at_progression": course.heterogeneity,
        "death_day": course.death_day,
        "end_of_study_day": course.censor_day,
    }
    for name in PARAMETERS:
        effect = np.full(n, np.nan)
        effect[lesions["patient"]] = lesions[f"{name}_patient"]
        out[f"{name}_effect"] = effect
    if planted is not None and preset.sequence_groups is not None:
        out["sequence_group"] = np.asarray(preset.sequence_groups.names)[planted.group]
    return out


def effect_table(preset: Preset, patients: Columns, lesions: Columns) -> Columns:
    """Fixed effects per parameter: organs, arms (mean over their target lesions), covariates and
    what sets refractory patients apart; and the size of each of the papers' messages.
    """
    rows: list[tuple[str, str, str, float]] = []
    arm = patients["arm"][lesions["patient"]]
    is_target = lesions["type"] == TARGET
    for i, name in enumerate(PARAMETERS):
        rows += [("organ", o.organ, name, float(getattr(o, name))) for o in preset.organs]
        rows += [
            ("arm", preset.arms[one].label, name,
             float(lesions[f"{name}_antibody"][is_target & (arm == one)].mean()))
            for one in preset.arms
            if (is_target & (arm == one)).any()
        ]  # fmt: skip
        rows += [("covariate", c, name, e[i]) for c, e in preset.covariate_effects.items()]
        if preset.messages.refractory:
            rows.append(("refractory patients", "all", name, REFRACTORY_SHIFT[name]))
    hazard, unit = "log_hazard_of_death_after_progression", f"per {UNIT} Gower distance"
    rows.append(("heterogeneity", unit, hazard, preset.messages.heterogeneity_death))
    rows += [("message", name, "size", float(getattr(preset.messages, name))) for name in NAMES]
    if preset.sequence_groups is not None:
        separation = preset.sequence_groups.separation
        rows.append(("sequence groups", "all", "separation", separation))
    columns = ("kind", "level", "parameter", "effect")
    return {c: np.asarray([row[k] for row in rows]) for k, c in enumerate(columns)}


def population_table(preset: Preset, patients: Columns, lesions: Columns) -> Columns:
    """Growth parameters over the target lesions of the patients to be included.

    ``typical`` and ``omega`` are those asked for; ``realised_typical`` is exp (kg, kd) or inverse
    logit (F) of the mean over the lesions drawn, ``realised_omega`` their standard deviation.
    """
    pop = preset.population
    counted = (lesions["type"] == TARGET) & (patients["excluded"][lesions["patient"]] == "")
    asked = {
        "logit_f": (pop.f, pop.omega_f),
        "log_kg": (pop.kg_per_day, pop.omega_kg),
        "log_kd": (pop.kd_per_day, pop.omega_kd),
    }
    mean = {name: lesions[name][counted].mean() for name in PARAMETERS}
    realised = {
        "logit_f": 1 / (1 + np.exp(-mean["logit_f"])),
        "log_kg": np.exp(mean["log_kg"]),
        "log_kd": np.exp(mean["log_kd"]),
    }
    spread = [lesions[name][counted].std() for name in PARAMETERS]
    return {
        "parameter": np.asarray([COLUMN_OF[name] for name in PARAMETERS] + ["b"]),
        "typical": np.asarray([asked[name][0] for name in PARAMETERS] + [pop.b]),
        "omega": np.asarray([asked[name][1] for name in PARAMETERS] + [np.nan]),
        "realised_typical": np.asarray([realised[name] for name in PARAMETERS] + [pop.b]),
        "realised_omega": np.asarray([*spread, np.nan]),
    }
