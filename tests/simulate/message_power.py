"""How often the papers' planted messages are found, and where they are zero: the table of
docs/messages.md, printed by ``python tests/simulate/message_power.py [SEEDS]``.

Each message is answered by a model of what trials record, of one number per patient, so that its
test can hold its level. What acts on death is looked at after the progression, all of it in one
Cox model: the messages go together (a patient whose liver did not shrink has a liver that
progressed). Intervals must hold the planted sizes only where the rest of the hazard is in the model
too, which the simulation alone knows: a hazard ratio is drawn to 1 by what is left out.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from udfs.comparisons import clustered_p_value, dominance_of, mann_whitney
from udfs.simulate import SimulatedTrials, simulate, simulate_mcrc
from udfs.simulate.messages import FIRST_ORGANS, NAMES, UNSLOWED_ORGANS
from udfs.simulate.presets import MCRC_MESSAGES, MESSAGES
from udfs.survival import cox_model

QUARTER = 1077
WINDOW_DAYS = 60
"""``course.PROGRESSION_WINDOW_DAYS``: organs that progress together."""
SHRANK, GROWN, GROWN_MM = 0.7, 1.2, 5.0
NEVER = 1e9
USUAL = 0.25
"""A part that is no longer seldom: it is 0.1 where nothing is planted."""
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Found:
    """One message in one cohort."""

    estimate: float
    p_value: float
    lower: float = np.nan
    """95 % limits of the planted size, by the model that has the rest of the hazard."""
    upper: float = np.nan

    @property
    def is_found(self) -> bool:
        return self.p_value < 0.05


class Cohort:
    """What is recorded of the patients to be included, by the first reader."""

    def __init__(self, trials: SimulatedTrials) -> None:
        self.trials = trials
        self.p = trials.patients
        self.n = len(self.p["patient"])
        self.counted = self.p["excluded"] == ""
        r = trials.responses
        rows = (r["reader"] == 1) & (r["overall"] == "PD")
        self.pd_day = np.full(self.n, NEVER)
        np.minimum.at(self.pd_day, r["patient"][rows], r["day"][rows])
        self.antibody = self.p["has_bevacizumab"] | self.p["has_panitumumab"]
        self.last_day = np.zeros(self.n)
        rows = r["reader"] == 1
        np.maximum.at(self.last_day, r["patient"][rows], r["day"][rows])

    def sizes(self, organs: tuple[str, ...] | None = None) -> tuple[Floats, ...]:
        """Target lesions' sizes in order: lesion, patient, day, mm."""
        m, lesions = self.trials.measurements, self.trials.lesions
        rows = (m["reader"] == 1) & m["is_done"]
        if organs is not None:
            rows &= np.isin(lesions["organ"][m["lesion"]], organs)
        mm = np.where(m["short_mm"] >= 0, m["short_mm"], m["long_mm"])
        mm = np.where((mm > 0) & (mm < 5), 5, mm).astype(float)
        rows = np.flatnonzero(rows)
        rows = rows[np.lexsort((m["day"][rows], m["lesion"][rows]))]
        return tuple(
            np.asarray(c[rows], dtype=float) for c in (m["lesion"], m["patient"], m["day"], mm)
        )

    def first_events(self, organs: tuple[str, ...] | None = None) -> dict[str, Floats]:
        """(n,) first day on which one of the patient's lesions responded or progressed, and
        whether the patient has such lesions.
        """
        lesion, patient, day, mm = self.sizes(organs)
        out = {name: np.full(self.n, NEVER) for name in ("response", "progression")}
        edges = np.flatnonzero(np.r_[True, np.diff(lesion) != 0])
        who = patient.astype(int)
        for a, b in zip(edges, np.r_[edges[1:], len(lesion)], strict=True):
            nadir = np.minimum.accumulate(mm[a:b])
            before = np.r_[nadir[0], nadir[:-1]]
            grown = (mm[a:b] >= GROWN * before) & (mm[a:b] >= before + GROWN_MM)
            for name, there in (("response", mm[a:b] <= SHRANK * mm[a]), ("progression", grown)):
                if there.any():
                    out[name][who[a]] = min(out[name][who[a]], day[a:b][there.argmax()])
        has = np.bincount(who, minlength=self.n) > 0
        return out | {"has": has.astype(float)}

    def liver_kept(self) -> Bools:
        """(n,) liver lesions that had not shrunk by 30 % up to the progression."""
        _, patient, day, mm = self.sizes(("liver",))
        who = patient.astype(int)
        rows = (day <= self.pd_day[who]) | (day <= 0)
        who, day, mm = who[rows], day[rows], mm[rows]
        visits, place = np.unique(np.stack([who, np.maximum(day, 0)]), axis=1, return_inverse=True)
        total = np.bincount(place.ravel(), mm)
        base, least = np.zeros(self.n), np.full(self.n, np.inf)
        first = visits[1] == 0
        base[visits[0][first].astype(int)] = total[first]
        np.minimum.at(least, visits[0][~first].astype(int), total[~first])
        return np.asarray((base > 0) & np.isfinite(least) & (least > SHRANK * base))

    def low_high(self) -> Bools:
        lesions = self.trials.lesions
        rows = (lesions["type"] != "new") & np.isin(lesions["organ"], ["bone", "brain_cns"])
        return np.bincount(lesions["patient"][rows], minlength=self.n) > 0

    def n_others(self) -> Floats:
        """(n,) organs that progressed with the first, at most 4."""
        o = self.trials.truth_organs
        soon = o["progression_day"] <= self.pd_day[o["patient"]] + WINDOW_DAYS
        return np.clip(np.bincount(o["patient"][soon], minlength=self.n) - 1, 0, 4).astype(float)


