"""Hazards of response and of progression by organ, with a random effect of the patient."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from flows.steps.hazards.hazard_tables import SETTINGS, TABLES
from warehouse.registry import StepContext, step


@step(
    name="hazard",
    reads=("analysis.lesion_event", "analysis.patient_endpoint", "core.patient", "core.study"),
    writes=TABLES,
    settings=("rules.rule_set", *SETTINGS, "survival.confidence", "survival.interval"),
)
def hazard(context: StepContext) -> dict[str, pa.Table]:
    """Hazard models of a project's lesions, the organs' phenotypes, and survival by these.

    Raises:
        LesionsError: a setting is out of range.
    """
    from flows.steps.hazards.parts.groups import patient_phenotypes, phenotype_survival
    from flows.steps.hazards.parts.lesions import (
        ENDPOINTS,
        MODELLED,
        SEEN,
        at_risk,
        read_lesions,
        say_what_is_left_out,
    )
    from flows.steps.hazards.parts.phenotypes import phenotype_rows
    from flows.steps.hazards.parts.prepared import OBSERVED
    from flows.steps.hazards.parts.rows import left_out_rows, model_rows
    from flows.steps.hazards.parts.rules import read_rules
    from flows.steps.hazards.parts.strata import analyse

    rules = read_rules(context)
    lesions = read_lesions(context, rules, rules.event_source)
    frames, observed, left_out = {}, None, []
    for endpoint in ENDPOINTS:
        frames[endpoint], gone = at_risk(lesions, endpoint, rules)
        left_out += gone
    say_what_is_left_out(context, left_out)
    if (lesions["source"] == MODELLED).any():
        observed, seen = {}, read_lesions(context, rules, SEEN)
        for endpoint in ENDPOINTS:
            observed[endpoint], gone = at_risk(seen, endpoint, rules)
            left_out += [replace(one, model=OBSERVED) for one in gone]
    elif rules.event_source == MODELLED and (lesions["lesion_type"] == "target").any():
        context.note(
            "hazards are of observed times: no target lesion has a modelled one "
            "(hazards.event_source, analysis.modelled_event)"
        )
    outcome = analyse(frames, observed, rules, context.note)
    outcome.left_out[:0] = left_out
    phenotypes = phenotype_rows(outcome, rules, context.note)
    members = patient_phenotypes(lesions, phenotypes)
    found = {
        **model_rows(outcome, lesions, rules),
        "analysis.hazard_exclusion": left_out_rows(outcome.left_out),
        "analysis.organ_phenotype": phenotypes,
        "analysis.patient_phenotype": members,
        "analysis.phenotype_survival": phenotype_survival(context, members),
    }
    return {table.name: found[table.name] for table in TABLES}
