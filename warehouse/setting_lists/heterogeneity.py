"""Settings of response phases, heterogeneity, survival and group comparisons."""

from __future__ import annotations

from warehouse.setting_lists.setting import MAX_CONFIDENCE, Setting

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "phases.response_ratio",
        0.7,
        "size over baseline at which a lesion has responded (Zhou 2021)",
        minimum=0.0,
    ),
    Setting(
        "phases.relapse_ratio",
        1.2,
        "size over the reference above which a lesion has relapsed (Zhou 2021)",
        minimum=0.0,
    ),
    Setting(
        "phases.relapse_reference",
        "nadir",
        "what regrowth is measured from",
        choices=("nadir", "baseline"),
    ),
    Setting(
        "phases.mixed_response",
        "first_regrowth",
        "which regrowth begins the relapse of a lesion that regrew and shrank again: the first, or "
        "one that lasts to the last scan",
        choices=("first_regrowth", "sustained_regrowth"),
    ),
    Setting(
        "phases.threshold_day",
        "scan",
        "day on which a threshold is met: that of the scan that shows it, or on the line between",
        choices=("scan", "interpolated"),
    ),
    Setting(
        "phases.sum_days",
        "complete",
        "days on which a patient's sum counts: those with every lesion measured, or all, lesions "
        "not measured keeping their last size",
        choices=("complete", "carried_forward"),
    ),
    Setting(
        "gower.range",
        "patient",
        "over which lesions a variable's range is taken",
        choices=("patient", "cohort"),
    ),
    Setting(
        "gower.mean",
        "others",
        "a lesion's distance: mean to the patient's other lesions, or to all with its own 0",
        choices=("others", "all"),
    ),
    Setting(
        "gower.single_lesion",
        "null",
        "heterogeneity of a patient with one lesion",
        choices=("null", "zero"),
    ),
    Setting(
        "heterogeneity.organ_min_lesions",
        50,
        "organs with fewer analysed target lesions are compared as 'other' (Zhou 2021)",
        minimum=0,
    ),
    Setting(
        "heterogeneity.shrinkage_percent",
        30.0,
        "an organ shrank when its size came down by more than this, percent (Zhou 2021)",
        minimum=0.0,
    ),
    Setting(
        "heterogeneity.organ_shrinkage",
        "sum",
        "whose size that is: the sum of the organ's target lesions, every one, or any one",
        choices=("sum", "every_lesion", "any_lesion"),
    ),
    Setting(
        "survival.confidence",
        0.95,
        "confidence of the intervals of survival",
        minimum=0.0,
        maximum=MAX_CONFIDENCE,
    ),
    Setting(
        "survival.interval",
        "log",
        "scale of the confidence limits of survival curves",
        choices=("log", "log-log", "plain"),
    ),
    Setting(
        "survival.rmst_days",
        365,
        "horizon of restricted mean survival time, days: mean time without event up to it",
        minimum=1,
    ),
    Setting(
        "survival.landmark_days",
        180,
        "day from first dose from which survival is compared by what responses had been until "
        "then: who lives longer is scanned longer, and no group may depend on that",
        minimum=1,
    ),
    Setting(
        "survival.gower_unit",
        0.1,
        "hazard ratios are per this much Gower distance",
        minimum=0.0,
    ),
    Setting(
        "survival.burden_unit_mm",
        10.0,
        "hazard ratios are per this much sum of diameters, mm",
        minimum=0.0,
    ),
    Setting(
        "survival.resamples",
        500,
        "random subsets, and bootstrap samples, on which the Cox model of the Gower distance is "
        "fitted again (Zhou 2021, Fig. 2E); 0 for none",
        minimum=0,
    ),
    Setting(
        "survival.subset_share",
        0.8,
        "share of the patients in a random subset (Zhou 2021, Fig. 2E)",
        minimum=0.0,
    ),
    Setting(
        "comparisons.correction",
        "bonferroni",
        "correction of p-values for the pairs compared (Zhou 2021: Bonferroni)",
        choices=("bonferroni", "holm", "bh", "none"),
    ),
)
