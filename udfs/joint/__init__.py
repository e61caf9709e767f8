"""Joint models: growth of lesions and survival of their patients.

``lesions`` holds the curves, ``links`` what of them the hazard depends on, ``hazards`` the baseline
and its nodes in time, ``likelihood`` the exact likelihood of events over draws of the curves.
``draws`` draws the curves given sizes, ``estimate`` fits the hazard, ``dynamic`` predicts at a
landmark, ``accuracy`` judges predictions, ``tgi`` has metrics of curves and survival regressed on
them.
"""

from udfs.joint.draws import CurveDraws, draw_curves
from udfs.joint.errors import JointDataError
from udfs.joint.estimate import (
    JointFit,
    LinkTest,
    Longitudinal,
    fit_events,
    fit_joint,
    lesions_of,
    link_tests,
    organ_groups,
    prepare_model,
)
from udfs.joint.events import Events
from udfs.joint.hazards import Piecewise, Weibull, baseline_of
from udfs.joint.lesions import Lesions, time_to_growth
from udfs.joint.likelihood import EventModel, EventSums, LinkDraws
from udfs.joint.links import LINKS, link_labels, link_values, organ_hazard_ratio

__all__ = [
    "LINKS",
    "CurveDraws",
    "EventModel",
    "EventSums",
    "Events",
    "JointDataError",
    "JointFit",
    "Lesions",
    "LinkDraws",
    "LinkTest",
    "Longitudinal",
    "Piecewise",
    "Weibull",
    "baseline_of",
    "draw_curves",
    "fit_events",
    "fit_joint",
    "lesions_of",
    "link_labels",
    "link_tests",
    "link_values",
    "organ_groups",
    "organ_hazard_ratio",
    "prepare_model",
    "time_to_growth",
]
