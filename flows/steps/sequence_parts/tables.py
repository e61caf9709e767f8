"""Tables of the step ``progression_cluster``: names, grains and columns."""

from __future__ import annotations

from flows.columns import COUNT, FLAG, NUMBER, TEXT
from warehouse.registry import TableDoc

NO_PROGRESSION = "No progression"
"""Name of level 0."""
_WHERE = "Reference: Zhou et al., Nat Commun 2023, Fig. 4a, S7 and S9"
SUBSET = (
    "all; where there are several tumor types, each by itself; and of each the second round, "
    "hetero-organ: patients of its Hetero-Organ clusters, or without such with many organs"
)
KEYS = {
    "subset": SUBSET,
    "encoding": "timed or published: the setting sequences.encoding",
}

CHOICE = TableDoc(
    name="analysis.progression_cluster_choice",
    description=(
        "What speaks for each number of clusters of progression sequences, by either encoding.\n"
        "Why: how many clusters there are is a choice; the figures that it rests on stand here.\n"
        "How: timed compares which organs had progressed by when, time discounted by half every "
        "sequences.half_life_days (k-medoids); published is the one-hot and softmax encoding of "
        "Zhou 2023's code (k-means). is_chosen by sequences.k or sequences.k_rule.\n"
        "Caveats: concordance is of the same patients' survival from the first dose, which groups "
        "of a later progression look better in than they are (guarantee time): it is given because "
        "the paper chose by it; analysis.progression_landmark does without. stability_ari says "
        "whether the same clusters come again, not that there are groups: silhouette_by_chance is "
        "what random sequences reach.\n"
        f"{_WHERE}; Hubert and Arabie, J Classif 1985"
    ),
    grain="one row per subset, encoding and k",
    key=("subset", "encoding", "k"),
    columns={
        **KEYS,
        "k": "clusters",
        "n_patients": "patients clustered",
        "n_distinct": "distinct sequences among them",
        "inertia": "sum of squared distances to the means (published), or distances to the medoids",
        "elbow": "how far the inertia lies below the line from k = 1 to the last k; largest at the "
        "elbow",
        "silhouette": "mean silhouette, -1 to 1; NULL for one cluster",
        "silhouette_by_chance": "highest of sequences with organs drawn at random",
        "aic": "Akaike's criterion of the organs at each place, given the cluster",
        "bic": "Bayes' criterion of the same",
        "concordance": "Harrell's concordance of overall survival with the clusters",
        "stability_ari": "mean adjusted Rand index with clusters of bootstrap samples: 1 alike",
        "stability_ari_lower": "its 5 % quantile over the samples",
        "is_stable": "the mean is at least 0.8",
        "is_beyond_chance": "the silhouette is more than 0.05 above that of random sequences",
        "is_chosen": "this number of clusters is used",
        "null_reason": "why there are no clusters; NULL where there are",
    },
    tags=("public",),
)
MEMBER = TableDoc(
    name="analysis.progression_cluster_member",
    description=(
        "The cluster of each patient by either encoding.\n"
        "Why: to see what the choice of the encoding changes.\n"
        "Caveats: as analysis.progression_cluster.\n" + _WHERE
    ),
    grain="one row per patient_id, subset and encoding",
    key=("patient_id", "subset", "encoding"),
    columns={
        "patient_id": "text id of the patient",
        **KEYS,
        "cluster": "number, 1 is the largest; 0 for patients without a progressive organ",
        "cluster_name": "name from what is in it",
    },
    tags=("public",),
)
CLUSTER = TableDoc(
    name="analysis.progression_cluster",
    description=(
        "The cluster of each patient's progression sequence.\n"
        "Why: what survival, intervals, treatments and predictions are compared by.\n"
        "How: of the encoding that sequences.encoding names. Patients without a progressive organ "
        "are level 0, 'No progression', and are not clustered unless sequences.no_progression "
        "says so.\n"
        "Caveats: a cluster is known only when the scans have ended. Who died early, or was "
        "followed briefly, had less time for a second organ: survival from the first dose by "
        "cluster is biased (guarantee time); analysis.progression_landmark has the groups as they "
        "could be known on a day.\n" + _WHERE
    ),
    grain="one row per patient_id and subset",
    key=("patient_id", "subset"),
    columns={
        "patient_id": "text id of the patient",
        "subset": SUBSET,
        "cluster": "number, 1 is the largest; 0 for patients without a progressive organ",
        "cluster_name": "name from what is in it: analysis.progression_cluster_content",
    },
    tags=("public",),
)
CONTENT = TableDoc(
    name="analysis.progression_cluster_content",
    description=(
        "What is in a cluster, and why it is called so.\n"
        "Why: names come from rules, and the rule stands beside the name.\n"
        "How: Mono-Organ when 90 % have one progressive organ; Hetero-Organ from a mean of "
        "sequences.hetero_organs; two organs when each progressed in 75 %; an organ when it was "
        "first in half; else Other-First. In the second round the organ that holds the first "
        "(second, third) place in half.\n" + _WHERE
    ),
    grain="one row per subset, encoding and cluster",
    key=("subset", "encoding", "cluster"),
    columns={
        **KEYS,
        "cluster": "number, 1 is the largest; 0: without a progressive organ",
        "cluster_name": "name",
        "named_by": "the rule that named it, and the share that met it",
        "n_patients": "patients",
        "share_one_organ": "share with one progressive organ",
        "mean_organs": "mean number of progressive organs",
        "first_organ": "organ that progressed first in most; NULL without one",
        "first_organ_share": "share in which it did",
        "common_sequence": "the most frequent sequence",
        "common_sequence_share": "share that has it",
        "stability_jaccard": "mean of the largest Jaccard similarity with a cluster of a bootstrap "
        "sample: 0.75 and more is stable, below 0.6 is not (Hennig 2007)",
    },
    tags=("public",),
)
LANDMARK = TableDoc(
    name="analysis.progression_landmark",
    description=(
        "What was known of a patient's progression on a day, for patients alive and under "
        "observation then.\n"
        "Why: groups by a later course ('first progression in the liver') contain their members' "
        "survival up to it. Grouped by what had happened up to a landmark and followed from there, "
        "they do not (Anderson, Cain and Gelber 1983).\n"
        "How: the sequence up to and with the landmark; its cluster is the one with the nearest "
        "centre of the clusters of all sequences. Patients with overall survival beyond the "
        "landmark count.\n"
        "Caveats: the centres come from the whole follow-up, so the clusters themselves are not "
        "free of it; first_organ and n_progressive_organs are. Who was no longer scanned before "
        "the landmark counts as far as was seen.\n"
        "Reference: Anderson et al., J Clin Oncol 1983; Zhou et al., Nat Commun 2023, Fig. 4b"
    ),
    grain="one row per patient_id, subset and landmark_days",
    key=("patient_id", "subset", "landmark_days"),
    columns={
        "patient_id": "text id of the patient",
        "subset": "all; where there are several tumor types, each by itself",
        "landmark_days": "day from first dose: sequences.landmarks",
        "first_organ": "organ that had progressed first; NULL where none had",
        "n_progressive_organs": "organs that had progressed",
        "cluster": "number of the nearest cluster; 0 where nothing had progressed (unless such "
        "patients were clustered); NULL without clusters",
        "cluster_name": "its name",
        "days_after": "days from the landmark to death or censoring",
        "is_death": "the patient died; else censored",
    },
    tags=("public",),
)
TABLES = (CHOICE, MEMBER, CLUSTER, CONTENT, LANDMARK)

