"""The sampling study: every strategy on every patient of a cohort."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from udfs.radiomics.recovery import (
    INDEXES,
    Definition,
    Recovered,
    Scope,
    recovered,
    spread_of,
)
from udfs.radiomics.strategies import (
    Lesions,
    Strategy,
    Subsets,
    choose,
    enumerated,
    random_orders,
)
from udfs.radiomics.variation import BoolArray, FloatArray, IntArray

CURVE_FROM = 2


@dataclass(frozen=True)
class Patient:
    """A patient whose lesions were all compared."""

    name: str
    """Its id: the random numbers follow it, so that they do not depend on the other patients."""
    cohorts: tuple[str, ...]
    """Patients of one cohort are summed up together."""
    lesions: Lesions
    distance: FloatArray
    """(m,) distances of the pairs i < j of n >= 2 lesions, no NaN."""

    @property
    def n(self) -> int:
        return len(self.lesions.site)


@dataclass(frozen=True)
class Sampled:
    """One strategy (or number of lesions) on p patients, one row per patient."""

    label: str | int
    """The strategy's name, or the number of lesions of a point of the curve."""
    definition: Definition
    scope: Scope
    index: str
    """average or maximum"""
    patient: IntArray
    """(p,) position in the cohort."""
    n_lesions: IntArray
    """(p,) lesions in the sample."""
    mean: FloatArray
    """(p,) share recovered on average; NaN where the index of all lesions is 0."""
    lower: FloatArray
    upper: FloatArray
    standard_error: FloatArray
    """(p,) Monte Carlo error of the mean."""
    n_subsets: IntArray
    """(p,) subsets enumerated or drawn."""
    is_exact: BoolArray
    """(p,) every subset was enumerated."""


@dataclass(frozen=True)
class Summed:
    """One strategy over the patients of one cohort."""

    cohort: str
    label: str | int
    definition: Definition
    scope: Scope
    index: str
    n_patients: int
    mean: float
    """Mean over the patients of what is recovered on average."""
    lower: float
    """Quantiles over all patients' subsets together, each patient with the same weight."""
    upper: float
    standard_error: float
    """Monte Carlo error of the mean."""
    n_partial: int
    """Patients in whom lesions are left out."""
    mean_partial: float
    """Mean over those; NaN where there are none."""


@dataclass(frozen=True)
class SamplingStudy:
    """Results of a cohort."""

    strategies: tuple[Sampled, ...]
    curve: tuple[Sampled, ...]
    summary: tuple[Summed, ...]
    """Of the strategies."""
    curve_summary: tuple[Summed, ...]


def sampling_study(
    patients: Sequence[Patient],
    strategies: Sequence[Strategy],
    *,
    seed: int,
    simulations: int = 500,
    most_exact: int = 500,
    curve_to: int = 15,
    confidence: float = 0.95,
    progress: Callable[[int, int], None] = lambda done, total: None,
    choices: Sequence[Sequence[Subsets | None]] | None = None,
) -> SamplingStudy:
    """Every strategy, and random samples of 2 to ``curve_to`` lesions, on every patient.

    The curve's samples of one simulation are nested: the first 2, 3, ... of one random order. A
    patient with fewer lesions than a point of the curve contributes all lesions to it.

    Args:
        patients: each with two lesions or more.
        strategies: to be compared.
        seed: with a patient's name and the strategy it gives the random numbers.
        simulations: samples where there are more than ``most_exact`` subsets.
        most_exact: subsets up to which all are enumerated.
        curve_to: most lesions of the recovery curve.
        confidence: of the intervals.
        progress: called with strategies and points done, and in all.
        choices: what ``choices_of`` gave for each strategy with these settings, where it is known.
    """
    points = list(range(CURVE_FROM, curve_to + 1))
    total = len(strategies) + len(points)
    people = _People(patients)
    rows: list[Sampled] = []
    curve: list[Sampled] = []
    summary: list[Summed] = []
    curve_summary: list[Summed] = []
    for done, strategy in enumerate(strategies):
        scopes: tuple[Scope, ...] = ("pooled", "within_site") if strategy.per_site else ("pooled",)
        chosen: Sequence[Subsets | None] = (
            choices_of(
                patients, strategy, seed=seed, simulations=simulations, most_exact=most_exact
            )
            if choices is None
            else choices[done]
        )
        found = _evaluate(people, chosen, strategy.name, scopes, confidence)
        rows += found[0]
        summary += found[1]
        progress(done + 1, total)
    orders = [_CurveOrders(patient, seed, curve_to, simulations) for patient in patients]
    for done, k in enumerate(points):
        chosen = [order.subsets(k, most_exact) for order in orders]
        found = _evaluate(people, chosen, k, ("pooled",), confidence)
        curve += found[0]
        curve_summary += found[1]
        progress(len(strategies) + done + 1, total)
    return SamplingStudy(tuple(rows), tuple(curve), tuple(summary), tuple(curve_summary))


