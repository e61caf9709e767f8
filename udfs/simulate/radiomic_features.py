"""The 107 features of pyradiomics 3.0 that Henry et al. extracted, and how each is simulated.

Classes are pyradiomics': 18 first-order, 14 shape, 24 GLCM, 16 GLRLM, 16 GLSZM, 14 GLDM, 5 NGTDM.

27 of them hold when the contour is moved, in eight clusters whose representatives are those of
the paper: Voxel Volume, Maximum 2D Diameter Slice, Sphericity, 90 Percentile, Large Dependence
Emphasis, Dependence Variance, Large Dependence High Gray Level Emphasis, Informational Measure of
Correlation 1. The paper names these eight; which the other 19 are it does not say, and they are
chosen so that the paper's rule (the most understandable, else the first by name) selects the eight.

Spreads are set so that the mean coefficients of variation within patients come out as published
for cohort M: 7.2 % for sphericity, 144 % for volume, above 30 % for the other six; and as for the
order of all 107 in cohort L: Inverse Difference Moment Normalized least (1.6 %), Skewness most,
the classes shape and GLSZM above the others.
"""

from __future__ import annotations

from dataclasses import dataclass

VOLUME, DIAMETER, SPHERICITY, INTENSITY, LONG_RUNS, DEPENDENCE, BRIGHT_RUNS, CORRELATION = range(8)
"""Clusters of robust features; 0 and 1 are size."""
N_CLUSTERS = 8
CLASSES = {
    "firstorder": "first-order",
    "shape": "shape",
    "glcm": "GLCM",
    "glrlm": "GLRLM",
    "glszm": "GLSZM",
    "gldm": "GLDM",
    "ngtdm": "NGTDM",
}
POSITIVE, SHARE, SIGNED = "positive", "share", "signed"
"""Scales: typical * exp(spread z); between 0 and 1, on the logit; typical + spread z, around 0,
with z of no cluster and all of its variance within patients."""
LOADING_ROBUST, LOADING_FRAGILE = 0.98, 0.7
"""Correlation of a feature (on its scale) with the hidden number of its cluster."""
CONTOUR_ROBUST = 0.1
"""What another contour adds to a robust feature, in its standard deviations: a concordance near
0.99 (of fragile ones, with 1 and more, 2/3 and less; of the logarithm: that of the feature is
less)."""


@dataclass(frozen=True)
class Feature:
    """One simulated feature."""

    short_name: str
    """Class and name, as pyradiomics joins them."""
    cluster: int
    """Hidden number that it follows."""
    typical: float
    spread: float
    """Standard deviation over all lesions: of the logarithm at the typical value, or of the value
    itself (signed)."""
    contour: float = CONTOUR_ROBUST
    """Standard deviations that another contour adds."""
    scale: str = POSITIVE
    sign: int = 1
    """Direction in which it follows its cluster."""
    power: float = 0.0
    """Of the diameter, where it follows size; of shape features their dimension in mm."""
    same_as: str = ""
    """Feature of which it is a multiple by definition: with voxels of 1 mm3 Total Energy is Energy,
    and Sum Average is always twice Joint Average."""

    @property
    def name(self) -> str:
        return f"original_{self.short_name}"

    @property
    def feature_class(self) -> str:
        return CLASSES[self.short_name.partition("_")[0]]

    @property
    def is_robust(self) -> bool:
        return self.contour <= CONTOUR_ROBUST

    @property
    def loading(self) -> float:
        return LOADING_ROBUST if self.is_robust else LOADING_FRAGILE

    @property
    def unit(self) -> str:
        """mm, mm2 or mm3 of shape features that measure a length, an area or a volume; else ''."""
        if self.feature_class != "shape":
            return ""
        return {0.0: "1", -1.0: "1/mm", 1.0: "mm", 2.0: "mm2", 3.0: "mm3"}[self.power]


