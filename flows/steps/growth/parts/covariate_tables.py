"""The tables of the step ``growth_covariate``."""

from __future__ import annotations

from warehouse.declarations import declared

EXTENDED_FIT = declared("analysis.growth_extended_fit")
COVARIATE = declared("analysis.growth_covariate")
COVARIATE_TEST = declared("analysis.growth_covariate_test")
RANDOM_EFFECT = declared("analysis.growth_random_effect")
TABLES = (EXTENDED_FIT, COVARIATE, COVARIATE_TEST, RANDOM_EFFECT)
