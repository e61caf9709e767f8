"""How unlike the images of one patient's lesions are."""

from warehouse.report.parts import Count, Figure, Section

_ROWS = (Count("rows"),)

RADIOMICS = Section(
    "radiomics",
    "Radiomics",
    "Image features of lesions: which are robust, and how they vary between the lesions of one "
    "patient (Henry 2022). Only for studies that bring such features.",
    (
        Figure(
            name="radiomic-robustness",
            title="Robustness of features",
            table="mart.fig_radiomic_robustness",
            chart="table",
            method="Concordance of each feature between segmentations.",
            counts=_ROWS,
        ),
        Figure(
            name="radiomic-heterogeneity",
            title="Heterogeneity between a patient's lesions",
            table="mart.fig_radiomic_heterogeneity",
            chart="table",
            method="Cosine distances between lesions: their average and their largest.",
            counts=_ROWS,
        ),
        Figure(
            name="radiomic-sampling",
            title="How much a few lesions recover",
            table="mart.fig_radiomic_sampling",
            chart="table",
            method="Share of the heterogeneity that samples of the lesions recover.",
            counts=_ROWS,
        ),
    ),
)