def cox_of(time: Floats, event: Bools, column: NDArray, beside: NDArray | None = None) -> Found:
    """One covariate, beside others."""
    x = column.astype(float)[:, None]
    fit = cox_model(time, event, x if beside is None else np.column_stack((x, beside)))
    return Found(float(fit.coefficient[0]), float(fit.p_value[0]))


DEATH = ("kras_death", "low_high_death", "liver_death", "heterogeneity_death",
         "first_organ_death", "further_organ_death")  # fmt: skip
"""In the order of the columns; first_organ_death is the liver's log hazard ratio against organs
without any."""


def death(c: Cohort) -> dict[str, Found]:
    """Survival after the progression by everything that is planted on it."""
    p, truth = c.p, c.trials.truth_patients
    rows = c.counted & (c.pd_day < NEVER) & (p["os_days"] > c.pd_day)
    g = truth["gower_distance_at_progression"]
    distance = np.where(np.isnan(g), 0.0, (g - np.nanmean(g)) / 0.1)
    first = truth["first_progressing_organ"]
    organs = [(first == organ).astype(float) for organ in FIRST_ORGANS]
    x = np.column_stack((
        p["kras"] == "MUTANT", c.low_high(), c.liver_kept(), distance, organs[0], c.n_others(),
        *organs[1:], p["ecog"] != "0", np.log(p["ldh_ratio"]),
    ))[rows].astype(float)  # fmt: skip
    # Without a lesion in it an organ cannot progress first: a column may be empty in small cohorts.
    x = x[:, (x.std(axis=0) > 0)]
    time = (p["os_days"] - c.pd_day)[rows]
    model = cox_model(time, p["os_event"][rows], x)
    hidden = np.column_stack(
        (truth["log_hazard_of_death_effect"], np.nan_to_num(truth["log_kg_effect"]))
    )[rows]
    given = cox_model(time, p["os_event"][rows], np.column_stack((x, hidden)))
    lower, upper = given.interval(0.95)
    return {
        name: Found(float(model.coefficient[k]), float(model.p_value[k]), lower[k], upper[k])
        for k, name in enumerate(DEATH)
    }


def refractory(c: Cohort) -> Found:
    """Part of the patients with PD as best response whose target lesions had progressed at the
    first PD; found where it is more than ``USUAL``.
    """
    r = c.trials.responses
    rows = (r["reader"] == 1) & (r["overall"] == "PD") & (r["day"] == c.pd_day[r["patient"]])
    rows &= (c.counted & (c.p["best_response"] == "PD"))[r["patient"]]
    by_target = r["target"][rows] == "PD"
    from scipy.stats import binomtest

    test = binomtest(int(by_target.sum()), by_target.size, USUAL, alternative="greater")
    return Found(float(by_target.mean()), float(test.pvalue))


