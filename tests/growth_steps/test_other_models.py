"""Tables that hold parameters take those of every shipped model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from udfs.growth import MODELS

SUITES = Path(__file__).parents[2] / "expectations"


@pytest.mark.parametrize("model", sorted(set(MODELS) - {"two_population"}))
def test_no_figure_refuses_a_models_parameters(model: str) -> None:
    """A suite that refuses them stops the whole run (mart.fig_growth_distribution reads columns
    that other models leave empty)."""
    names = {one.name for one in MODELS[model]().parameters}
    checked = 0
    for path in sorted(SUITES.glob("*growth*.json")):
        if path.stem == "mart.fig_growth_distribution":
            continue
        for check in json.loads(path.read_text())["expectations"]:
            kwargs = check["kwargs"]
            if kwargs.get("column") == "parameter" and "value_set" in kwargs:
                assert names <= set(kwargs["value_set"]), path.stem
                checked += 1
    assert checked > 0
