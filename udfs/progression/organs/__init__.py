"""Which organs go together, where the next one is, and how well that is predicted.

pairs(presence).lift
chain(counts).steady_state
cause_specific(time, cause, x).risk(x, horizon)
risk_accuracy(time, cause, risk, horizon).brier
"""

from udfs.progression.organs.accuracy import (
    NetBenefit,
    RiskAccuracy,
    net_benefit,
    pseudo_values,
    risk_accuracy,
)
from udfs.progression.organs.chain import Chain, chain, first_passage, steady_state
from udfs.progression.organs.pairs import Pair, pairs
from udfs.progression.organs.risk import CauseSpecific, cause_specific

__all__ = [
    "CauseSpecific",
    "Chain",
    "NetBenefit",
    "Pair",
    "RiskAccuracy",
    "cause_specific",
    "chain",
    "first_passage",
    "net_benefit",
    "pairs",
    "pseudo_values",
    "risk_accuracy",
    "steady_state",
]