def response_by_antibody(c: Cohort) -> Found:
    """First response of a liver lesion, antibody against chemotherapy alone, by line."""
    return _by_antibody(c, ("liver",), "response")


def progression_by_antibody(c: Cohort) -> Found:
    """First progression of a lesion in the organs that antibodies do not slow."""
    return _by_antibody(c, UNSLOWED_ORGANS, "progression")


def _by_antibody(c: Cohort, organs: tuple[str, ...], endpoint: str) -> Found:
    events = c.first_events(organs)
    rows = c.counted & (events["has"] > 0)
    stop = np.maximum(np.minimum(events[endpoint], c.last_day), 1)
    line = (c.p["line"] == 2).astype(float)
    return cox_of(stop[rows], (events[endpoint] <= c.last_day)[rows], c.antibody[rows], line[rows])


def alike(c: Cohort) -> Found:
    """Gower distance, antibody against chemotherapy alone: Cliff's delta."""
    g = c.trials.truth_patients["gower_distance_at_progression"]
    rows = c.counted & ~np.isnan(g)
    a, b = g[rows & c.antibody], g[rows & ~c.antibody]
    return Found(dominance_of(a, b).delta, mann_whitney(a, b).p_value)


def kras_panitumumab(c: Cohort) -> Found:
    """Progression-free survival: panitumumab's effect where KRAS is mutant against wild type."""
    p = c.p
    rows = c.counted & (p["kras"] != "")
    mutant, drug = (p["kras"] == "MUTANT")[rows], p["has_panitumumab"][rows]
    beside = np.column_stack((mutant, drug, p["line"][rows] == 2)).astype(float)
    return cox_of(p["pfs_days"][rows].astype(float), p["pfs_event"][rows], mutant & drug, beside)


def spread(c: Cohort) -> Found:
    """Log odds that a further new lesion is seen after the first one, liver first or not; where
    a later scan could show it.
    """
    lesions = c.trials.lesions
    rows = np.flatnonzero((lesions["reader"] == 1) & (lesions["type"] == "new"))
    who, day = lesions["patient"][rows], lesions["first_day"][rows]
    first = np.full(c.n, NEVER)
    np.minimum.at(first, who, day)
    further = lesions["number"][rows] > 1
    usable = further & c.counted[who] & (c.last_day[who] > first[who])
    is_later = day[usable] > first[who[usable]]
    liver = (c.trials.truth_patients["first_progressing_organ"] == "liver")[who[usable]]
    cells = np.array([[(liver == i)[is_later == j].sum() for j in (1, 0)] for i in (1, 0)]) + 0.5
    odds = float(np.log(cells[0, 0] * cells[1, 1] / (cells[0, 1] * cells[1, 0])))
    error = float(np.sqrt((1 / cells).sum()))
    from scipy.special import ndtr

    p_value = 2 * float(ndtr(-abs(odds) / error))
    return Found(odds, p_value, odds - 1.96 * error, odds + 1.96 * error)


ANSWERS: dict[str, Callable[[Cohort], Found]] = {
    "refractory": refractory,
    "antibody_deepens": response_by_antibody,
    "unslowed_organs": progression_by_antibody,
    "antibody_alike": alike,
    "kras_panitumumab": kras_panitumumab,
    "liver_first_spread": spread,
}
ABSENT = ("antibody_deepens", "unslowed_organs")
"""Messages that take a difference away: the analysis must find none where they are planted."""
SIZES = {name: getattr(MESSAGES, name) for name in DEATH} | {
    "first_organ_death": FIRST_ORGANS["liver"],
    "liver_first_spread": MESSAGES.liver_first_spread,
}
"""Planted sizes on the scale of the estimates."""


def answers(trials: SimulatedTrials, names: tuple[str, ...] = NAMES) -> dict[str, Found]:
    """What is found of each message."""
    c = Cohort(trials)
    out = death(c) if set(names) & set(DEATH) else {}
    out |= {name: ANSWERS[name](c) for name in names if name in ANSWERS}
    return {name: out[name] for name in names}