def choices_of(
    patients: Sequence[Patient],
    strategy: Strategy,
    *,
    seed: int,
    simulations: int,
    most_exact: int,
) -> list[Subsets | None]:
    """The subsets that a strategy chooses of each patient; see ``strategies.choose``."""
    return [
        choose(
            strategy,
            patient.lesions,
            simulations=simulations,
            most_exact=most_exact,
            rng=partial(_stream, seed, patient, strategy.name),
        )
        for patient in patients
    ]


class _People:
    """What is needed of all patients again and again."""

    def __init__(self, patients: Sequence[Patient]) -> None:
        self.patients = patients
        self.n = np.asarray([patient.n for patient in patients], dtype=np.int64)
        self.codes = [_codes(patient.lesions.site) for patient in patients]
        cohorts = sorted({name for patient in patients for name in patient.cohorts})
        self.members: dict[str, BoolArray] = {
            name: np.asarray([name in patient.cohorts for patient in patients]) for name in cohorts
        }


class _CurveOrders:
    """Nested random samples of one patient; drawn once, when they are first needed."""

    def __init__(self, patient: Patient, seed: int, curve_to: int, simulations: int) -> None:
        self._patient = patient
        self._seed = seed
        self._most = min(curve_to, patient.n)
        self._simulations = simulations
        self._orders: IntArray | None = None

    def subsets(self, k: int, most_exact: int) -> Subsets:
        kept = min(k, self._patient.n)
        if math.comb(self._patient.n, kept) <= most_exact:
            return _combinations(self._patient.n, kept)
        if self._orders is None:
            stream = _stream(self._seed, self._patient, "curve")
            self._orders = random_orders(self._patient.n, self._most, self._simulations, stream)
        return Subsets(np.sort(self._orders[:, :kept], axis=1), is_exact=False)


def _combinations(n: int, k: int) -> Subsets:
    return enumerated(Strategy(f"random {k}", "random", most=k), ("",) * n)


def _stream(seed: int, patient: Patient, what: str) -> np.random.Generator:
    """Random numbers of one patient and strategy."""
    name = zlib.crc32(f"{patient.name}\n{what}".encode())
    return np.random.default_rng([seed, name])


def _evaluate(
    people: _People,
    chosen: Sequence[Subsets | None],
    label: str | int,
    scopes: tuple[Scope, ...],
    confidence: float,
) -> tuple[list[Sampled], list[Summed]]:
    """What the chosen subsets recover, by patient and by cohort."""
    batches = [_Batch(people, chosen, members, scopes) for members in _alike(people, chosen)]
    rows: list[Sampled] = []
    summary: list[Summed] = []
    if not batches:
        return rows, summary
    for definition, scope in batches[0].shares:
        for index in INDEXES:
            shares = [getattr(batch.shares[definition, scope], index) for batch in batches]
            sampled = _sampled(batches, shares, (label, definition, scope, index), confidence)
            rows.append(sampled)
            summary += _summed(people, batches, shares, sampled, confidence)
    return rows, summary


class _Batch:
    """Patients with the same number of lesions, subsets, and lesions in a subset."""

    def __init__(
        self,
        people: _People,
        chosen: Sequence[Subsets | None],
        members: IntArray,
        scopes: tuple[Scope, ...],
    ) -> None:
        subsets = [found for i in members if (found := chosen[i]) is not None]
        self.members = members
        self.is_exact = subsets[0].is_exact
        self.n_subsets, self.k = subsets[0].rows.shape
        distance = np.stack([people.patients[i].distance for i in members])
        sites = np.stack([people.codes[i] for i in members])
        is_shared = all(found.rows is subsets[0].rows for found in subsets)
        rows = subsets[0].rows if is_shared else np.stack([found.rows for found in subsets])
        self.shares: dict[tuple[Definition, Scope], Recovered] = recovered(
            distance, rows, sites, scopes=scopes
        )


