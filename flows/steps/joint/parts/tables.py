"""The tables of the step ``joint``."""

from __future__ import annotations

from warehouse.declarations import declared

JOINT_FIT = declared("analysis.joint_fit")
JOINT_PARAMETER = declared("analysis.joint_parameter")
JOINT_LINK = declared("analysis.joint_link")
JOINT_FRAILTY = declared("analysis.joint_frailty")
JOINT_RESIDUAL = declared("analysis.joint_residual")
JOINT_CHECK = declared("analysis.joint_check")
JOINT_EXCLUDED = declared("analysis.joint_excluded")
JOINT_MODEL = declared("analysis.joint_model")
TGI_METRIC = declared("analysis.tgi_metric")
TGI_SURVIVAL = declared("analysis.tgi_survival")
TABLES = (
    JOINT_FIT,
    JOINT_PARAMETER,
    JOINT_LINK,
    JOINT_FRAILTY,
    JOINT_RESIDUAL,
    JOINT_CHECK,
    JOINT_EXCLUDED,
    JOINT_MODEL,
    TGI_METRIC,
    TGI_SURVIVAL,
)
