"""How much of a heterogeneity a few lesions show: two figures, of two kinds of distances."""

from warehouse.report.parts import Count, Figure, Filter

_METHOD = (
    "Average and largest distance between the chosen lesions over that between all of a "
    "patient's lesions, by {what}; limits are quantiles over all samples (Henry 2022, {where})."
)
_NONE = "No patient has enough lesions."


def recovery(name: str, table: str, what: str) -> Figure:
    """The share recovered against the number of random lesions."""
    return Figure(
        name=name,
        title=f"How many lesions show the heterogeneity, by {what}",
        table=table,
        query=f"SELECT * FROM {table} ORDER BY cohort = 'all' DESC, cohort, index, n_lesions",
        chart="lines",
        options={
            "x": "n_lesions",
            "y": "recovered_percent",
            "lo": "recovered_lower_percent",
            "hi": "recovered_upper_percent",
            "group": "index",
            "points": True,
            "xlabel": "Random lesions",
            "ylabel": "Recovered, percent",
        },
        method=_METHOD.format(what=what, where="Fig. 6"),
        counts=(Count("patients", largest="n_patients"),),
        filters=(Filter("cohort", "Patients", "all"), Filter("definition", "Definition")),
        if_empty=_NONE,
    )


def sampling(name: str, table: str, what: str) -> Figure:
    """The share recovered by each way of choosing lesions."""
    return Figure(
        name=name,
        title=f"What a choice of few lesions shows, by {what}",
        table=table,
        query=f"SELECT * FROM {table} ORDER BY cohort = 'all' DESC, cohort, index, strategy",
        chart="intervals",
        options={
            "label": "strategy",
            "series": [
                {
                    "x": "recovered_percent",
                    "lo": "recovered_lower_percent",
                    "hi": "recovered_upper_percent",
                    "name": "mean share recovered",
                }
            ],
            "axis": "Recovered, percent",
            "scale": "linear",
            "domain": [0, None],
            "reference": 100,
            "text": "n_patients",
            "texttitle": "patients",
        },
        method=_METHOD.format(what=what, where="Table 2"),
        counts=(Count("patients", largest="n_patients"),),
        filters=(
            Filter("cohort", "Patients", "all"),
            Filter("index", "Index"),
            Filter("definition", "Definition"),
        ),
        if_empty=_NONE,
    )