def _alike(people: _People, chosen: Sequence[Subsets | None]) -> Iterator[IntArray]:
    """Positions of patients that can be worked on together."""
    groups: dict[tuple[int, int, int, bool], list[int]] = {}
    for i, (n, found) in enumerate(zip(people.n.tolist(), chosen, strict=True)):
        if found is not None:
            groups.setdefault((n, *found.rows.shape, found.is_exact), []).append(i)
    for key in sorted(groups):
        yield np.asarray(groups[key], dtype=np.int64)


def _codes(site: Sequence[str]) -> IntArray:
    numbers = {name: i for i, name in enumerate(sorted(set(site)))}
    return np.asarray([numbers[name] for name in site], dtype=np.int64)


def _sampled(
    batches: Sequence[_Batch],
    shares: Sequence[FloatArray],
    key: tuple[str | int, Definition, Scope, str],
    confidence: float,
) -> Sampled:
    spreads = [
        spread_of(share, is_exact=batch.is_exact, confidence=confidence)
        for batch, share in zip(batches, shares, strict=True)
    ]
    patient = np.concatenate([batch.members for batch in batches])
    order = np.argsort(patient, kind="stable")

    def each(values: Sequence[int]) -> IntArray:
        sizes = [batch.members.size for batch in batches]
        return np.repeat(np.asarray(values, dtype=np.int64), sizes)[order]

    def joined(name: str) -> FloatArray:
        return np.concatenate([getattr(spread, name) for spread in spreads])[order]

    return Sampled(
        *key,
        patient=patient[order],
        n_lesions=each([batch.k for batch in batches]),
        mean=joined("mean"),
        lower=joined("lower"),
        upper=joined("upper"),
        standard_error=joined("standard_error"),
        n_subsets=each([batch.n_subsets for batch in batches]),
        is_exact=each([int(batch.is_exact) for batch in batches]).astype(bool),
    )


def _summed(
    people: _People,
    batches: Sequence[_Batch],
    shares: Sequence[FloatArray],
    sampled: Sampled,
    confidence: float,
) -> Iterator[Summed]:
    is_partial = sampled.n_lesions < people.n[sampled.patient]
    for cohort, members in people.members.items():
        own = members[sampled.patient] & ~np.isnan(sampled.mean)
        n = int(own.sum())
        if not n:
            continue
        values, weights = [], []
        for batch, share in zip(batches, shares, strict=True):
            part = share[members[batch.members] & ~np.isnan(share[:, 0])]
            values.append(part.ravel())
            weights.append(np.full(part.size, 1 / batch.n_subsets))
        lower, upper = weighted_quantiles(
            np.concatenate(values), np.concatenate(weights), (1 - confidence) / 2
        )
        yield Summed(
            cohort,
            sampled.label,
            sampled.definition,
            sampled.scope,
            sampled.index,
            n_patients=n,
            mean=float(sampled.mean[own].mean()),
            lower=lower,
            upper=upper,
            standard_error=float(np.sqrt((sampled.standard_error[own] ** 2).sum()) / n),
            n_partial=int((own & is_partial).sum()),
            mean_partial=_mean(sampled.mean[own & is_partial]),
        )


def _mean(values: FloatArray) -> float:
    return float(values.mean()) if values.size else float("nan")


def weighted_quantiles(values: FloatArray, weights: FloatArray, tail: float) -> tuple[float, float]:
    """The values at which the weight from below reaches ``tail``, and 1 - ``tail``, of the whole.

    Hand-worked: values 1, 2, 3 of weights 1, 1, 2 and a tail of 0.3: 1.2 of 4 lies at 2; 2.8 at 3.
    """
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    wanted = np.asarray([tail, 1 - tail]) * reached[-1]
    # Sums of weights miss their exact value by rounding.
    at = np.searchsorted(reached, wanted - 1e-9 * reached[-1])
    low, high = values[order][np.minimum(at, values.size - 1)]
    return float(low), float(high)
