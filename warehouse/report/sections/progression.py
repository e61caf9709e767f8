"""In which order organs progress."""

from warehouse.report.parts import Count, Figure, Section

_ROWS = (Count("rows"),)

PROGRESSION = Section(
    "progression",
    "Progression",
    "In which order a patient's organs progress, which orders go together, and what they mean for "
    "survival (Zhou 2023, Fig. 4 and 5).",
    (
        Figure(
            name="progression-sequence",
            title="Sequences of progression",
            table="mart.fig_progression_sequence",
            chart="table",
            method="Organs of each patient in the order of their first progression.",
            counts=_ROWS,
        ),
        Figure(
            name="progression-cluster",
            title="Clusters of sequences and survival",
            table="mart.fig_progression_cluster",
            chart="table",
            method="k-means clusters of sequences, Kaplan-Meier estimates of their survival.",
            counts=_ROWS,
        ),
        Figure(
            name="progression-interval",
            title="Time between progressions",
            table="mart.fig_progression_interval",
            chart="table",
            method="Days from one organ's progression to the next.",
            counts=_ROWS,
        ),
        Figure(
            name="organ-transition",
            title="From which organ to which",
            table="mart.fig_organ_transition",
            chart="table",
            method="Consecutive progressions of different organs, counted.",
            counts=_ROWS,
        ),
        Figure(
            name="progression-prediction",
            title="Predicting the cluster from the baseline",
            table="mart.fig_progression_prediction",
            chart="table",
            method="Cross-validated prediction of each patient's cluster.",
            counts=_ROWS,
        ),
    ),
)
