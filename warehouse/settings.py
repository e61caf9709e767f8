"""Typed settings: defaults here, a project's own values in its ``lesions.toml``.

A setting is named ``section.key``. SQL models see them all as the table ``meta.setting``.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from warehouse.errors import LesionsError

FILE_NAME = "lesions.toml"


@dataclass(frozen=True)
class Setting:
    """One setting: its default fixes its type; ``minimum`` and ``choices`` bound its values."""

    name: str
    default: Any
    comment: str
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    is_operational: bool = False
    """True where the value cannot change a result (threads, memory): never in a fingerprint."""

    @property
    def type_name(self) -> str:
        return {bool: "boolean", int: "integer", float: "number", str: "text"}[type(self.default)]


RULE_SETS = ("recist_1_1", "zhou2023", "recist_volume")

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "run.threads", 0, "worker threads; 0 means one per core", minimum=0, is_operational=True
    ),
    Setting(
        "run.memory_limit",
        "",
        "DuckDB's memory limit, such as '8GB'; empty for its default",
        is_operational=True,
    ),
    Setting("run.seed", 20230607, "seed of every random step", minimum=0),
    Setting(
        "rules.rule_set",
        "recist_1_1",
        "rule set of the events that later analyses use; all three are always computed",
        choices=RULE_SETS,
    ),
    Setting(
        "volume.axis_ratio",
        1.31,
        "long over short axis where no short axis was measured (Zhou 2023)",
        minimum=1.0,
    ),
    Setting(
        "volume.limit_of_quantification_mm3",
        200.0,
        "volumes below it are flagged as below the limit (Zhou 2023)",
        minimum=0.0,
    ),
    Setting(
        "too_small.default_mm",
        5.0,
        "diameter given to a lesion 'too small to measure' (RECIST 1.1, section 4.2), "
        "unless study.yml says otherwise",
        minimum=0.0,
    ),
    Setting(
        "baseline.rule",
        "last_before_first_dose",
        "which measurement is a lesion's baseline",
        choices=("last_before_first_dose", "first"),
    ),
    Setting("baseline.latest_day", 1, "last day, from the first dose, on which a baseline counts"),
    Setting(
        "exclusion.baseline_max_days_before",
        84,
        "a baseline measured more days than this before the first dose excludes (Zhou 2023)",
        minimum=0,
    ),
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
        "growth.model",
        "two_population",
        "growth of target lesions: Zhou 2023 with growth before the first dose as in its published "
        "code, or flat before it as in its equation (2); or another of the shipped models, without "
        "modelled events",
        choices=(
            "two_population",
            "two_population_flat",
            "stein_fojo",
            "claret",
            "exponential",
            "gompertz",
            "logistic",
        ),
    ),
    Setting(
        "growth.count_baseline",
        False,
        "whether baselines, whose residual is 0 by construction, count as observations (Monolix "
        "counts them)",
    ),
    Setting(
        "growth.fewest_lesions",
        30,
        "fewer usable target lesions are not fitted",
        minimum=10,
    ),
    Setting(
        "growth.draws",
        100,
        "draws of each lesion's parameters, for bands and for intervals of modelled events",
        minimum=20,
    ),
    Setting(
        "growth.patient_effects",
        True,
        "whether lesions of one patient vary together in the growth model; false takes lesions as "
        "independent, as Zhou 2023 does, and is biased where patients leave on progression",
    ),
    Setting(
        "growth.warm_start",
        False,
        "whether the growth fit starts from the published one: quicker, but the result then "
        "depends, within its Monte Carlo error, on what was there before",
    ),
    Setting(
        "growth.event_baseline",
        "predicted",
        "volume from which modelled events are measured: the curve's on day 0, or the measured one",
        choices=("predicted", "measured"),
    ),
    Setting(
        "growth.pooled_draws",
        20,
        "draws of each lesion's growth parameters that are kept, and over which tests are pooled",
        minimum=5,
    ),
    Setting(
        "growth.check_strata",
        "treatment_class",
        "groups of lesions whose growth fit is also checked by itself",
        choices=("none", "treatment_class", "organ", "both"),
    ),
    Setting(
        "growth.vpc_simulations",
        200,
        "simulations of the whole project behind the visual predictive check of growth",
        minimum=50,
    ),
    Setting(
        "growth.covariates",
        "organ therapy line_of_therapy",
        "covariates of a second growth fit, separated by spaces; empty for none. Possible: organ, "
        "therapy, targeting, treatment, treatment_class, line_of_therapy, kras_status, race, sex, "
        "prior_surgery, study_id",
    ),
    Setting(
        "growth.correlated",
        True,
        "whether a growth fit with correlated random effects is made beside the published one",
    ),
    Setting(
        "growth.compare_models",
        False,
        "whether all growth models are fitted to each study and arm and compared; takes minutes",
    ),
    Setting(
        "growth.compare_lesions",
        300,
        "lesions of a study or arm that growth models are compared on; 0 for all",
        minimum=0,
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
    Setting("survival.confidence", 0.95, "confidence of the intervals of survival", minimum=0.0),
    Setting(
        "survival.interval",
        "log",
        "scale of the confidence limits of survival curves",
        choices=("log", "log-log", "plain"),
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
    Setting(
        "hazards.event_source",
        "modelled",
        "times of target lesions: from the growth model where it has them (Zhou 2023), or seen on "
        "scans; non-target lesions by status, new lesions by detection",
        choices=("modelled", "observed"),
    ),
    Setting(
        "hazards.reference_organ",
        "abdomen",
        "organ that the others are compared with (Zhou 2023), or several, commas between: the "
        "first that has events enough; the most frequent where none has",
    ),
    Setting(
        "hazards.covariates",
        "auto",
        "covariates to be tested, commas between: treatment, line_of_therapy, age_years, sex, "
        "race, bmi_kg_m2, bsa_m2, prior_surgery, prior_radiation, prior_adjuvant, ecog, "
        "ldh_ratio, kras_status, primary_site; auto: those of Zhou 2023 for the tumor type",
    ),
    Setting(
        "hazards.selection",
        "each",
        "how covariates are tested: each alone beside organ, or step by step",
        choices=("each", "forward", "backward"),
    ),
    Setting(
        "hazards.selection_level",
        0.05,
        "covariates with a likelihood-ratio p below it enter the final model (Zhou 2023)",
        minimum=0.0,
    ),
    Setting(
        "hazards.least_events",
        5,
        "an organ, or a covariate's level, needs this many events for a hazard ratio of its own",
        minimum=1,
    ),
    Setting(
        "hazards.least_known_percent",
        80.0,
        "a covariate known for a smaller share of the lesions is not tested",
        minimum=0.0,
    ),
    Setting(
        "hazards.rare_organs",
        "left_out",
        "what becomes of organs with too few events: left out, or counted as 'other'",
        choices=("left_out", "merged"),
    ),
    Setting(
        "hazards.new_lesions",
        "from_day_0",
        "new lesions in the hazard of progression: at risk from the first dose to their detection "
        "(Zhou 2023; the model without them stands beside), or left out",
        choices=("from_day_0", "left_out"),
    ),
    Setting(
        "hazards.method",
        "laplace",
        "how the patient's random effect is integrated: laplace (exact determinant), sparse (as "
        "R's coxme), aghq (quadrature)",
        choices=("laplace", "sparse", "aghq"),
    ),
    Setting("hazards.ties", "efron", "tied event times", choices=("efron", "breslow")),
    Setting("hazards.confidence", 0.95, "confidence of the intervals of hazards", minimum=0.0),
    Setting(
        "hazards.level_tests",
        True,
        "whether each organ, and the antibody in each organ, has its own likelihood-ratio test",
    ),
    Setting(
        "hazards.phenotype_probability",
        0.5,
        "an organ is assigned its most probable phenotype from this probability on",
        minimum=0.0,
    ),
    Setting(
        "hazards.phenotype_draws", 20000, "draws for the probabilities of phenotypes", minimum=100
    ),
    Setting(
        "sequences.event_source",
        "observed",
        "times of progression in sequences: seen on scans; combined, target lesions by the growth "
        "model where it has them (Zhou 2023); modelled, those only",
        choices=("observed", "combined", "modelled"),
    ),
    Setting(
        "sequences.sites",
        "organ",
        "what progresses one after another: organs, or each organ's lesions numbered by size (for "
        "projects whose lesions lie in one organ)",
        choices=("organ", "lesion"),
    ),
    Setting(
        "sequences.ties",
        "arbitrary",
        "order of organs that progress on one day and had their last scan without it on one day: "
        "arbitrary but the same in every run, or that of core.organ",
        choices=("arbitrary", "organ_order"),
    ),
    Setting(
        "sequences.encoding",
        "timed",
        "what clusters of sequences are made of: timed, which organs have progressed by when "
        "(k-medoids); published, one-hot organ at each place with softmax (k-means, Zhou 2023)",
        choices=("timed", "published"),
    ),
    Setting(
        "sequences.half_life_days",
        180.0,
        "timed: a progression so many days after the first counts half",
        minimum=1.0,
    ),
    Setting(
        "sequences.counts_from",
        "first_progression",
        "timed: days count from the patient's first progression, or from the first dose",
        choices=("first_progression", "first_dose"),
    ),
    Setting("sequences.k", 0, "number of clusters; 0 lets sequences.k_rule choose", minimum=0),
    Setting("sequences.k_max", 8, "largest number of clusters tried", minimum=2),
    Setting(
        "sequences.k_rule",
        "silhouette",
        "how the number of clusters is chosen; silhouette: the fewest that bootstrap samples find "
        "again, that are beyond chance, and whose silhouette is near the best",
        choices=("silhouette", "elbow", "aic", "bic", "concordance"),
    ),
    Setting("sequences.starts", 10, "starts of each clustering; the best counts", minimum=1),
    Setting(
        "sequences.resamples",
        50,
        "bootstrap samples in which clusters are sought again; 0 for none",
        minimum=0,
    ),
    Setting(
        "sequences.shuffles",
        10,
        "sets of random sequences that clusters are held against",
        minimum=1,
    ),
    Setting(
        "sequences.no_progression",
        "own_level",
        "patients without a progressive organ: a level of their own beside the clusters, or "
        "clustered with the others",
        choices=("own_level", "clustered"),
    ),
    Setting(
        "sequences.hetero_organs",
        3.0,
        "a cluster is Hetero-Organ from this mean number of progressive organs on; where there is "
        "none, the second round takes patients with as many organs",
        minimum=1.0,
    ),
    Setting(
        "sequences.fewest_patients",
        50,
        "fewer patients with a progression are not clustered",
        minimum=10,
    ),
    Setting(
        "sequences.landmarks",
        "90, 180, 365",
        "days from first dose at which patients are grouped by what had progressed until then "
        "and followed from there, commas between",
    ),
    Setting(
        "sequences.death_window_days",
        112,
        "a death so many days after the last scan or earlier ends the wait for a progression as "
        "competing event (two visits of eight weeks); later ones leave it censored at the scan",
        minimum=0,
    ),
    Setting(
        "prediction.grid_search",
        False,
        "whether the boosting's parameters are sought by macro F1 within each training set "
        "(takes minutes)",
    ),
    Setting("prediction.folds", 5, "folds of the cross-validation: 5 is a 4:1 split", minimum=2),
    Setting(
        "prediction.no_progression",
        "class",
        "patients without a progressive organ: a class to be predicted, or left out (they are "
        "known only when the scans have ended)",
        choices=("class", "left_out"),
    ),
    Setting(
        "prediction.fewest_patients",
        25,
        "clusters of fewer patients are not predicted",
        minimum=10,
    ),
    Setting("prediction.iterations", 60, "iterations of the gradient boosting", minimum=1),
    Setting("prediction.learning_rate", 0.1, "its learning rate", minimum=0.001),
    Setting("prediction.leaves", 4, "most leaves of its trees", minimum=2),
    Setting(
        "radiomics.segmentation",
        "original",
        "segmentation that is analysed; where a study has none of this name, the one with most "
        "lesions",
    ),
    Setting(
        "radiomics.region",
        "whole",
        "region in which lesions are compared; where a study has none of this name, the one with "
        "most lesions",
    ),
    Setting(
        "radiomics.ccc_threshold",
        0.8,
        "least concordance of a robust feature between the reference segmentation and each other "
        "(Henry 2022)",
    ),
    Setting(
        "radiomics.least_compared_percent",
        10.0,
        "a segmentation of a smaller share of the lesions does not decide whether a feature is "
        "robust",
        minimum=0.0,
    ),
    Setting(
        "radiomics.least_known_percent",
        80.0,
        "a feature known for a smaller share of the lesions is not selected",
        minimum=0.0,
    ),
    Setting(
        "radiomics.linkage",
        "average",
        "linkage of the clusters of features and of lesions",
        choices=("average", "complete", "single"),
    ),
    Setting(
        "radiomics.cluster_distance",
        0.3,
        "features join one cluster up to this distance, 1 - |r|",
        minimum=0.0,
    ),
    Setting(
        "radiomics.clusters",
        0,
        "cut the features into so many clusters instead (Henry 2022: 8, by eye); 0 to cut by "
        "distance",
        minimum=0,
    ),
    Setting(
        "radiomics.understandable",
        "VoxelVolume, MeshVolume, volume_mm3, TOTALVOLUME, Maximum2DDiameterSlice, "
        "Maximum3DDiameter, long_axis_mm, MAXDIAMETER3D, Sphericity, SurfaceArea, 90Percentile, "
        "Mean, Median, Entropy, Energy",
        "features that go before others as their cluster's representative, best first, commas "
        "between; then the first by name",
    ),
    Setting(
        "radiomics.scaling",
        "z-score",
        "how features are brought to one scale for the cosine distance, over the study's lesions",
        choices=("z-score", "robust", "min-max", "none"),
    ),
    Setting(
        "radiomics.cosine",
        "one_minus_cosine",
        "variant of the cosine distance: 1 - cos (0 to 2), half of it (0 to 1), the angle over pi "
        "(0 to 1)",
        choices=("one_minus_cosine", "half_one_minus_cosine", "angular"),
    ),
    Setting(
        "radiomics.lesion_cluster_distance",
        0.5,
        "lesions of a patient join one cluster up to this distance",
        minimum=0.0,
    ),
    Setting(
        "radiomics.significance",
        0.0015,
        "p-values below it are significant (Henry 2022: Bonferroni); 0 for 0.05 over the number of "
        "tests of the study",
        minimum=0.0,
    ),
    Setting(
        "radiomics.resamples",
        2000,
        "bootstrap samples of the mean variation; 0 for none",
        minimum=0,
    ),
    Setting(
        "radiomics.strategies",
        "random 1, random 2, random 3, random per_site 2, random per_site 3, "
        "random per_site 2 without bone, largest 1, largest 2, largest 5, smallest 5, "
        "largest 5 per_site 2, largest 5 per_site 2 without bone, target",
        "sampling strategies, commas between: the six of Henry 2022, then ours; your own: ORDER N "
        "per_site M without ORGAN",
    ),
    Setting(
        "radiomics.growth_strategies",
        "random 1, random 2, random 3, random 5, random per_site 2, largest 1, largest 2, "
        "largest 5, smallest 5, largest 5 per_site 2, random 5 per_site 2",
        "strategies of the same study on growth (Gower distances)",
    ),
    Setting(
        "radiomics.simulations",
        500,
        "samples of a random strategy where subsets are too many (Henry 2022: 500)",
        minimum=2,
    ),
    Setting(
        "radiomics.exact_subsets",
        500,
        "up to so many subsets all are enumerated, and the mean is exact",
        minimum=0,
    ),
    Setting(
        "radiomics.curve_lesions", 15, "most lesions of the recovery curve (Henry 2022)", minimum=2
    ),
    Setting(
        "radiomics.recovered_share",
        0.75,
        "share of an index for which the lesions needed are counted (Henry 2022)",
        minimum=0.0,
    ),
    Setting(
        "radiomics.definition",
        "pairs",
        "definition that figures show: mean over the pairs, or the full matrix with its zero "
        "diagonal that the published figures agree with; both are in the tables",
        choices=("pairs", "published"),
    ),
    Setting("radiomics.confidence", 0.95, "confidence of the intervals of radiomics", minimum=0.0),
)
BY_NAME: Mapping[str, Setting] = {setting.name: setting for setting in SETTINGS}


def default_values() -> dict[str, Any]:
    """Every setting's default, by name."""
    return {setting.name: setting.default for setting in SETTINGS}


