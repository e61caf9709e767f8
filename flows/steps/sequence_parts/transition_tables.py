"""Tables of the step ``organ_transition``."""

from __future__ import annotations

from warehouse.declarations import declared

TRANSITION = declared("analysis.organ_transition")
INCIDENCE = declared("analysis.organ_incidence")
SUMMARY = declared("analysis.organ_incidence_summary")
TABLES = (TRANSITION, INCIDENCE, SUMMARY)
