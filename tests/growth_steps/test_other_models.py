"""Tables that hold parameters take those of every shipped model."""

from __future__ import annotations

import pytest

from udfs.growth import MODELS
from warehouse.checks import load_suites
from warehouse.contents import content_folder


@pytest.mark.parametrize("model", sorted(set(MODELS) - {"two_population"}))
def test_no_figure_refuses_a_models_parameters(model: str) -> None:
    """A suite that refuses them stops the whole run (mart.fig_growth_distribution reads columns
    that other models leave empty)."""
    names = {one.name for one in MODELS[model]().parameters}
    checked = 0
    for suite in load_suites(content_folder("expectations")).values():
        if "growth" not in suite.table or suite.table == "mart.fig_growth_distribution":
            continue
        for check in suite.checks:
            if check.kwargs.get("column") == "parameter" and "value_set" in check.kwargs:
                assert names <= set(check.kwargs["value_set"]), suite.table
                checked += 1
    assert checked > 0
