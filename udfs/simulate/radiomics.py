"""Radiomic features of some patients' lesions, with a heterogeneity that is known.

Each feature (``radiomic_features``) follows one of eight hidden numbers of the lesion, its cluster.
Hidden numbers have variance 1 over all lesions, of which the patient's heterogeneity h decides how
much lies between its lesions, and the organ a part of that:

    z = sqrt(1 - h^2) (patient) + h (sqrt(o) (patient and organ) + sqrt(1 - o) (lesion)).

So lesions of a patient with small h look alike, and with h = 1 like those of different patients.
Two clusters are size and follow the lesions' diameters instead: the diameters themselves, and the
volume, which has a third dimension that the widest slice does not show. Another contour moves the
surface by 1 mm, and changes features that are not robust.

Numbers are those of Henry et al., Sci Rep 2022, Table 1: 43 patients with 602 lesions, 25 with many
(3 of lung cancer, 22 of melanoma) and 18 with few.
"""

from __future__ import annotations

import numpy as np

from udfs.simulate.radiomic_features import (
    FEATURES,
    N_CLUSTERS,
    SHARE,
    SIGNED,
    VOLUME,
    Feature,
)
from udfs.simulate.sampling import Columns, FloatArray, IntArray
from udfs.simulate.scans import BoolArray

STREAM = 16
"""Number of the stream of random numbers: radiomic features leave the others as they are."""
OLIGO, MULTI, LESIONS = 18, 25, 602
FEW, MANY = (2, 5), 15
"""Lesions of the patients with few, and least of those with many."""
HETEROGENEITY = (0.15, 0.25, 0.35, 0.45, 0.55)
"""Given out in equal parts, whatever the number of lesions. Around 0.5 the average heterogeneity is
about 0.27 and the maximal divergence 0.92 in a patient with 30 lesions (Table 2)."""
ORGAN_SHARE = 0.3
"""Part of the variance within a patient that lies between organs: coefficients of variation within
an organ are 6 and 106 % where those within the patient are 7.2 and 144 % (sphericity, volume), and
sqrt(1 - 0.3) = 0.84."""
SEGMENTATIONS = ("original", "eroded", "dilated")
CONTOUR_MM = (0.0, -2.0, 2.0)
"""What each contour adds to a diameter: the surface is moved by 1 mm."""
MIN_MM = 1.0
"""Diameter of what is left of the smallest lesions."""
TYPICAL_MM = 22.0
VOLUME_SLOPE = 0.75
"""Of the logarithm of a size in mm^3 on three times that of the diameter: large lesions are
flatter."""
DEPTH = 1.4
"""Standard deviation of the logarithm of the volume of lesions of one diameter."""


def draw_radiomics(
    patients: Columns,
    lesions: Columns,
    diameter_mm: FloatArray,
    is_in_view: BoolArray,
    day: IntArray,
    seed: int,
) -> tuple[Columns, Columns, Columns]:
    """Features of the lesions of some patients of one trial.

    Args:
        patients: with their trial, and ``excluded``.
        lesions: target and non-target lesions of the first reader, by patient, with their organ.
        diameter_mm: (n,) at baseline, of each.
        is_in_view: (n,) the lesion lies where the scan shows it.
        day: (patients,) of the scan.
        seed: of the simulation.

    Returns:
        Values (lesion, patient, day, segmentation, feature, value), the truth of the patients
        (patient, heterogeneity, n_lesions) and of the features.
    """
    rng = np.random.default_rng([seed, STREAM])
    of_patient = lesions["patient"]
    n_lesions = np.bincount(of_patient[is_in_view], minlength=len(patients["patient"]))
    chosen = choose_patients(
        patients["trial"], np.where(patients["excluded"] == "", n_lesions, 0), rng
    )
    h = np.empty(len(chosen))
    h[rng.permutation(len(chosen))] = np.resize(HETEROGENEITY, len(chosen))
    rows = np.flatnonzero(np.isin(of_patient, chosen) & is_in_view)
    hidden = _Hidden(of_patient[rows], lesions["organ"][rows], chosen, h, rng)
    value = _values(hidden, diameter_mm[rows])
    n = rows.size
    shape = (n, len(FEATURES), len(SEGMENTATIONS))
    lesion, feature, segmentation = (part.ravel() for part in np.indices(shape))
    values: Columns = {
        "lesion": rows[lesion],
        "patient": of_patient[rows][lesion],
        "day": day[of_patient[rows]][lesion],
        "feature": feature,
        "segmentation": segmentation,
        "value": value[segmentation, feature, lesion],
    }
    truth: Columns = {"patient": chosen, "heterogeneity": h, "n_lesions": n_lesions[chosen]}
    return values, truth, _feature_truth()


def choose_patients(trial: IntArray, n_lesions: IntArray, rng: np.random.Generator) -> IntArray:
    """Patients whose lesions get features, ascending: of the trial that has most to give.

    They are the 25 with most lesions of those with 15 or more, and 18 with 2 to 5 so that all have
    602 lesions; where the trial has fewer, any with 2 or more up to 43. Of trials that give as
    many, it is the one whose patients with many lesions have most of them.

    Args:
        trial: (n,) of each patient.
        n_lesions: (n,) of each patient; 0 leaves one out.
    """
    offers = [_offer(n_lesions, trial == t, rng) for t in np.unique(trial)]

    def worth(rows: IntArray) -> tuple[int, int, int]:
        n = n_lesions[rows]
        return rows.size, int(n.sum()), int(n[n >= MANY].sum())

    return max(offers, key=worth)


