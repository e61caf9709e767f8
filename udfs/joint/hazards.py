"""Baseline hazards, and nodes in time for their integrals with a link.

The cumulative hazard of patient i in draw m is a sum over nodes in time,

    H_im = int_entry^T h0(s; psi) exp(eta_im(s)) ds = sum_q W_iq(psi) exp(eta_imq),

whose nodes do not depend on the parameters: links there are computed once. ``piecewise`` has
Gauss-Legendre nodes in each piece. The Weibull's t^(k - 1) is singular at 0; from 0 on its weights
are those of product integration, which is exact for t^(k - 1) times a polynomial: with nodes x_q
and weights w_q of Gauss-Legendre on (0, 1) and P_n the shifted Legendre polynomials,

    int_0^1 x^(k - 1) f(x) dx = sum_q w_q f(x_q) sum_n (2 n + 1) P_n(x_q) m_n(k),
    m_n(k) = int_0^1 x^(k - 1) P_n(x) dx = 1/k prod_(j=1..n) (k - j) / (k + j).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from udfs.growth.dropout import cuts_at_events
from udfs.joint.arrays import BoolArray, FloatArray, IntArray

NODES_PER_PIECE = 7
NODES_PER_PART = 15
BEND_DAYS = 165.0
"""Curves bend on [0, 3 / kd], kd being about 1 / 55 d: nodes of the Weibull are put there and on
the rest."""

BaselineKind = Literal["piecewise", "weibull"]


@dataclass(frozen=True)
class TimeNodes:
    """Q nodes in time of each of P patients."""

    days: FloatArray
    """(P, Q) within (entry, time)."""
    width: FloatArray
    """(P, Q) Gauss-Legendre weights in days; 0 for nodes that do not count."""
    piece: IntArray
    """(Q,) piece of time that a node belongs to."""
    starts_at_zero: BoolArray
    """(P,)"""

    def some(self, patients: slice | IntArray) -> TimeNodes:
        """Of some patients."""
        return TimeNodes(
            self.days[patients], self.width[patients], self.piece, self.starts_at_zero[patients]
        )

    def that_count(self) -> TimeNodes:
        """Without the nodes whose width is 0 for everyone."""
        kept = self.width.any(axis=0)
        return TimeNodes(
            self.days[:, kept], self.width[:, kept], self.piece[kept], self.starts_at_zero
        )


@dataclass(frozen=True)
class Expansion:
    """A function of psi with its derivatives; the leading axes are anything."""

    value: FloatArray
    """(...,)"""
    first: FloatArray
    """(..., k)"""
    second: FloatArray
    """(..., k, k)"""


class Baseline(Protocol):
    """What a baseline hazard is asked for."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of psi."""

    def nodes(self, entry: FloatArray, time: FloatArray) -> TimeNodes:
        """Of (P,) patients at risk from ``entry`` to ``time``, days."""

    def weights(self, nodes: TimeNodes, psi: FloatArray) -> Expansion:
        """(P, Q) W: sums of W f are the integrals of h0 f."""

    def log_hazard(self, time: FloatArray, psi: FloatArray) -> Expansion:
        """(P,) log h0."""

    def start(self, entry: FloatArray, time: FloatArray, is_event: BoolArray) -> FloatArray:
        """(k,) where Newton's method may begin: a likely psi without covariates or links."""


def _legendre(lower: FloatArray, upper: FloatArray, count: int) -> tuple[FloatArray, FloatArray]:
    """(P, count) nodes and weights on each patient's interval."""
    x, w = np.polynomial.legendre.leggauss(count)
    half = 0.5 * (upper - lower)[:, None]
    return lower[:, None] + half * (x + 1.0), half * w


@dataclass(frozen=True)
class Piecewise:
    """Constant between cuts: psi is the log hazard per day of each piece.

    An event on a cut belongs to the piece that ends there, so that each piece holds one.
    """

    cuts: FloatArray
    """(k + 1,) days; the first is 0, the last infinite."""
    nodes_per_piece: int = NODES_PER_PIECE

    @classmethod
    def at_quantiles(cls, time: FloatArray, is_event: BoolArray) -> Piecewise:
        """Cuts at quantiles of the event times, as those of drop-out in the growth fit."""
        return cls(cuts_at_events(time[is_event]))

    @property
    def labels(self) -> tuple[str, ...]:
        """log_rate_1, log_rate_2, ..."""
        return tuple(f"log_rate_{k + 1}" for k in range(len(self.cuts) - 1))

    def nodes(self, entry: FloatArray, time: FloatArray) -> TimeNodes:
        """Gauss-Legendre nodes in the part of each piece that a patient was at risk in."""
        days, width = [], []
        for lower, upper in zip(self.cuts[:-1], self.cuts[1:], strict=True):
            found = _legendre(
                np.clip(entry, lower, np.minimum(time, upper).clip(lower)),
                np.clip(time, lower, upper),
                self.nodes_per_piece,
            )
            days.append(np.minimum(found[0], time[:, None]))
            width.append(found[1])
        piece = np.repeat(np.arange(len(days)), self.nodes_per_piece)
        return TimeNodes(
            np.concatenate(days, axis=1), np.concatenate(width, axis=1), piece, entry == 0
        )

    def weights(self, nodes: TimeNodes, psi: FloatArray) -> Expansion:
        """W = exp(psi of the node's piece) times its width."""
        own = np.eye(len(psi))[nodes.piece]
        value = np.exp(psi)[nodes.piece] * nodes.width
        return Expansion(
            value, value[..., None] * own, value[..., None, None] * own[:, :, None] * own[:, None]
        )

    def log_hazard(self, time: FloatArray, psi: FloatArray) -> Expansion:
        """psi of the piece in which, or at whose end, the time lies."""
        own = np.eye(len(psi))[np.searchsorted(self.cuts[1:], time)]
        return Expansion(own @ psi, own, np.zeros((len(time), len(psi), len(psi))))

    def start(self, entry: FloatArray, time: FloatArray, is_event: BoolArray) -> FloatArray:
        """Events (half a one where there is none) over days at risk: the maximum without x, L."""
        risk = self.weights(self.nodes(entry, time), np.zeros(len(self.labels))).first
        exposure = risk.sum(axis=(0, 1))
        piece = np.searchsorted(self.cuts[1:], time[is_event])
        events = np.bincount(piece, minlength=len(exposure)).astype(np.float64)
        return np.asarray(np.log(np.maximum(events, 0.5) / np.maximum(exposure, 1.0)))


