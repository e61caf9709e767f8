"""Joint models: growth of lesions and survival of their patients.

``lesions`` holds the curves, ``links`` what of them the hazard depends on, ``hazards`` the baseline
and its nodes in time, ``likelihood`` the exact likelihood of events over draws of the curves.
"""

from udfs.joint.errors import JointDataError
from udfs.joint.events import Events
from udfs.joint.hazards import Piecewise, Weibull, baseline_of
from udfs.joint.lesions import Lesions, time_to_growth
from udfs.joint.likelihood import EventModel, EventSums, LinkDraws
from udfs.joint.links import LINKS, link_labels, link_values, organ_hazard_ratio

__all__ = [
    "LINKS",
    "EventModel",
    "EventSums",
    "Events",
    "JointDataError",
    "Lesions",
    "LinkDraws",
    "Piecewise",
    "Weibull",
    "baseline_of",
    "link_labels",
    "link_values",
    "organ_hazard_ratio",
    "time_to_growth",
]
