"""The simulated trial with known truth, and the truth."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from udfs.growth import GrowthData
from udfs.joint import Events, Lesions

ORGANS = ("liver", "lung", "lymph_node")


def read(path: Path) -> dict[str, np.ndarray]:
    """Columns of a CSV file: numbers where all are numbers, text elsewhere; '' is NaN."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    out: dict[str, np.ndarray] = {}
    for name in rows[0]:
        texts = [row[name] for row in rows]
        try:
            out[name] = np.array([float(one) if one not in ("", "NA") else np.nan for one in texts])
        except ValueError:
            out[name] = np.array(texts)
    return out


@dataclass(frozen=True)
class Trial:
    """``lesion_sim``: 400 patients, 1,227 lesions."""

    truth: dict[str, Any]
    patient: dict[str, np.ndarray]
    lesion: dict[str, np.ndarray]
    size: dict[str, np.ndarray]

    @classmethod
    def load(cls, folder: Path) -> Trial:
        """From the reference answers."""
        tables = [read(folder / f"lesion_sim_{one}.csv") for one in ("patient", "lesion", "size")]
        return cls(json.loads((folder / "truth.json").read_text()), *tables)

    @property
    def arm(self) -> np.ndarray:
        """(n,) of the lesions."""
        return self.patient["arm"][self.owner]

    @property
    def owner(self) -> np.ndarray:
        """(n,) places of the lesions' patients."""
        return self.lesion["patient"].astype(int) - 1

    @property
    def lesions(self) -> Lesions:
        """All of them."""
        one = self.lesion
        return Lesions.of(
            self.owner, one["V0"], one["T0"], one["organ"], n_patients=400, organs=ORGANS
        )

    @property
    def typical(self) -> np.ndarray:
        """(n, 3) true typical phi."""
        by_organ = np.array([self.truth["beta_organ"][one] for one in self.lesion["organ"]])
        return self.truth["mu"] + by_organ + self.arm[:, None] * self.truth["beta_arm"]

    @property
    def true_phi(self) -> np.ndarray:
        """(n, 1, 3): as one draw."""
        names = ("true_log_kg", "true_log_kd", "true_logit_f")
        return np.stack([self.lesion[one] for one in names], axis=1)[:, None]

    @property
    def true_u(self) -> np.ndarray:
        """(400, 1, 3)"""
        names = ("true_u_log_kg", "true_u_log_kd", "true_u_logit_f")
        return np.stack([self.patient[one] for one in names], axis=1)[:, None]

    @property
    def events(self) -> Events:
        """Deaths, with the arm as covariate."""
        one = self.patient
        return Events.of(one["os_days"], one["is_death"] > 0, covariates={"arm": one["arm"]})

    def log_density_of_sizes(self, lesion: int, phi: np.ndarray) -> np.ndarray:
        """(R,) log p(y | phi) of one lesion (1, 2, ...) at (R, 3) points, written out."""
        rows = self.size["lesion"] == lesion
        t, y = self.size["day"][rows], self.size["volume_mm3"][rows]
        at = self.lesion["lesion"] == lesion
        v0, t0 = self.lesion["V0"][at][0], self.lesion["T0"][at][0]
        kg, kd, f = np.exp(phi[:, :1]), np.exp(phi[:, 1:2]), 1 / (1 + np.exp(-phi[:, 2:]))
        v = v0 * np.exp(-kg * t0) * (f * np.exp(kg * t) + (1 - f) * np.exp(-kd * t))
        sd = self.truth["b"] * v
        return (-0.5 * ((y - v) / sd) ** 2 - np.log(sd) - 0.5 * np.log(2 * np.pi)).sum(axis=1)


def growth_data(trial: Trial) -> GrowthData:
    """Baselines and sizes; lesions of which nothing else was measured stay."""
    one = trial.lesion
    lesion = np.concatenate([one["lesion"], trial.size["lesion"]]).astype(int)
    at = np.searchsorted(one["lesion"], lesion)
    return GrowthData.from_arrays(
        lesion,
        np.concatenate([one["T0"], trial.size["day"]]),
        np.concatenate([one["V0"], trial.size["volume_mm3"]]),
        v0=one["V0"][at],
        t0=one["T0"][at],
        patient=one["patient"][at].astype(int),
        covariates={"organ": one["organ"][at], "arm": np.where(trial.arm[at] > 0, "b", "a")},
        fewest_observations=1,
    )
