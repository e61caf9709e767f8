"""The lesions at risk: which there are, and which are left out by which rule."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from flows.steps.hazards.parts.rules import KINDS, Rules
from warehouse.registry import StepContext

ENDPOINTS = ("response", "progression")
MODELLED, SEEN = "modelled", "observed"
MERGED_ORGAN = "other"
MERGED_LEVEL = "other levels"

LESIONS = """
SELECT
    event.endpoint,
    event.lesion_id,
    event.patient_id,
    event.organ,
    event.lesion_type,
    event.source,
    event.time_days,
    event.is_event,
    event.censor_reason,
    study.tumor_type,
    patient.treatment_class{covariates}
FROM analysis.lesion_event AS event
LEFT JOIN core.patient AS patient ON event.patient_id = patient.patient_id
LEFT JOIN core.study AS study ON patient.study_id = study.study_id
WHERE
    event.rule_set = '{rule_set}'
    AND (
        event.source = 'observed'
        OR (event.source = '{target_source}' AND event.lesion_type = 'target')
    )
QUALIFY row_number() OVER (
    PARTITION BY event.lesion_id, event.endpoint ORDER BY event.source = '{target_source}' DESC
) = 1
ORDER BY event.endpoint, event.lesion_id
"""

CANNOT_HAVE_EVENT = (
    "no_baseline",
    "no_baseline_diameter",
    "no_baseline_volume",
    "detection_day_unknown",
    "detected_before_treatment",
    "equivocal",
    "not_found",
    "not_evaluable",
    "no_tumor",
    "baseline_zero",
    "no_assessment_after_baseline",
)
"""Reasons of analysis.lesion_event for which no event could have been seen."""


@dataclass(frozen=True)
class LeftOut:
    """Lesions of one endpoint and stratum that a rule leaves out of the models."""

    endpoint: str
    stratum: str
    model: str
    rule: str
    level: str
    n_lesions: int
    n_events: int


def read_lesions(context: StepContext, rules: Rules, source: str) -> pd.DataFrame:
    """One row per lesion and endpoint, with the patient's covariates as columns.

    Factors are texts, None where not known; ``patient`` numbers the patients, -1 where not known.

    Args:
        context: of the step.
        rules: which covariates there may be.
        source: of the times of target lesions, where they have one; else observed.
    """
    wanted = rules.possible_candidates()
    columns = ", ".join(
        f"CAST(patient.{name} AS {'DOUBLE' if KINDS[name] == 'numeric' else 'VARCHAR'}) AS {name}"
        for name in wanted
    )
    frame = context.frame(
        LESIONS.format(
            covariates=f",\n    {columns}" if columns else "",
            rule_set=context.setting("rules.rule_set"),
            target_source=source,
        )
    )
    frame["is_event"] = frame["is_event"].fillna(False).astype(bool)
    known = frame["patient_id"].notna()
    frame["patient"] = -1
    frame.loc[known, "patient"] = np.unique(
        frame.loc[known, "patient_id"].to_numpy(dtype=str), return_inverse=True
    )[1]
    return frame


def at_risk(frame: pd.DataFrame, endpoint: str, rules: Rules) -> tuple[pd.DataFrame, list[LeftOut]]:
    """The endpoint's lesions that can be at risk, and how many were left out by each rule."""
    rows = frame[frame["endpoint"] == endpoint]
    reason = np.full(len(rows), "", dtype=object)
    is_new = (rows["lesion_type"] == "new").to_numpy()
    is_event = rows["is_event"].to_numpy()
    days = rows["time_days"].to_numpy(dtype=float)
    # Measured from a volume before day 0, a curve can meet a rule on day 0 itself.
    is_at_once = is_event & (days == 0) & (rows["source"] == MODELLED).to_numpy()
    organ = rows["organ"]
    for name, applies in (
        ("unknown patient", (rows["patient"] < 0).to_numpy()),
        ("unknown organ", (organ.isna() | (organ == "unknown")).to_numpy()),
        ("new lesion", is_new & (not rules.has_new_lesions)),
        ("new lesion that does not count", is_new & ~is_event),
        ("no event possible", rows["censor_reason"].isin(CANNOT_HAVE_EVENT).to_numpy() & ~is_event),
        ("no day after the first dose", ~(days > 0) & ~is_at_once),
    ):
        reason[applies & (reason == "")] = name
    out = [
        LeftOut(endpoint, "all", "any", name, "", int(chosen.sum()), int(is_event[chosen].sum()))
        for name in dict.fromkeys(reason[reason != ""])
        if (chosen := reason == name).any()
    ]
    return rows[reason == ""].reset_index(drop=True), sorted(out, key=lambda o: o.rule)


