"""Settings of radiomics."""

from __future__ import annotations

from warehouse.setting_lists.setting import MAX_CONFIDENCE, Setting

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "radiomics.segmentation",
        "original",
        "segmentation that is analysed; where a study has none of this name, the one with most "
        "lesions",
    ),
    Setting(
        "radiomics.region",
        "whole",
        "region in which lesions are compared; where a study has none of this name, the one with "
        "most lesions",
    ),
    Setting(
        "radiomics.ccc_threshold",
        0.8,
        "least concordance of a robust feature between the reference segmentation and each other "
        "(Henry 2022)",
    ),
    Setting(
        "radiomics.least_compared_percent",
        10.0,
        "a segmentation of a smaller share of the lesions does not decide whether a feature is "
        "robust",
        minimum=0.0,
    ),
    Setting(
        "radiomics.least_known_percent",
        80.0,
        "a feature known for a smaller share of the lesions is not selected",
        minimum=0.0,
    ),
    Setting(
        "radiomics.linkage",
        "average",
        "linkage of the clusters of features and of lesions",
        choices=("average", "complete", "single"),
    ),
    Setting(
        "radiomics.cluster_distance",
        0.3,
        "features join one cluster up to this distance, 1 - |r|",
        minimum=0.0,
    ),
    Setting(
        "radiomics.clusters",
        0,
        "cut the features into so many clusters instead (Henry 2022: 8, by eye); 0 to cut by "
        "distance",
        minimum=0,
    ),
    Setting(
        "radiomics.understandable",
        "VoxelVolume, MeshVolume, volume_mm3, TOTALVOLUME, Maximum2DDiameterSlice, "
        "Maximum3DDiameter, long_axis_mm, MAXDIAMETER3D, Sphericity, SurfaceArea, 90Percentile, "
        "Mean, Median, Entropy, Energy",
        "features preferred to others as their cluster's representative, best first, commas "
        "between; then the first by name",
    ),
    Setting(
        "radiomics.scaling",
        "z-score",
        "how features are brought to one scale for the cosine distance, over the study's lesions",
        choices=("z-score", "robust", "min-max", "none"),
    ),
    Setting(
        "radiomics.cosine",
        "one_minus_cosine",
        "variant of the cosine distance: 1 - cos (0 to 2), half of it (0 to 1), the angle over pi "
        "(0 to 1)",
        choices=("one_minus_cosine", "half_one_minus_cosine", "angular"),
    ),
    Setting(
        "radiomics.lesion_cluster_distance",
        0.5,
        "lesions of a patient join one cluster up to this distance",
        minimum=0.0,
    ),
    Setting(
        "radiomics.significance",
        0.0015,
        "p-values below it are significant (Henry 2022: Bonferroni); 0 for 0.05 over the number of "
        "tests of the study",
        minimum=0.0,
    ),
    Setting(
        "radiomics.resamples",
        2000,
        "bootstrap samples of the mean variation; 0 for none",
        minimum=0,
    ),
    Setting(
        "radiomics.strategies",
        "random 1, random 2, random 3, random per_site 2, random per_site 3, "
        "random per_site 2 without bone, largest 1, largest 2, largest 5, smallest 5, "
        "largest 5 per_site 2, largest 5 per_site 2 without bone, target",
        "sampling strategies, commas between: the six of Henry 2022, then ours; your own: ORDER N "
        "per_site M without ORGAN",
    ),
    Setting(
        "radiomics.growth_strategies",
        "random 1, random 2, random 3, random 5, random per_site 2, largest 1, largest 2, "
        "largest 5, smallest 5, largest 5 per_site 2, random 5 per_site 2",
        "strategies of the same study on growth (Gower distances)",
    ),
    Setting(
        "radiomics.simulations",
        500,
        "samples of a random strategy where subsets are too many (Henry 2022: 500)",
        minimum=2,
    ),
    Setting(
        "radiomics.exact_subsets",
        500,
        "up to so many subsets all are enumerated, and the mean is exact",
        minimum=0,
    ),
    Setting(
        "radiomics.curve_lesions", 15, "most lesions of the recovery curve (Henry 2022)", minimum=2
    ),
    Setting(
        "radiomics.recovered_share",
        0.75,
        "share of an index for which the lesions needed are counted (Henry 2022)",
        minimum=0.0,
    ),
    Setting(
        "radiomics.definition",
        "pairs",
        "definition that figures show: mean over the pairs, or the full matrix with its zero "
        "diagonal that the published figures agree with; both are in the tables",
        choices=("pairs", "published"),
    ),
    Setting(
        "radiomics.confidence",
        0.95,
        "confidence of the intervals of radiomics",
        minimum=0.0,
        maximum=MAX_CONFIDENCE,
    ),
)
