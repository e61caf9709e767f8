"""Tables of the step ``progression_meaning``."""

from __future__ import annotations

from dataclasses import replace

from flows.columns import COUNT, NUMBER, TEXT
from flows.steps.group_comparison import GROUP_COMPARISON, GROUP_SUMMARY
from flows.steps.survival import SURVIVAL_CURVE, SURVIVAL_SUMMARY, SURVIVAL_TEST
from flows.steps.survival_cox import SURVIVAL_COX
from warehouse.registry import TableDoc

SUBSET = (
    "analysis.progression_cluster, and after a semicolon the cluster within which treatments are "
    "compared"
)
GROUPING = (
    "progression cluster, treatment class, and after a landmark also first progressive organ and "
    "number of progressive organs"
)
ENDPOINT = "OS from the first dose, or OS after a landmark day, from that day"
BIAS = (
    "OS by cluster from the first dose, as the paper has it, is biased: who belongs to a cluster "
    "is known only later, and had to live until then (guarantee time). OS after a landmark is "
    "not, for the groups by what had progressed up to it."
)


def _of_sequences(table: TableDoc, name: str, what: str) -> TableDoc:
    """A survival table for groups by progression."""
    columns = {**table.columns, "subset": SUBSET, "endpoint": ENDPOINT}
    if "grouping" in columns:
        columns["grouping"] = GROUPING
    if "group_name" in columns:
        columns["group_name"] = "the group"
    description = (
        f"{what}\nWhy: whether the order of progression goes with survival (Fig. 4b, 5a, S8, S10a)."
        f"\nCaveats: {BIAS}\nReference: Zhou et al., Nat Commun 2023, Fig. 4b and 5a; Anderson, "
        "Cain and Gelber, J Clin Oncol 1983"
    )
    return replace(table, name=name, description=description, columns=columns)


