"""Response rates of groups of patients with exact limits."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from flows.steps.survival.survival import confidence_level
from warehouse.declarations import declared
from warehouse.registry import StepContext, step

METHOD = "Clopper-Pearson"
MEMBERS = """
WITH taking_part AS (
    SELECT DISTINCT patient.study_id
    FROM analysis.best_overall_response AS best
    INNER JOIN core.patient AS patient ON best.patient_id = patient.patient_id
),

best AS (
    SELECT
        patient.patient_id,
        coalesce(best.basis, endpoint.basis) AS basis,
        coalesce(best.best_overall_response, 'NE') AS unconfirmed,
        coalesce(best.confirmed_best_overall_response, 'NE') AS confirmed,
        coalesce(best.n_assessments, 0) AS n_assessments
    FROM analysis.patient_endpoint AS endpoint
    INNER JOIN core.patient AS patient ON endpoint.patient_id = patient.patient_id
    INNER JOIN taking_part ON patient.study_id = taking_part.study_id
    LEFT JOIN analysis.best_overall_response AS best
        ON endpoint.patient_id = best.patient_id AND best.is_counted_reader
    WHERE endpoint.endpoint = 'TTR' AND endpoint.is_counted
    QUALIFY row_number() OVER (
        PARTITION BY patient.patient_id ORDER BY best.basis = endpoint.basis DESC NULLS LAST
    ) = 1
),

grouped AS (
    SELECT
        patient.patient_id,
        unnest([
            struct_pack(subset := 'all', grouping := 'all', group_name := 'all'),
            struct_pack(subset := 'all', grouping := 'treatment', group_name := patient.treatment),
            struct_pack(
                subset := 'all',
                grouping := 'treatment class',
                group_name := patient.treatment_class
            ),
            struct_pack(
                subset := 'study ' || patient.study_id, grouping := 'all', group_name := 'all'
            ),
            struct_pack(
                subset := 'study ' || patient.study_id, grouping := 'arm', group_name := patient.arm
            ),
            struct_pack(
                subset := 'study ' || patient.study_id, grouping := 'sex', group_name := patient.sex
            ),
            struct_pack(
                subset := 'study ' || patient.study_id,
                grouping := 'age',
                group_name := CASE
                    WHEN patient.age_years < 65 THEN 'under 65'
                    WHEN patient.age_years >= 65 THEN '65 and over'
                END
            ),
            struct_pack(
                subset := 'study ' || patient.study_id,
                grouping := 'KRAS',
                group_name := patient.kras_status
            )
        ]) AS place
    FROM core.patient AS patient
)

SELECT
    grouped.place.subset AS subset,
    grouped.place.grouping AS grouping,
    grouped.place.group_name AS group_name,
    definition.definition,
    measure.measure,
    count(*) AS n,
    count(*) FILTER (
        list_contains(
            string_split(measure.responses, ' '),
            CASE definition.definition
                WHEN 'confirmed' THEN best.confirmed
                ELSE best.unconfirmed
            END
        )
    ) AS n_responders,
    count(*) FILTER (best.unconfirmed = 'NE') AS n_not_evaluable,
    count(*) FILTER (best.n_assessments = 0 AND best.unconfirmed = 'NE') AS n_not_assessed,
    count(*) FILTER (best.basis = 'stated') AS n_stated
FROM grouped
INNER JOIN best ON grouped.patient_id = best.patient_id
CROSS JOIN (VALUES ('unconfirmed'), ('confirmed')) AS definition (definition)
CROSS JOIN (
    VALUES ('ORR', 'CR PR'), ('DCR', 'CR PR SD NON-CR/NON-PD')
) AS measure (measure, responses)
WHERE grouped.place.group_name IS NOT NULL
GROUP BY ALL
ORDER BY ALL
"""

RESPONSE_RATE = declared("analysis.response_rate")


@step(
    name="response_rate",
    reads=("analysis.patient_endpoint", "analysis.best_overall_response", "core.patient"),
    writes=(RESPONSE_RATE,),
    settings=("endpoints.confidence",),
)
def response_rate(context: StepContext) -> dict[str, pa.Table]:
    """Rates of every group that has patients.

    Raises:
        LesionsError: endpoints.confidence is out of range.
    """
    from udfs.comparisons import clopper_pearson

    confidence = confidence_level(context, "endpoints.confidence")
    rows: list[dict[str, Any]] = []
    for row in context.arrow(MEMBERS).to_pylist():
        found = clopper_pearson(row["n_responders"], row["n"], confidence=confidence)
        limits = {"rate": found.share, "lower": found.lower, "upper": found.upper}
        rows.append({**row, **limits, "confidence": confidence, "method": METHOD})
    return {RESPONSE_RATE.name: context.table(RESPONSE_RATE.name, rows)}
