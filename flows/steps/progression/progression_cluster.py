"""Clusters of progression sequences (Zhou 2023, Fig. 4a, S7 and S9)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, get_args

import pyarrow as pa

from flows.steps.progression.parts import NO_PROGRESSION
from warehouse.declarations import declared
from warehouse.registry import StepContext, step
from warehouse.result_tables import nulls

if TYPE_CHECKING:
    from flows.steps.progression.parts.read import Subset
    from udfs.progression import Clustering, Options, Sequences

CHOICE = declared("analysis.progression_cluster_choice")
MEMBER = declared("analysis.progression_cluster_member")
CLUSTER = declared("analysis.progression_cluster")
CONTENT = declared("analysis.progression_cluster_content")
LANDMARK = declared("analysis.progression_landmark")
TABLES = (CHOICE, MEMBER, CLUSTER, CONTENT, LANDMARK)


@dataclass
class _Rows:
    """Rows of the tables, as they come."""

    choice: list[dict[str, Any]] = field(default_factory=list)
    member: list[dict[str, Any]] = field(default_factory=list)
    content: list[dict[str, Any]] = field(default_factory=list)
    landmark: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class _Found:
    """The clusters of one subset by one encoding."""

    clustering: Clustering
    patients: list[str]
    names: list[str]
    """(k,)"""


@step(
    name="progression_cluster",
    reads=(
        "analysis.progression_sequence",
        "analysis.progression_patient",
        "core.patient",
        "core.study",
        "core.organ",
    ),
    writes=TABLES,
    settings=(
        "rules.rule_set",
        "progression.event_source",
        "progression.sites",
        "progression.encoding",
        "progression.half_life_days",
        "progression.counts_from",
        "progression.k",
        "progression.k_max",
        "progression.k_rule",
        "progression.starts",
        "progression.resamples",
        "progression.shuffles",
        "progression.no_progression",
        "progression.hetero_organs",
        "progression.fewest_patients",
        "progression.landmarks",
    ),
)
def progression_cluster(context: StepContext) -> dict[str, pa.Table]:
    """Clusters of every subset by both encodings, their choice, contents and landmarks.

    Raises:
        LesionsError: a setting is out of range.
    """
    from flows.steps.progression.parts.read import landmark_days, organ_names, read_subsets
    from udfs.progression.cluster import Encoding

    names, days = organ_names(context), landmark_days(context)
    rows = _Rows()
    for subset in read_subsets(context):
        _say_sites(context, subset)
        for encoding in get_args(Encoding):
            found = _cluster(context, subset, subset.name, encoding, names, rows)
            _second_round(context, subset, found, encoding, names, rows)
            if encoding == context.setting("progression.encoding"):
                is_own = context.setting("progression.no_progression") == "own_level"
                rows.landmark += _landmarks(subset, found, days, is_own)
    chosen = context.setting("progression.encoding")
    return {
        CHOICE.name: context.table(CHOICE.name, rows.choice),
        MEMBER.name: context.table(MEMBER.name, rows.member),
        CLUSTER.name: context.table(
            CLUSTER.name,
            [
                {name: row[name] for name in CLUSTER.columns}
                for row in rows.member
                if row["encoding"] == chosen
            ],
        ),
        CONTENT.name: context.table(CONTENT.name, rows.content),
        LANDMARK.name: context.table(LANDMARK.name, rows.landmark),
    }


def _options(context: StepContext, encoding: str) -> Options:
    from udfs.progression import Options

    return Options(
        encoding=encoding,  # type: ignore[arg-type]
        k_max=context.setting("progression.k_max"),
        k=context.setting("progression.k"),
        rule=context.setting("progression.k_rule"),
        starts=context.setting("progression.starts"),
        samples=context.setting("progression.resamples"),
        shuffles=context.setting("progression.shuffles"),
        half_life_days=context.setting("progression.half_life_days"),
        counts_from=context.setting("progression.counts_from"),
    )


def _say_sites(context: StepContext, subset: Subset) -> None:
    organs = subset.sequences.organ
    if context.setting("progression.sites") == "organ" and organs.size == 1:
        context.note(
            f"{subset.name}: {organs[0]} is the only organ that progressed, so there is no order "
            "of organs. progression.sites = 'lesion' in lesions.toml takes its lesions one by one."
        )


def _cluster(
    context: StepContext,
    subset: Subset,
    name: str,
    encoding: str,
    display: dict[str, str],
    rows: _Rows,
    members: Sequences | None = None,
) -> _Found | None:
    """Clusters a subset, or some of its patients in the second round."""
    from flows.libraries import load_scikit_learn
    from flows.steps.progression.parts.read import with_empty
    from udfs.progression import cluster_sequences, describe_clusters, n_points

    is_second = members is not None
    sequences = subset.sequences if members is None else members
    alone = subset.patients.iloc[:0] if is_second else _without(subset)
    if not is_second and context.setting("progression.no_progression") == "clustered":
        sequences, alone = with_empty(subset), subset.patients.iloc[:0]
    key = {"subset": name, "encoding": encoding}
    n, n_distinct = len(sequences.patient), len(set(sequences.text()))
    fewest = context.setting("progression.fewest_patients")
    options = _options(context, encoding)
    if is_second and options.k:
        options = replace(options, k=0)
    reason = None
    if n < fewest:
        who = "patient" if n == 1 else "patients"
        reason = f"{n} {who} with a progression; progression.fewest_patients is {fewest}"
    elif n_distinct < 3:
        reason = f"its {n} sequences are of {n_distinct} kinds only"
    elif n_points(sequences, options) < 2:
        reason = f"progression.half_life_days tells none of its {n} sequences apart"
    if reason is not None:
        rows.choice.append(
            {
                **nulls(CHOICE.columns),
                **key,
                "k": 1,
                "n_patients": n,
                "n_distinct": n_distinct,
                "is_chosen": False,
                "is_stable": False,
                "is_beyond_chance": False,
                "null_reason": reason,
            }
        )
        if encoding == context.setting("progression.encoding"):
            context.note(f"{name}: no clusters of progression sequences: {reason}.")
        return None
    load_scikit_learn()
    time, event = subset.survival(sequences.patient)
    if options.rule == "concordance" and not event[time == time].any():
        context.note(
            f"{name}: no death, so progression.k_rule = 'silhouette' in place of concordance."
        )
    found = cluster_sequences(sequences, options, seed=context.seed % 2**31, time=time, event=event)
    contents = describe_clusters(
        sequences,
        found.chosen.label,
        hetero_organs=context.setting("progression.hetero_organs"),
        display=display,
        by_place=is_second,
    )
    rows.choice += _choice_rows(key, found, n)
    patients = [str(p) for p in sequences.patient]
    for patient, label in zip(patients, found.chosen.label.tolist(), strict=True):
        named = {"cluster": label + 1, "cluster_name": contents[label].name}
        rows.member.append({"patient_id": patient, **key, **named})
    for patient in alone["patient_id"]:
        level = {"cluster": 0, "cluster_name": NO_PROGRESSION}
        rows.member.append({"patient_id": patient, **key, **level})
    if len(alone):
        level = {"cluster": 0, "cluster_name": NO_PROGRESSION, "n_patients": len(alone)}
        level |= {"named_by": "no organ progressed", "mean_organs": 0.0, "share_one_organ": 0.0}
        rows.content.append({**nulls(CONTENT.columns), **key, **level})
    for c, content in enumerate(contents):
        described = vars(content).copy()
        del described["name"], described["reason"]
        described |= {"cluster": c + 1, "cluster_name": content.name, "named_by": content.reason}
        described |= {"stability_jaccard": float(found.chosen.stability.jaccard[c])}
        described |= {"first_organ": content.first_organ or None}
        rows.content.append({**key, **described})
    if encoding == context.setting("progression.encoding"):
        _say_doubts(context, name, found, options)
    return _Found(found, patients, [content.name for content in contents])


def _say_doubts(context: StepContext, name: str, found: Clustering, options: Options) -> None:
    k, stability = found.chosen.k, found.chosen.stability
    if options.k > k:
        context.note(f"{name}: progression.k is {options.k}, but there are {k} distinct sequences.")
    if k == 1:
        return
    doubts = []
    if stability.ari.size and not found.is_stable:
        ari = stability.mean_ari
        doubts.append(f"bootstrap samples do not find them again (adjusted Rand index {ari:.2f})")
    if not found.is_beyond_chance:
        doubts.append("random sequences cluster as well")
    if doubts:
        context.note(f"{name}: {k} clusters of sequences, but {' and '.join(doubts)}.")


def _choice_rows(key: dict[str, str], found: Clustering, n: int) -> list[dict[str, Any]]:
    import numpy as np

    rows = []
    for one in found.candidates:
        ari = one.stability.ari
        rows.append(
            {
                **key,
                "n_patients": n,
                "n_distinct": found.n_distinct,
                **{
                    column: getattr(one, column)
                    for column in ("k", "inertia", "elbow", "silhouette", "silhouette_by_chance")
                },
                **{column: getattr(one, column) for column in ("aic", "bic", "concordance")},
                "stability_ari": one.stability.mean_ari,
                "stability_ari_lower": float(np.quantile(ari, 0.05)) if ari.size else None,
                "is_stable": one.is_stable,
                "is_beyond_chance": one.is_beyond_chance,
                "is_chosen": one is found.chosen,
                "null_reason": None,
            }
        )
    return rows


def _without(subset: Subset) -> Any:
    """Patients without a progression."""
    return subset.patients[subset.patients["n_progressive_organs"] == 0]


def _second_round(
    context: StepContext,
    subset: Subset,
    found: _Found | None,
    encoding: str,
    display: dict[str, str],
    rows: _Rows,
) -> None:
    """Clusters the patients with many progressive organs by themselves (Fig. S9)."""
    import numpy as np

    if found is None:
        return
    hetero = [c for c, name in enumerate(found.names) if name.startswith("Hetero-Organ")]
    sequences = subset.sequences
    if hetero:
        label = found.clustering.chosen.label
        chosen = {p for p, c in zip(found.patients, label.tolist(), strict=True) if c in hetero}
        keep = np.array([p in chosen for p in sequences.patient.tolist()])
    else:
        keep = sequences.n_organs >= context.setting("progression.hetero_organs")
    members = sequences.take(keep)
    _cluster(context, subset, subset.second_round, encoding, display, rows, members)


def _landmarks(
    subset: Subset, found: _Found | None, days: list[float], is_own_level: bool
) -> list[dict[str, Any]]:
    """Rows of every patient alive and observed beyond each landmark; those without a progression
    are level 0, or of the cluster nearest to an empty sequence where such were clustered.
    """
    from flows.steps.progression.parts.read import with_empty

    everyone = with_empty(subset)
    time, event = subset.survival(everyone.patient)
    rows = []
    for day in days:
        beyond = time > day
        known = everyone.take(beyond).until(day)
        cluster: list[int | None] = [None] * len(known.patient)
        if found is not None:
            cluster = (found.clustering.assign(known) + 1).tolist()
        count = known.n_organs.tolist()
        for i, patient in enumerate(known.patient.tolist()):
            is_level_0 = count[i] == 0 and found is not None and is_own_level
            label = 0 if is_level_0 else cluster[i]
            name = None
            if found is not None and label is not None:
                name = NO_PROGRESSION if label == 0 else found.names[label - 1]
            rows.append(
                {
                    "patient_id": patient,
                    "subset": subset.name,
                    "landmark_days": day,
                    "first_organ": str(known.organ[known.order[i, 0]]) if count[i] else None,
                    "n_progressive_organs": count[i],
                    "cluster": label,
                    "cluster_name": name,
                    "days_after": float(time[beyond][i] - day),
                    "is_death": bool(event[beyond][i]),
                }
            )
    return rows