def _offer(n_lesions: IntArray, is_own: BoolArray, rng: np.random.Generator) -> IntArray:
    """The patients of one trial that would be chosen."""
    order = np.argsort(-n_lesions, kind="stable")
    multi = order[is_own[order] & (n_lesions[order] >= MANY)][:MULTI]
    low, high = FEW
    few = rng.permutation(np.flatnonzero(is_own & (n_lesions >= low) & (n_lesions <= high)))
    oligo = _with_sum(few, n_lesions[few], LESIONS - int(n_lesions[multi].sum()))
    chosen = np.concatenate([multi, oligo])
    others = order[is_own[order] & (n_lesions[order] >= low) & ~np.isin(order, chosen)]
    return np.sort(np.concatenate([chosen, others[: OLIGO + MULTI - chosen.size]]))


def _with_sum(rows: IntArray, count: IntArray, wanted: int) -> IntArray:
    """The first 18 of the rows; those whose counts (2 to 5) add up to ``wanted``, if they can."""
    low, high = FEW
    if not low * OLIGO <= wanted <= high * OLIGO:
        return rows[:OLIGO]
    taken: list[int] = []
    for row, n in zip(rows.tolist(), count.tolist(), strict=True):
        left = OLIGO - len(taken) - 1
        if left >= 0 and low * left <= wanted - n <= high * left:
            taken.append(row)
            wanted -= n
    return np.asarray(taken, dtype=np.int64)


class _Hidden:
    """Numbers of variance 1 over the lesions, the part h^2 of it within patients."""

    def __init__(
        self,
        patient: IntArray,
        organ: IntArray,
        chosen: IntArray,
        h: FloatArray,
        rng: np.random.Generator,
    ) -> None:
        """
        Args:
            patient, organ: (n,) of each lesion.
            chosen: (p,) patients, ascending.
            h: (p,) heterogeneity of each.
        """
        self.n = patient.size
        self._patient = np.searchsorted(chosen, patient)
        self._n_patients = chosen.size
        n_organs = int(organ.max(initial=0)) + 1
        _, self._place = np.unique(self._patient * n_organs + organ, return_inverse=True)
        self._h = h[self._patient]
        self._rng = rng

    def draw(self) -> FloatArray:
        """(n,) the number of each lesion."""
        of_patient = self._rng.standard_normal(self._n_patients)[self._patient]
        return np.asarray(np.sqrt(1 - self._h**2) * of_patient + self._h * self.draw_within())

    def draw_within(self) -> FloatArray:
        """(n,) numbers whose variance lies within patients, all of it."""
        of_organ = self._rng.standard_normal(self._place.max(initial=-1) + 1)[self._place]
        of_lesion = self._rng.standard_normal(self.n)
        return np.asarray(np.sqrt(ORGAN_SHARE) * of_organ + np.sqrt(1 - ORGAN_SHARE) * of_lesion)

    def noise(self) -> FloatArray:
        """(segmentations, n) standard normal, 0 in the original contour."""
        noise = self._rng.standard_normal((len(SEGMENTATIONS), self.n))
        noise[0] = 0.0
        return noise


def _values(hidden: _Hidden, diameter_mm: FloatArray) -> FloatArray:
    """(segmentations, features, lesions) values."""
    of_cluster = [hidden.draw() for _ in range(N_CLUSTERS)]
    moved = np.maximum(diameter_mm + np.asarray(CONTOUR_MM)[:, None], MIN_MM)
    length = np.log(moved / TYPICAL_MM)
    volume = 3 * VOLUME_SLOPE * length + DEPTH * of_cluster[VOLUME]
    value = np.empty((len(SEGMENTATIONS), len(FEATURES), hidden.n))
    for j, feature in enumerate(FEATURES):
        own, noise = hidden.draw(), hidden.noise()
        if feature.power:
            size = volume / 3 if feature.cluster == VOLUME else length
            exponent = feature.power * size + feature.spread * own
            exponent = exponent + feature.contour * exponent[0].std() * noise
            value[:, j] = feature.typical * np.exp(exponent)
            continue
        if feature.scale == SIGNED:
            latent = hidden.draw_within()
        else:
            own = np.sqrt(1 - feature.loading**2) * own
            latent = feature.sign * feature.loading * of_cluster[feature.cluster] + own
        value[:, j] = _scaled(feature, latent + feature.contour * noise)
    place = {feature.short_name: j for j, feature in enumerate(FEATURES)}
    for j, feature in enumerate(FEATURES):
        if feature.same_as:
            other = place[feature.same_as]
            value[:, j] = value[:, other] * (feature.typical / FEATURES[other].typical)
    return value


def _scaled(feature: Feature, latent: FloatArray) -> FloatArray:
    """Values from latent numbers of variance 1."""
    if feature.scale == SIGNED:
        return np.asarray(feature.typical + feature.spread * latent)
    if feature.scale == SHARE:
        typical = feature.typical / (1 - feature.typical)
        # The derivative of log p by its logit is 1 - p.
        odds = typical * np.exp(feature.spread / (1 - feature.typical) * latent)
        return np.asarray(odds / (1 + odds))
    return np.asarray(feature.typical * np.exp(feature.spread * latent))


def _feature_truth() -> Columns:
    return {
        "feature": np.asarray([f.name for f in FEATURES]),
        "feature_class": np.asarray([f.feature_class for f in FEATURES]),
        "cluster": np.asarray([f.cluster + 1 for f in FEATURES]),
        "is_robust": np.asarray([f.is_robust for f in FEATURES]),
        "spread": np.asarray([f.spread for f in FEATURES]),
        "sign": np.asarray([f.sign for f in FEATURES]),
        "unit": np.asarray([f.unit for f in FEATURES]),
    }
