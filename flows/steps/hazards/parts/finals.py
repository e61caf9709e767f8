"""The final models of analysis.hazard_fit, to be fitted again in another way."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from flows.steps.hazards.parts.prepared import Question
from warehouse.registry import StepContext

FINALS = """
SELECT endpoint, stratum, organ_reference, covariates
FROM analysis.hazard_fit
WHERE model = 'final' AND is_primary
ORDER BY endpoint, stratum
"""


def final_models(
    context: StepContext, frames: dict[str, pd.DataFrame], name: str
) -> Iterator[tuple[Question, pd.DataFrame]]:
    """What each final model asks, under another name, and the lesions of its stratum.

    Args:
        context: of a step that reads analysis.hazard_fit.
        frames: of each endpoint, the lesions at risk.
        name: of the models.
    """
    for final in context.frame(FINALS).itertuples(index=False):
        covariates = tuple(name for name in final.covariates.split(", ") if name)
        question = Question(final.endpoint, final.stratum, name, covariates, final.organ_reference)
        yield question, _of_stratum(frames[final.endpoint], final.stratum)


def _of_stratum(frame: pd.DataFrame, stratum: str) -> pd.DataFrame:
    """The lesions of a stratum: of a class of treatment or a tumor type, by its name."""
    if stratum == "all":
        return frame
    chosen = (frame["treatment_class"] == stratum) | (frame["tumor_type"] == stratum)
    return frame[chosen].reset_index(drop=True)
