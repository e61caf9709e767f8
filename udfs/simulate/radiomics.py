"""Radiomic features of some patients' lesions, with a heterogeneity that is known.

Each feature follows one of eight hidden numbers of the lesion (its cluster). Hidden numbers have
variance 1 over all lesions, of which the patient's heterogeneity h decides how much lies between
its lesions: z = sqrt(1 - h^2) (patient's own) + h (lesion's own). So lesions of a patient with
small h look alike, and with h = 1 like those of different patients. The first cluster is size, and
follows the lesions' diameters instead. Features that are not robust change with the contour.

Numbers of patients are those of Henry et al., Sci Rep 2022, Table 1: 18 with few lesions, 22 with
many; and ten in between.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from udfs.simulate.sampling import Columns, FloatArray, IntArray

STREAM = 16
"""Number of the stream of random numbers: radiomic features leave the others as they are."""
OLIGO, MULTI, BETWEEN = 18, 22, 10
HETEROGENEITY = (0.2, 0.4, 0.6, 0.8, 1.0)
"""Given out in equal parts, whatever the number of lesions."""
SEGMENTATIONS = ("original", "eroded", "dilated")
LOADING = 0.95
"""Correlation of a feature (its logarithm) with its hidden number."""
NOISE_ROBUST, NOISE_FRAGILE = 0.1, 1.0
"""What another contour adds, in the feature's standard deviations: concordances near 0.99 and 2/3
(of the logarithm; that of the feature is less)."""


@dataclass(frozen=True)
class Feature:
    """One simulated feature, typical * exp(spread * z)."""

    name: str
    feature_class: str
    cluster: int
    typical: float
    spread: float
    is_robust: bool = True
    sign: int = 1
    unit: str = ""


FEATURES = (
    Feature("original_shape_VoxelVolume", "shape", 1, 3000.0, 1.0, unit="mm3"),
    Feature("original_shape_SurfaceArea", "shape", 1, 1200.0, 0.7, unit="mm2"),
    Feature("original_shape_Maximum2DDiameterSlice", "shape", 1, 20.0, 0.33, unit="mm"),
    Feature("original_firstorder_90Percentile", "first-order", 2, 110.0, 0.25),
    Feature("original_firstorder_Mean", "first-order", 2, 75.0, 0.3),
    Feature("original_firstorder_Median", "first-order", 2, 76.0, 0.3),
    Feature("original_shape_Sphericity", "shape", 3, 0.7, 0.1, unit="1"),
    Feature("original_shape_Elongation", "shape", 3, 0.75, 0.12, unit="1"),
    Feature("original_glcm_Imc2", "GLCM", 4, 0.6, 0.2),
    Feature("original_glcm_JointEntropy", "GLCM", 4, 8.0, 0.1),
    Feature("original_glcm_Contrast", "GLCM", 4, 25.0, 0.6, is_robust=False),
    Feature("original_gldm_LargeDependenceEmphasis", "GLDM", 5, 40.0, 0.5),
    Feature("original_glrlm_LongRunEmphasis", "GLRLM", 5, 1.4, 0.2),
    Feature("original_glrlm_RunPercentage", "GLRLM", 5, 0.9, 0.05, sign=-1),
    Feature("original_gldm_DependenceVariance", "GLDM", 6, 5.0, 0.5),
    Feature("original_glszm_ZoneEntropy", "GLSZM", 6, 6.0, 0.15),
    Feature("original_glszm_SmallAreaEmphasis", "GLSZM", 6, 0.65, 0.15, is_robust=False),
    Feature("original_gldm_LargeDependenceHighGrayLevelEmphasis", "GLDM", 7, 9000.0, 0.8),
    Feature("original_glrlm_HighGrayLevelRunEmphasis", "GLRLM", 7, 350.0, 0.5),
    Feature("original_glszm_HighGrayLevelZoneEmphasis", "GLSZM", 7, 330.0, 0.5, is_robust=False),
    Feature("original_ngtdm_Coarseness", "NGTDM", 8, 0.004, 0.35, sign=-1),
    Feature("original_ngtdm_Busyness", "NGTDM", 8, 1.5, 0.4),
    Feature("original_ngtdm_Strength", "NGTDM", 8, 1.2, 0.5, is_robust=False),
    Feature("original_ngtdm_Complexity", "NGTDM", 8, 900.0, 0.5, is_robust=False),
)
N_CLUSTERS = 8


def draw_radiomics(
    patients: Columns, lesions: Columns, diameter_mm: FloatArray, seed: int
) -> tuple[Columns, Columns, Columns]:
    """Features of the lesions of some patients of one trial.

    The trial is the one with most patients that can be taken; the patients those included, the
    first 18 with 2 to 5 lesions, 22 with 15 or more, and ten in between.

    Args:
        patients: with their trial, and ``excluded``.
        lesions: target and non-target lesions of the first reader, by patient.
        diameter_mm: (n,) at baseline, of each.
        seed: of the simulation.

    Returns:
        Values (lesion, segmentation, feature, value), the truth of the patients (patient,
        heterogeneity, n_lesions) and of the features.
    """
    rng = np.random.default_rng([seed, STREAM])
    chosen = _choose(patients, lesions)
    h = np.empty(len(chosen))
    h[rng.permutation(len(chosen))] = np.resize(HETEROGENEITY, len(chosen))
    rows = np.flatnonzero(np.isin(lesions["patient"], chosen))
    place = np.searchsorted(chosen, lesions["patient"][rows])
    z = _hidden(place, h, len(chosen), N_CLUSTERS, rng)
    size = np.log(diameter_mm[rows] / 20.0) / 0.33
    value = np.empty((len(SEGMENTATIONS), len(FEATURES), rows.size))
    for j, feature in enumerate(FEATURES):
        of_cluster = size if feature.cluster == 1 else z[feature.cluster - 1]
        own = _hidden(place, h, len(chosen), 1, rng)[0]
        latent = feature.sign * LOADING * of_cluster + np.sqrt(1 - LOADING**2) * own
        noise = rng.standard_normal((len(SEGMENTATIONS) - 1, rows.size))
        scale = NOISE_ROBUST if feature.is_robust else NOISE_FRAGILE
        seen = np.vstack([latent, latent + scale * noise])
        value[:, j] = feature.typical * np.exp(feature.spread * seen)
    n = rows.size
    shape = (n, len(FEATURES), len(SEGMENTATIONS))
    lesion, feature_place, segmentation = (part.ravel() for part in np.indices(shape))
    values: Columns = {
        "lesion": rows[lesion],
        "patient": lesions["patient"][rows][lesion],
        "feature": feature_place,
        "segmentation": segmentation,
        "value": value[segmentation, feature_place, lesion],
    }
    truth: Columns = {
        "patient": chosen,
        "heterogeneity": h,
        "n_lesions": np.bincount(place, minlength=len(chosen)),
    }
    return values, truth, _feature_truth()


def _choose(patients: Columns, lesions: Columns) -> IntArray:
    """Positions of the patients whose lesions get features, ascending."""
    n = np.bincount(lesions["patient"], minlength=len(patients["patient"]))
    n = np.where(patients["excluded"] == "", n, 0)
    groups = [
        ((n >= 2) & (n <= 5), OLIGO),
        (n >= 15, MULTI),
        ((n > 5) & (n < 15), BETWEEN),
    ]
    trials = np.unique(patients["trial"])
    can_take = [
        sum(min(int((is_in & (patients["trial"] == t)).sum()), most) for is_in, most in groups)
        for t in trials
    ]
    trial = trials[int(np.argmax(can_take))]
    parts = [np.flatnonzero(is_in & (patients["trial"] == trial))[:most] for is_in, most in groups]
    return np.sort(np.concatenate(parts))


def _hidden(
    place: IntArray, h: FloatArray, n_patients: int, k: int, rng: np.random.Generator
) -> FloatArray:
    """(k, lesions) numbers of variance 1, the share h^2 of it between a patient's lesions."""
    of_patient = rng.standard_normal((k, n_patients))
    of_lesion = rng.standard_normal((k, place.size))
    within = h[place]
    return np.asarray(np.sqrt(1 - within**2) * of_patient[:, place] + within * of_lesion)


def _feature_truth() -> Columns:
    return {
        "feature": np.asarray([f.name for f in FEATURES]),
        "feature_class": np.asarray([f.feature_class for f in FEATURES]),
        "cluster": np.asarray([f.cluster for f in FEATURES]),
        "is_robust": np.asarray([f.is_robust for f in FEATURES]),
        "spread": np.asarray([f.spread for f in FEATURES]),
        "sign": np.asarray([f.sign for f in FEATURES]),
        "unit": np.asarray([f.unit for f in FEATURES]),
    }