CURVE = _of_sequences(
    SURVIVAL_CURVE,
    "analysis.progression_survival_curve",
    "Kaplan-Meier curve of a group by progression.",
)
SUMMARY = _of_sequences(
    SURVIVAL_SUMMARY,
    "analysis.progression_survival_summary",
    "Survival of a group by progression in a line: patients, events, median with interval.",
)
TEST = _of_sequences(
    SURVIVAL_TEST,
    "analysis.progression_survival_test",
    "Log-rank tests between groups by progression, all together and pair by pair.",
)
COX = _of_sequences(
    SURVIVAL_COX,
    "analysis.progression_survival_cox",
    "Hazard ratio of death of a group by progression against the first group (Cox, Efron's ties).",
)
_VARIABLES = (
    "first_days, second_interval_days, third_interval_days, fourth_interval_days, "
    "mean_interval_days or mean_time_days of analysis.progression_patient"
)
_INTERVALS = (
    "\nCaveats: a second interval is there only for patients in whom a second organ was seen to "
    "progress while scans were made, so intervals are those of the quick; "
    "analysis.organ_incidence takes the others into account.\n"
    "Reference: Zhou et al., Nat Commun 2023, Fig. 4c, 5f to h, S9c, S10; Dunn, Technometrics 1964"
)
COMPARISON = replace(
    GROUP_COMPARISON,
    name="analysis.progression_comparison",
    description=(
        "Tests of intervals between progressions, between clusters and between treatments within a "
        "cluster.\nHow: two groups Mann-Whitney; more Kruskal-Wallis and Dunn's test of each pair "
        "(comparisons.correction)." + _INTERVALS
    ),
    columns={
        **GROUP_COMPARISON.columns,
        "subset": SUBSET,
        "variable": _VARIABLES,
        "grouping": "progression cluster or treatment class",
        "patient_subset": "subset of analysis.progression_cluster",
        "organ": "always NULL: patients are compared",
    },
)
INTERVAL = replace(
    GROUP_SUMMARY,
    name="analysis.progression_interval",
    description="Intervals between progressions of a group: what a box plot draws." + _INTERVALS,
    columns={
        **GROUP_SUMMARY.columns,
        "subset": SUBSET,
        "variable": _VARIABLES,
        "grouping": "progression cluster or treatment class",
        "patient_subset": "subset of analysis.progression_cluster",
        "organ": "always NULL: patients are compared",
    },
)
PROPORTION = TableDoc(
    name="analysis.progression_proportion",
    description=(
        "How many of the patients of a treatment are in each cluster.\n"
        "Why: whether treatment changes the pattern of progression (Fig. 5b, S10b).\n"
        "Caveats: shares are of the patients with a progression; level 0 is given beside, as a "
        "share of all.\nReference: Zhou et al., Nat Commun 2023, Fig. 5b"
    ),
    grain="one row per subset, treatment_class and cluster_name",
    key=("subset", "treatment_class", "cluster_name"),
    columns={
        "subset": "analysis.progression_cluster",
        "treatment_class": "chemotherapy, antibody plus chemotherapy or another",
        "cluster_name": "cluster, or No progression",
        "n": "patients of the treatment in it",
        "n_of": "patients of the treatment with a progression; for No progression all",
        "share": "n over n_of",
        "ci_lower": "Wilson's lower 95 % limit",
        "ci_upper": "upper limit",
    },
    tags=("public",),
)
PLACE = TableDoc(
    name="analysis.progression_place",
    description=(
        "How many patients of a cluster have an organ at a place of their sequence.\n"
        "Why: the heat maps of Fig. 4a, 5c to e and S10.\n"
        "Caveats: combinations that no patient has have no row.\n"
        "Reference: Zhou et al., Nat Commun 2023, Fig. 4a"
    ),
    grain="one row per subset, cluster_name, treatment_class, position and organ",
    key=("subset", "cluster_name", "treatment_class", "position", "organ"),
    columns={
        "subset": "analysis.progression_cluster",
        "cluster_name": "cluster",
        "treatment_class": "all, or one class",
        "position": "place in the sequence",
        "organ": "organ that progressed there",
        "n_patients": "patients with it",
        "n_cluster": "patients of the cluster and treatment",
        "share": "n_patients over n_cluster",
        "log10_n": "log10(n_patients + 1), as the paper colours it",
        "median_days": "median day of the progression, from first dose",
    },
    tags=("public",),
)
ASSOCIATION = TableDoc(
    name="analysis.progression_association",
    description=(
        "Tests whether treatment goes with the cluster, or with the organ at a place of the "
        "sequence within a cluster.\n"
        "How: chi-squared test of the table. Where a count below 5 is expected, its p-value by "
        "random tables with the same margins instead.\n"
        "Reference: Zhou et al., Nat Commun 2023, Fig. 5b to e, S10b to e"
    ),
    grain="one row per subset and variable",
    key=("subset", "variable"),
    columns={
        "subset": SUBSET,
        "variable": "progression cluster, any progression, or organ at place 1 to 3",
        "statistic": "chi-squared",
        "df": "degrees of freedom",
        "p_value": "p-value",
        "method": "chi-squared, or permutation",
        "cramers_v": "strength, 0 to 1",
        "n_patients": "patients in the table",
        "n_treatments": "treatment classes in it",
        "null_reason": "why there is no test; NULL where there is one",
    },
    tags=("public",),
)
CHARACTERISTIC = TableDoc(
    name="analysis.progression_characteristic",
    description=(
        "Patients at baseline by cluster, number by number (Supplementary Table 3).\n"
        "How: numbers as mean, standard deviation and quartiles, with Kruskal-Wallis over the "
        "clusters; categories as counts and shares of those known, with a chi-squared test (by "
        "random tables where a count below 5 is expected).\n"
        "Caveats: p-values are not corrected for the number of characteristics. "
        "mart.fig_progression_characteristic has it as one would print it.\n"
        "Reference: Zhou et al., Nat Commun 2023, Supplementary Table 3"
    ),
    grain="one row per subset, cluster_name, variable and level",
    key=("subset", "cluster_name", "variable", "level"),
    columns={
        "subset": "analysis.progression_cluster",
        "cluster_name": "cluster, or all clusters",
        "cluster_order": "order of the columns of a printed table",
        "variable": "characteristic of analysis.baseline_feature",
        "variable_order": "order of the rows of a printed table",
        "level": "level of a category; number for a number",
        "n": "patients with the level; for a number those with a value",
        "n_known": "patients of the cluster with a value",
        "n_patients": "patients of the cluster",
        "share": "n over n_known; NULL for a number",
        "mean": "mean of a number",
        "sd": "standard deviation",
        "first_quartile": "25th percentile",
        "median": "median",
        "third_quartile": "75th percentile",
        "test": "Kruskal-Wallis, chi-squared or permutation; NULL without",
        "p_value": "of the characteristic over the clusters",
    },
    tags=("public",),
)
TABLES = (
    CURVE,
    SUMMARY,
    TEST,
    COX,
    COMPARISON,
    INTERVAL,
    PROPORTION,
    PLACE,
    ASSOCIATION,
    CHARACTERISTIC,
)
PROPORTION_TYPES = {
    **dict.fromkeys(("subset", "treatment_class", "cluster_name"), TEXT),
    **dict.fromkeys(("n", "n_of"), COUNT),
    **dict.fromkeys(("share", "ci_lower", "ci_upper"), NUMBER),
}
PLACE_TYPES = {
    **dict.fromkeys(("subset", "cluster_name", "treatment_class"), TEXT),
    "position": COUNT,
    "organ": TEXT,
    **dict.fromkeys(("n_patients", "n_cluster"), COUNT),
    **dict.fromkeys(("share", "log10_n", "median_days"), NUMBER),
}
ASSOCIATION_TYPES = {
    **dict.fromkeys(("subset", "variable"), TEXT),
    "statistic": NUMBER,
    "df": COUNT,
    "p_value": NUMBER,
    "method": TEXT,
    "cramers_v": NUMBER,
    **dict.fromkeys(("n_patients", "n_treatments"), COUNT),
    "null_reason": TEXT,
}
CHARACTERISTIC_TYPES = {
    **dict.fromkeys(("subset", "cluster_name"), TEXT),
    "cluster_order": COUNT,
    "variable": TEXT,
    "variable_order": COUNT,
    "level": TEXT,
    **dict.fromkeys(("n", "n_known", "n_patients"), COUNT),
    **dict.fromkeys(("share", "mean", "sd", "first_quartile", "median", "third_quartile"), NUMBER),
    "test": TEXT,
    "p_value": NUMBER,
}
