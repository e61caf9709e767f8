"""The growth models by the value of the setting ``growth.model``."""

from __future__ import annotations

from udfs.growth.model_base import GrowthModel
from udfs.growth.models import TwoPopulation, growth_model


def model_named(name: str) -> GrowthModel:
    """The model of a value of ``growth.model``.

    Raises:
        ValueError: an unknown name.
    """
    if name == "two_population_flat":
        return TwoPopulation(pretreatment="flat")
    return growth_model(name)