def nadirs_by_kras(trials: SimulatedTrials) -> tuple[float, float, float]:
    """p of mutant against wild-type KRAS without panitumumab, of liver lesions' nadir ratios: of
    lesions as if independent (Zhou 2021, Fig. 5B), with patients as clusters, and of patients'
    medians.
    """
    c = Cohort(trials)
    lesion, patient, _, mm = c.sizes(("liver",))
    edges = np.flatnonzero(np.r_[True, np.diff(lesion) != 0])
    stops = np.r_[edges[1:], len(lesion)]
    has = (stops - edges > 1) & (mm[edges] > 0)
    edges, stops = edges[has], stops[has]
    who = patient[edges].astype(int)
    nadir = np.array([mm[a + 1 : b].min() / mm[a] for a, b in zip(edges, stops, strict=True)])
    use = c.counted[who] & ~c.p["has_panitumumab"][who] & (c.p["kras"][who] != "")
    who, nadir = who[use], nadir[use]
    mutant = c.p["kras"] == "MUTANT"
    is_mutant = mutant[who]
    lesions = mann_whitney(nadir[is_mutant], nadir[~is_mutant]).p_value
    clusters = clustered_p_value(
        nadir[is_mutant], nadir[~is_mutant], who[is_mutant], who[~is_mutant]
    )
    people = np.unique(who)
    median = np.array([np.median(nadir[who == i]) for i in people])
    patients = mann_whitney(median[mutant[people]], median[~mutant[people]]).p_value
    return lesions, clusters, patients


def kras_without_effect(n: int | None, seed: int) -> SimulatedTrials:
    """Trials in which KRAS changes nothing of growth."""
    covariates = {k: v for k, v in MCRC_MESSAGES.covariate_effects.items() if k != "kras_mutant"}
    messages = replace(MESSAGES, kras_panitumumab=0.0)
    return simulate(
        replace(MCRC_MESSAGES, covariate_effects=covariates, messages=messages), n, seed
    )


def _row(name: str, planted: list[Found], zero: list[Found]) -> str:
    estimates = [np.array([f.estimate for f in found]) for found in (planted, zero)]
    n_found, n_false = (sum(f.is_found for f in found) for found in (planted, zero))
    size = SIZES.get(name)
    held = "" if size is None else sum(f.lower < size < f.upper for f in planted)
    shown = [f"{e.mean():.2f} ({e.std(ddof=1):.2f})" for e in estimates]
    planted_as = "" if size is None else f"{size:.2f}"
    return f"| `{name}` | {planted_as} | {n_found} | {shown[0]} | {held} | {n_false} | {shown[1]} |"


def main(n_seeds: int) -> None:
    """Prints the tables; about a CPU second for each cohort, of which there are 14 per seed."""
    seeds = range(n_seeds)
    planted = [answers(simulate_mcrc(QUARTER, s, has_messages=True)) for s in seeds]
    heads = ("message", "planted", "p < .05", "estimate, mean (sd)", "intervals that hold it",
             "at 0: p < .05", "at 0: estimate")  # fmt: skip
    print("| " + " | ".join(heads) + " |")
    print("|---" * len(heads) + "|")
    for name in NAMES:
        left = [simulate_mcrc(QUARTER, s, has_messages=True, without=(name,)) for s in seeds]
        zero = [answers(trials, (name,))[name] for trials in left]
        print(_row(name, [one[name] for one in planted], zero), flush=True)
    for n in (QUARTER, None):
        p = np.array([nadirs_by_kras(kras_without_effect(n, s)) for s in seeds])
        lesions, clusters, patients = (p < 0.05).sum(axis=0)
        print(f"KRAS without effect, {n or 'all'} patients: p < .05 of lesions {lesions}, with "
              f"patients as clusters {clusters}, "
              f"of patients {patients} of {n_seeds}", flush=True)  # fmt: skip


__all__ = ["ABSENT", "SIZES", "Found", "answers", "kras_without_effect", "main", "nadirs_by_kras"]

if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