CHOICE_TYPES = {
    **dict.fromkeys(("subset", "encoding"), TEXT),
    **dict.fromkeys(("k", "n_patients", "n_distinct"), COUNT),
    **dict.fromkeys(("inertia", "elbow", "silhouette", "silhouette_by_chance"), NUMBER),
    **dict.fromkeys(("aic", "bic", "concordance", "stability_ari", "stability_ari_lower"), NUMBER),
    **dict.fromkeys(("is_stable", "is_beyond_chance", "is_chosen"), FLAG),
    "null_reason": TEXT,
}
MEMBER_TYPES = {
    **dict.fromkeys(("patient_id", "subset", "encoding"), TEXT),
    "cluster": COUNT,
    "cluster_name": TEXT,
}
CLUSTER_TYPES = {name: kind for name, kind in MEMBER_TYPES.items() if name != "encoding"}
CONTENT_TYPES = {
    **dict.fromkeys(("subset", "encoding"), TEXT),
    "cluster": COUNT,
    **dict.fromkeys(("cluster_name", "named_by"), TEXT),
    "n_patients": COUNT,
    **dict.fromkeys(("share_one_organ", "mean_organs"), NUMBER),
    "first_organ": TEXT,
    "first_organ_share": NUMBER,
    "common_sequence": TEXT,
    **dict.fromkeys(("common_sequence_share", "stability_jaccard"), NUMBER),
}
LANDMARK_TYPES = {
    **dict.fromkeys(("patient_id", "subset"), TEXT),
    "landmark_days": NUMBER,
    "first_organ": TEXT,
    **dict.fromkeys(("n_progressive_organs", "cluster"), COUNT),
    "cluster_name": TEXT,
    "days_after": NUMBER,
    "is_death": FLAG,
}