def read_settings(path: Path) -> dict[str, Any]:
    """Defaults, overridden by a ``lesions.toml``.

    Raises:
        LesionsError: not TOML, an unknown setting, or a value of the wrong type or range.
    """
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LesionsError(f"{path.name} is not valid TOML: {error}. Mend that line.") from error
    values = default_values()
    for section, content in given.items():
        if not isinstance(content, dict):
            raise LesionsError(
                f"{path.name}: {section!r} stands outside a section. Settings stand in sections, "
                "for example [rules] and below it rule_set = 'recist_1_1'."
            )
        for key, value in content.items():
            name = f"{section}.{key}"
            values[name] = _checked(path.name, name, value)
    return values


def _checked(file: str, name: str, value: Any) -> Any:
    setting = BY_NAME.get(name)
    if setting is None:
        near = difflib.get_close_matches(name, BY_NAME, n=1, cutoff=0.5)
        hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(BY_NAME)}."
        raise LesionsError(f"{file}: there is no setting {name}. {hint}")
    wanted = type(setting.default)
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not wanted:
        raise LesionsError(
            f"{file}: {name} = {value!r} is not {_article(setting.type_name)}. "
            f"The default is {setting.default!r}."
        )
    if setting.choices and value not in setting.choices:
        raise LesionsError(
            f"{file}: {name} = {value!r} is not one of {', '.join(setting.choices)}."
        )
    if setting.minimum is not None and value < setting.minimum:
        raise LesionsError(f"{file}: {name} = {value!r} is below {setting.minimum:g}.")
    return value


def _article(type_name: str) -> str:
    return f"an {type_name}" if type_name == "integer" else f"a {type_name}"


def as_text(value: Any) -> str:
    """A value as ``meta.setting`` holds it; reads back with a CAST to its type."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)


def thread_count(values: Mapping[str, Any]) -> int:
    """Worker threads to use."""
    return int(values["run.threads"]) or os.cpu_count() or 1


def template() -> str:
    """The text of a new ``lesions.toml``: every setting with its default, commented out."""
    lines = ["# Settings of this project. A line that begins with # shows a default."]
    section = ""
    for setting in SETTINGS:
        head, key = setting.name.split(".")
        if head != section:
            lines += ["", f"[{head}]"]
            section = head
        choices = f" ({', '.join(setting.choices)})" if setting.choices else ""
        lines.append(f"# {setting.comment}{choices}")
        lines.append(f"# {key} = {_toml(setting.default)}")
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else as_text(value)