F = Feature
FEATURES = (
    # First-order, 18.
    F("firstorder_10Percentile", INTENSITY, 32.0, 0.87, 1.0),
    F("firstorder_90Percentile", INTENSITY, 110.0, 0.96),
    F("firstorder_Energy", VOLUME, 2.6e7, 0.30, power=3.0),
    F("firstorder_Entropy", CORRELATION, 2.9, 0.29, 1.0),
    F("firstorder_InterquartileRange", CORRELATION, 34.0, 0.72, 1.2),
    F("firstorder_Kurtosis", CORRELATION, 3.4, 0.80, 1.6),
    F("firstorder_Maximum", INTENSITY, 190.0, 0.72, 1.4),
    F("firstorder_Mean", INTENSITY, 75.0, 0.96),
    F("firstorder_MeanAbsoluteDeviation", CORRELATION, 22.0, 0.72, 1.2),
    F("firstorder_Median", INTENSITY, 76.0, 0.96),
    F("firstorder_Minimum", INTENSITY, -60.0, 36.00, 1.6, SIGNED),
    F("firstorder_Range", CORRELATION, 250.0, 0.65, 1.5),
    F("firstorder_RobustMeanAbsoluteDeviation", CORRELATION, 14.0, 0.72, 1.2),
    F("firstorder_RootMeanSquared", INTENSITY, 85.0, 0.80, 1.0),
    F("firstorder_Skewness", CORRELATION, -0.20, 0.60, 1.3, SIGNED),
    F("firstorder_TotalEnergy", VOLUME, 2.6e7, 0.30, power=3.0, same_as="firstorder_Energy"),
    F("firstorder_Uniformity", CORRELATION, 0.17, 0.58, 1.1, SHARE, -1),
    F("firstorder_Variance", CORRELATION, 820.0, 1.16, 1.2),
    # Shape, 14.
    F("shape_Elongation", SPHERICITY, 0.76, 0.38, 1.0, SHARE),
    F("shape_Flatness", SPHERICITY, 0.62, 0.30, scale=SHARE),
    F("shape_LeastAxisLength", DIAMETER, 13.0, 0.30, 0.9, power=1.0),
    F("shape_MajorAxisLength", DIAMETER, 20.0, 0.12, power=1.0),
    F("shape_Maximum2DDiameterColumn", DIAMETER, 21.0, 0.12, power=1.0),
    F("shape_Maximum2DDiameterRow", DIAMETER, 21.0, 0.12, power=1.0),
    F("shape_Maximum2DDiameterSlice", DIAMETER, 22.0, 0.08, power=1.0),
    F("shape_Maximum3DDiameter", DIAMETER, 24.0, 0.10, power=1.0),
    F("shape_MeshVolume", VOLUME, 3650.0, 0.06, power=3.0),
    F("shape_MinorAxisLength", DIAMETER, 16.0, 0.25, 0.9, power=1.0),
    F("shape_Sphericity", SPHERICITY, 0.74, 0.20, scale=SHARE),
    F("shape_SurfaceArea", DIAMETER, 1650.0, 0.12, power=2.0),
    F("shape_SurfaceVolumeRatio", DIAMETER, 0.45, 0.45, 1.0, power=-1.0),
    F("shape_VoxelVolume", VOLUME, 3700.0, 0.05, power=3.0),
    # GLCM, 24.
    F("glcm_Autocorrelation", INTENSITY, 260.0, 1.09, 1.2),
    F("glcm_ClusterProminence", CORRELATION, 4200.0, 1.59, 1.5),
    F("glcm_ClusterShade", CORRELATION, -55.0, 1.45, 1.6),
    F("glcm_ClusterTendency", CORRELATION, 24.0, 1.16, 1.2),
    F("glcm_Contrast", CORRELATION, 9.5, 1.09, 1.1, sign=-1),
    F("glcm_Correlation", CORRELATION, 0.42, 0.80, 1.1, SHARE),
    F("glcm_DifferenceAverage", CORRELATION, 2.2, 0.65, 1.0, sign=-1),
    F("glcm_DifferenceEntropy", CORRELATION, 2.2, 0.36, 1.0, sign=-1),
    F("glcm_DifferenceVariance", CORRELATION, 3.8, 1.09, 1.2, sign=-1),
    F("glcm_Id", LONG_RUNS, 0.47, 0.51, 1.0, SHARE),
    F("glcm_Idm", LONG_RUNS, 0.40, 0.65, 1.0, SHARE),
    F("glcm_Idmn", LONG_RUNS, 0.975, 0.028, 1.2, SHARE),
    F("glcm_Idn", LONG_RUNS, 0.89, 0.12, 1.1, SHARE),
    F("glcm_Imc1", CORRELATION, -0.21, 1.10),
    F("glcm_Imc2", CORRELATION, 0.66, 0.40, 1.0, SHARE),
    F("glcm_InverseVariance", LONG_RUNS, 0.40, 0.43, 1.3, SHARE),
    F("glcm_JointAverage", INTENSITY, 15.0, 0.72, 1.2),
    F("glcm_JointEnergy", CORRELATION, 0.035, 0.94, 1.0, sign=-1),
    F("glcm_JointEntropy", CORRELATION, 5.4, 0.36, 1.0),
    F("glcm_MCC", CORRELATION, 0.55, 0.51, 1.3, SHARE),
    F("glcm_MaximumProbability", CORRELATION, 0.08, 0.87, 1.2, SHARE, -1),
    F("glcm_SumAverage", INTENSITY, 30.0, 0.72, 1.2, same_as="glcm_JointAverage"),
    F("glcm_SumEntropy", CORRELATION, 3.6, 0.32, 1.0),
    F("glcm_SumSquares", CORRELATION, 8.4, 1.09),
    # GLRLM, 16.
    F("glrlm_GrayLevelNonUniformity", VOLUME, 520.0, 0.10, power=2.8),
    F("glrlm_GrayLevelNonUniformityNormalized", CORRELATION, 0.16, 0.58, 1.1, SHARE, -1),
    F("glrlm_GrayLevelVariance", CORRELATION, 8.8, 1.09, 1.2),
    F("glrlm_HighGrayLevelRunEmphasis", BRIGHT_RUNS, 270.0, 1.16, 1.0),
    F("glrlm_LongRunEmphasis", LONG_RUNS, 1.9, 0.80),
    F("glrlm_LongRunHighGrayLevelEmphasis", BRIGHT_RUNS, 480.0, 1.80),
    F("glrlm_LongRunLowGrayLevelEmphasis", LONG_RUNS, 0.018, 1.38, 1.4),
    F("glrlm_LowGrayLevelRunEmphasis", INTENSITY, 0.011, 1.30, 1.3, sign=-1),
    F("glrlm_RunEntropy", CORRELATION, 3.5, 0.29, 1.0),
    F("glrlm_RunLengthNonUniformity", VOLUME, 2100.0, 0.12, power=2.9),
    F("glrlm_RunLengthNonUniformityNormalized", LONG_RUNS, 0.72, 0.36, 1.0, SHARE, -1),
    F("glrlm_RunPercentage", LONG_RUNS, 0.83, 0.22, 1.0, SHARE, -1),
    F("glrlm_RunVariance", DEPENDENCE, 0.36, 1.09),
    F("glrlm_ShortRunEmphasis", LONG_RUNS, 0.86, 0.17, 1.0, SHARE, -1),
    F("glrlm_ShortRunHighGrayLevelEmphasis", BRIGHT_RUNS, 235.0, 1.16, 1.0),
    F("glrlm_ShortRunLowGrayLevelEmphasis", INTENSITY, 0.009, 1.30, 1.3, sign=-1),
    # GLSZM, 16.
    F("glszm_GrayLevelNonUniformity", VOLUME, 60.0, 1.20, 1.0, power=1.8),
    F("glszm_GrayLevelNonUniformityNormalized", CORRELATION, 0.13, 1.01, 1.3, SHARE, -1),
    F("glszm_GrayLevelVariance", CORRELATION, 11.0, 1.45, 1.3),
    F("glszm_HighGrayLevelZoneEmphasis", BRIGHT_RUNS, 250.0, 1.45, 1.1),
    F("glszm_LargeAreaEmphasis", VOLUME, 1900.0, 1.60, 1.4, power=2.0),
    F("glszm_LargeAreaHighGrayLevelEmphasis", VOLUME, 4.4e5, 1.70, 1.4, power=2.0),
    F("glszm_LargeAreaLowGrayLevelEmphasis", VOLUME, 11.0, 1.80, 1.5, power=2.0),
    F("glszm_LowGrayLevelZoneEmphasis", INTENSITY, 0.014, 1.59, 1.4, sign=-1),
    F("glszm_SizeZoneNonUniformity", VOLUME, 165.0, 1.30, 1.1, power=1.8),
    F("glszm_SizeZoneNonUniformityNormalized", DEPENDENCE, 0.36, 1.23, 1.2, SHARE, -1),
    F("glszm_SmallAreaEmphasis", DEPENDENCE, 0.62, 0.87, 1.2, SHARE, -1),
    F("glszm_SmallAreaHighGrayLevelEmphasis", BRIGHT_RUNS, 155.0, 1.52, 1.2),
    F("glszm_SmallAreaLowGrayLevelEmphasis", INTENSITY, 0.008, 1.74, 1.5, sign=-1),
    F("glszm_ZoneEntropy", DEPENDENCE, 5.3, 0.87, 1.2),
    F("glszm_ZonePercentage", DEPENDENCE, 0.19, 1.30, 1.1, SHARE, -1),
    F("glszm_ZoneVariance", VOLUME, 1750.0, 1.70, 1.5, power=2.0),
    # GLDM, 14.
    F("gldm_DependenceEntropy", DEPENDENCE, 6.0, 0.29, 1.0),
    F("gldm_DependenceNonUniformity", VOLUME, 330.0, 0.12, power=2.8),
    F("gldm_DependenceNonUniformityNormalized", DEPENDENCE, 0.075, 0.65, 1.1, SHARE, -1),
    F("gldm_DependenceVariance", DEPENDENCE, 22.0, 1.07),
    F("gldm_GrayLevelNonUniformity", VOLUME, 640.0, 0.10, power=2.9),
    F("gldm_GrayLevelVariance", CORRELATION, 8.4, 1.09, 1.2),
    F("gldm_HighGrayLevelEmphasis", BRIGHT_RUNS, 275.0, 1.16, 1.0),
    F("gldm_LargeDependenceEmphasis", LONG_RUNS, 95.0, 1.23),
    F("gldm_LargeDependenceHighGrayLevelEmphasis", BRIGHT_RUNS, 24000.0, 1.89),
    F("gldm_LargeDependenceLowGrayLevelEmphasis", LONG_RUNS, 0.95, 1.59, 1.4),
    F("gldm_LowGrayLevelEmphasis", INTENSITY, 0.011, 1.30, 1.3, sign=-1),
    F("gldm_SmallDependenceEmphasis", LONG_RUNS, 0.055, 0.94, 1.1, SHARE, -1),
    F("gldm_SmallDependenceHighGrayLevelEmphasis", BRIGHT_RUNS, 15.0, 1.30, 1.1),
    F("gldm_SmallDependenceLowGrayLevelEmphasis", INTENSITY, 0.0006, 1.45, 1.4, sign=-1),
    # NGTDM, 5.
    F("ngtdm_Busyness", VOLUME, 1.3, 0.60, 1.2, power=0.6),
    F("ngtdm_Coarseness", VOLUME, 0.0045, 0.55, 1.0, sign=-1, power=-0.6),
    F("ngtdm_Complexity", CORRELATION, 520.0, 1.16, 1.2),
    F("ngtdm_Contrast", CORRELATION, 0.05, 1.09, 1.2),
    F("ngtdm_Strength", CORRELATION, 1.1, 1.23, 1.3),
)

__all__ = ["CLASSES", "FEATURES", "N_CLUSTERS", "SHARE", "SIGNED", "Feature"]
