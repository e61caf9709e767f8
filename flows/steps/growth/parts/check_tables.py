"""The tables of the step ``growth_check``."""

from __future__ import annotations

from warehouse.declarations import declared

RESIDUAL = declared("analysis.growth_residual")
VPC = declared("analysis.growth_vpc")
FIT_CHECK = declared("analysis.growth_fit_check")
LESION_PARAMETER = declared("analysis.growth_lesion_parameter")
DRAW = declared("analysis.growth_draw")
TABLES = (RESIDUAL, VPC, FIT_CHECK, LESION_PARAMETER, DRAW)