def events_by(frame: pd.DataFrame, column: str) -> pd.Series:
    """Number of events of each level, 0 included, by level."""
    code, levels = pd.factorize(frame[column], sort=True)
    known = code >= 0
    n_events = np.bincount(code[known], frame["is_event"].to_numpy()[known], len(levels))
    return pd.Series(n_events.astype(int), index=levels)


def without_rare_organs(
    frame: pd.DataFrame, rules: Rules, unusable: frozenset[str], kept: str | None = None
) -> tuple[pd.DataFrame, dict[str, str]]:
    """The lesions of organs that can be told, and what became of the others, by organ.

    Args:
        frame: lesions.
        rules: how few events are too few, and whether organs are merged.
        unusable: organs left out whatever their events.
        kept: an organ that stays whatever its events.
    """
    events = events_by(frame, "organ")
    rare = [
        str(o) for o, n in events.items() if (n < rules.least_events or o in unusable) and o != kept
    ]
    if not rare:
        return frame, {}
    fate = dict.fromkeys(rare, "left out")
    if rules.merges_rare_organs:
        members = {*rare, MERGED_ORGAN} - unusable
        n_events = int(events[events.index.isin(members)].sum())
        if n_events >= rules.least_events:
            fate |= {o: "merged" for o in rare if o in members and o != MERGED_ORGAN}
            fate = {o: what for o, what in fate.items() if o != MERGED_ORGAN}
            frame = frame.assign(
                organ=frame["organ"].where(~frame["organ"].isin(members), MERGED_ORGAN)
            )
    gone = [o for o, what in fate.items() if what == "left out"]
    return frame[~frame["organ"].isin(gone)].reset_index(drop=True), fate


def choose_reference(frames: dict[str, pd.DataFrame], rules: Rules) -> str | None:
    """The organ that all endpoints' organs are compared with: the first of those wanted, or the one
    with most lesions, among those that have events enough for each endpoint; None without any."""
    enough = [
        {str(o) for o, n in events_by(frame, "organ").items() if n >= rules.least_events}
        for frame in frames.values()
        if len(frame)
    ]
    enough = [organs for organs in enough if organs]
    if not enough:
        return None
    shared = set.intersection(*enough) or enough[0]
    for organ in rules.reference_organs:
        if organ in shared:
            return organ
    count: dict[str, int] = dict.fromkeys(sorted(shared), 0)
    for frame in frames.values():
        for organ, n in frame["organ"].value_counts().items():
            if organ in count:
                count[str(organ)] += int(n)
    return max(sorted(count), key=lambda organ: count[organ])


def say_what_is_left_out(context: StepContext, left_out: list[LeftOut]) -> None:
    """One note for each rule that leaves lesions out of all models."""
    by_rule: dict[str, list[LeftOut]] = {}
    for one in left_out:
        by_rule.setdefault(one.rule, []).append(one)
    for rule, found in by_rule.items():
        counts = ", ".join(f"{one.n_lesions} of {one.endpoint}" for one in found)
        context.note(f"hazards leave out lesions ({rule}): {counts}")
