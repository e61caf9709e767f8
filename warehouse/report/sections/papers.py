"""What three papers published, and what is found here."""

from warehouse.report.parts import Count, Figure, Filter, Section

PAPERS = Section(
    "papers",
    "Against the papers",
    "Numbers and directions that three papers published, beside this warehouse's. Of simulated "
    "trials it is said which numbers are calibrated, which have a planted effect behind them, and "
    "which come out by themselves.",
    (
        Figure(
            name="paper-comparison",
            title="Published findings and what is found here",
            table="mart.fig_paper_comparison",
            query="SELECT * FROM mart.fig_paper_comparison ORDER BY finding_order",
            chart="table",
            options={
                "columns": ["paper", "source", "finding", "published", "value", "ci_lower",
                            "ci_upper", "p_value", "unit", "agreement", "in_simulation"],
                "shown": 25,
            },
            method="Each finding is judged by the rule in its row (rule, criterion); p-values are "
            "not corrected for the number of rows. 'lesions compare-papers' writes the same table.",
            counts=(Count("findings"),),
            filters=(
                Filter("paper", "Paper", is_optional=True),
                Filter("agreement", "Agreement", is_optional=True),
                Filter("in_simulation", "In the simulation", is_optional=True),
            ),
            if_empty="The papers are of colorectal trials and of radiomic features; this warehouse "
            "has neither.",
        ),
    ),
)  # fmt: skip
