"""Data, references and slow but plain calculations shared by the tests of the hazard model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from udfs.hazards import CoxData, cox_data, design, factor, numeric


def random_data(
    seed: int,
    *,
    n: int = 120,
    n_groups: int = 15,
    truncated: bool = False,
    strata: bool = False,
    weighted: bool = False,
    offset: bool = False,
    nested: bool = False,
    frailty: float = 0.7,
) -> CoxData:
    """Whole-number times with many ties; three columns."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, n_groups, n)
    stratum = group % 3 if nested else rng.integers(0, 3, n)
    x, level = rng.normal(size=n), rng.integers(0, 3, n)
    u = rng.normal(0, np.sqrt(frailty), n_groups)
    rate = np.exp(0.5 * x + 0.3 * (level == 1) + u[group])
    start = rng.integers(0, 5, n) if truncated else np.zeros(n)
    stop = start + 1 + np.floor(rng.exponential(6 / rate)).clip(0, 15)
    event = (rng.random(n) < 0.75) & (stop - start < 16)
    return cox_data(
        stop,
        event,
        design(numeric("x", x), factor("level", level)),
        start=start if truncated else None,
        group=group,
        stratum=stratum if strata or nested else None,
        weight=rng.uniform(0.4, 2.5, n) if weighted else None,
        offset=rng.normal(0, 0.4, n) if offset else None,
    )


def plain_loglik(data: CoxData, eta: np.ndarray, ties: str) -> float:
    """The log partial likelihood, one event time after another, as the textbook has it."""
    n = data.n_rows
    start = np.full(n, -np.inf) if data.start is None else data.start
    stratum = np.zeros(n) if data.stratum is None else data.stratum
    weight = np.ones(n) if data.weight is None else data.weight
    total = 0.0
    for s in np.unique(stratum):
        for t in np.unique(data.stop[data.event & (stratum == s)]):
            at_risk = (stratum == s) & (start < t) & (data.stop >= t)
            dying = (stratum == s) & data.event & (data.stop == t)
            d = int(dying.sum())
            risk = float(np.sum(weight[at_risk] * np.exp(eta[at_risk])))
            tied = float(np.sum(weight[dying] * np.exp(eta[dying])))
            total += float(np.sum(weight[dying] * eta[dying]))
            for k in range(d):
                share = k / d if ties == "efron" else 0.0
                total -= float(weight[dying].mean()) * np.log(risk - share * tied)
    return total


def plain_eta(data: CoxData, b: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Linear predictors, from coefficients and the effects of the sorted groups."""
    groups = np.unique(data.group, return_inverse=True)[1]
    offset = np.zeros(data.n_rows) if data.offset is None else data.offset
    return offset + data.design.matrix() @ b + u[groups]


def numbers(frame: pd.DataFrame, *names: str) -> list[Any]:
    """Columns as they are."""
    return [numeric(name, frame[name].to_numpy()) for name in names]


class References:
    """R's data sets and answers."""

    def __init__(self, shared: Path) -> None:
        self.cox = shared / "reference" / "cox_frailty"
        self.survival = shared / "reference" / "survival"
        self.small: dict[str, Any] = self.json("coxme_small.json")

    def json(self, name: str) -> dict[str, Any]:
        return json.loads((self.cox / name).read_text())

    def frame(self, name: str) -> pd.DataFrame:
        return pd.read_csv(self.cox / name)

    def data(self, name: str) -> CoxData:
        """A data set with the terms of the reference's formula."""
        if name == "eortc":
            d = self.frame("eortc.csv")
            return cox_data(d.y, d.uncens, design(*numbers(d, "trt")), group=d.center)
        if name in ("rats", "rats_female"):
            d = self.frame("rats.csv")
            d = d[d.sex == "f"] if name == "rats_female" else d
            return cox_data(d.time, d.status, design(*numbers(d, "rx")), group=d.litter)
        if name in ("kidney", "kidney_small"):
            d = self.frame("kidney.csv")
            terms = numbers(d, "age", "sex")
            if name == "kidney":
                terms.append(factor("disease", d.disease.to_numpy(), reference="Other"))
            return cox_data(d.time, d.status, design(*terms), group=d.id)
        if name == "lung":
            d = self.frame("lung.csv").dropna(subset=["inst", "time", "age", "sex", "ph.ecog"])
            terms = numbers(d, "age", "sex", "ph.ecog")
            return cox_data(d.time, d.status - 1, design(*terms), group=d.inst.astype(int))
        d = self.frame(f"lesions_{name}.csv.gz")
        terms = [
            factor("organ", d.organ.to_numpy(), reference="Abdomen"),
            factor("trt", d.trt.to_numpy()),
        ]
        return cox_data(d.time, d.status, design(*terms), group=d.patient)


def in_order(data: CoxData, answer: dict[str, float]) -> np.ndarray:
    """R's numbers in the order of the data's columns."""
    names = [term if term == label else term + label for term, label in data.design.columns]
    assert sorted(names) == sorted(answer)
    return np.array([answer[name] for name in names])


def relative(x: Any, y: Any) -> float:
    """Largest relative difference."""
    return float(np.max(np.abs(np.asarray(x) / np.asarray(y) - 1)))