@dataclass(frozen=True)
class Weibull:
    """h0(t) = lambda k t^(k - 1): psi = (log lambda, log k), days."""

    bend_days: float = BEND_DAYS
    nodes_per_part: int = NODES_PER_PART

    @property
    def labels(self) -> tuple[str, ...]:
        """log_lambda, log_shape."""
        return ("log_lambda", "log_shape")

    def nodes(self, entry: FloatArray, time: FloatArray) -> TimeNodes:
        """Nodes up to ``bend_days`` and beyond."""
        middle = np.clip(self.bend_days, entry, time)
        early = _legendre(entry, middle, self.nodes_per_part)
        late = _legendre(middle, time, self.nodes_per_part)
        return TimeNodes(
            np.concatenate([early[0], late[0]], axis=1),
            np.concatenate([early[1], late[1]], axis=1),
            np.repeat([0, 1], self.nodes_per_part),
            entry == 0,
        )

    def weights(self, nodes: TimeNodes, psi: FloatArray) -> Expansion:
        """Product integration from 0 on, Gauss-Legendre elsewhere."""
        k = float(np.exp(psi[1]))
        with np.errstate(divide="ignore", invalid="ignore"):
            log_t = np.log(nodes.days)
        plain = nodes.width * nodes.days ** (k - 1.0)
        # The weights of t^(k - 1) ds and their first two derivatives in k.
        w = np.stack([plain, plain * log_t, plain * log_t**2])
        zero = np.flatnonzero(nodes.starts_at_zero)
        early = np.flatnonzero(nodes.piece == 0)
        if len(zero) and len(early):
            length = nodes.width[np.ix_(zero, early)].sum(axis=1)
            log_a = np.log(length)[:, None]
            rule = _product_rule(k, len(early))
            scale = length[:, None] ** k
            w[np.ix_(np.arange(3), zero, early)] = scale * np.stack(
                [
                    np.broadcast_to(rule[0], (len(zero), len(early))),
                    rule[1] + log_a * rule[0],
                    rule[2] + 2.0 * log_a * rule[1] + log_a**2 * rule[0],
                ]
            )
        return self._in_logs(np.exp(psi[0]) * w, k)

    def _in_logs(self, w: FloatArray, k: float) -> Expansion:
        """From w, dw/dk, d2w/dk2 of lambda t^(k - 1) to W = k w in (log lambda, log k).

        dW/dlog k = k (w + k w'), d2W/dlog k2 = k (w + 3 k w' + k^2 w'').
        """
        value = k * w[0]
        by_k = k * (w[0] + k * w[1])
        twice = k * (w[0] + 3.0 * k * w[1] + k * k * w[2])
        first = np.stack([value, by_k], axis=-1)
        second = np.stack([first, np.stack([by_k, twice], axis=-1)], axis=-2)
        return Expansion(value, first, second)

    def log_hazard(self, time: FloatArray, psi: FloatArray) -> Expansion:
        """log lambda + log k + (k - 1) log t."""
        k, log_t = float(np.exp(psi[1])), np.log(time)
        first = np.stack([np.ones_like(time), 1.0 + k * log_t], axis=1)
        second = np.zeros((len(time), 2, 2))
        second[:, 1, 1] = k * log_t
        return Expansion(psi[0] + psi[1] + (k - 1.0) * log_t, first, second)

    def start(self, entry: FloatArray, time: FloatArray, is_event: BoolArray) -> FloatArray:
        """Shape 1, events over days at risk."""
        return np.array([np.log(max(is_event.sum(), 0.5) / (time - entry).sum()), 0.0])


def _product_rule(k: float, count: int) -> FloatArray:
    """(3, count) weights of int_0^1 x^(k - 1) f(x) dx at Gauss-Legendre nodes, and their first two
    derivatives in k."""
    x, w = np.polynomial.legendre.leggauss(count)
    moment = np.array([1.0 / k, -1.0 / k**2, 2.0 / k**3])
    out = np.zeros((3, count))
    polynomials = np.polynomial.legendre.legvander(x, count - 1)
    for n in range(count):
        if n > 0:
            r, r1, r2 = (k - n) / (k + n), 2.0 * n / (k + n) ** 2, -4.0 * n / (k + n) ** 3
            value, first, second = moment
            moment = np.array(
                [
                    value * r,
                    first * r + value * r1,
                    second * r + 2.0 * first * r1 + value * r2,
                ]
            )
        out += (2 * n + 1) * moment[:, None] * (0.5 * w * polynomials[:, n])
    return out


def baseline_of(kind: BaselineKind, time: FloatArray, is_event: BoolArray) -> Baseline:
    """A baseline hazard by name.

    Raises:
        ValueError: an unknown name.
    """
    if kind == "piecewise":
        return Piecewise.at_quantiles(time, is_event)
    if kind == "weibull":
        return Weibull()
    raise ValueError(f"no baseline hazard is called {kind!r}; known are piecewise, weibull")
