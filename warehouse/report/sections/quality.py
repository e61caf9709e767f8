"""What was checked, quarantined and left out."""

from warehouse.report.parts import Count, Figure, Filter, Section

QUALITY = Section(
    "quality",
    "Data quality",
    "What was checked, what was quarantined and why. Such rows keep their place in the source.",
    (
        Figure(
            name="checks",
            title="Checks of the tables",
            table="quality.check_result",
            query="SELECT split_part(table_name, '.', 1) AS layer, table_name, check_id, severity, "
            "CASE WHEN success THEN 'holds' ELSE severity || ' failed' END AS state, "
            "unexpected_count, description, remedy FROM quality.check_result "
            "ORDER BY success, severity, table_name, check_id",
            chart="checks",
            method="Great Expectations suites and SQL checks, run at each layer's gate. A critical "
            "failure stops the publishing.",
            counts=(Count("checks"), Count("tables", distinct="table_name")),
            filters=(
                Filter("layer", "Layer", is_optional=True),
                Filter("severity", "Severity", is_optional=True),
            ),
            if_empty="No checks were made.",
        ),
        Figure(
            name="load",
            title="Files and their rows",
            table="mart.fig_load",
            query="SELECT * FROM mart.fig_load ORDER BY study_id, source_file, domain, entry",
            chart="table",
            options={"columns": ["study_id", "source_file", "domain", "rows_in_file",
                                 "rows_loaded", "rows_quarantined", "is_balanced"], "shown": 12},
            method="Rows in the file are rows loaded and rows in quarantine, nothing else.",
            counts=(Count("rows in files", total="rows_in_file"),
                    Count("quarantined", total="rows_quarantined")),
            filters=(Filter("study_id", "Study", is_optional=True),),
        ),
        Figure(
            name="quarantine",
            title="Quarantined rows",
            table="mart.fig_quarantine",
            query="SELECT *, domain || ': ' || reason AS label FROM mart.fig_quarantine "
            "ORDER BY n_rows DESC, study_id, domain, reason",
            chart="bars",
            options={"label": "label", "value": "n_rows", "mode": "sum", "axis": "Rows"},
            method="Rows that cannot be used, by reason; each with its remedy in the table. The "
            "rows themselves: quality.quarantine.",
            counts=(Count("rows", total="n_rows"),),
            filters=(Filter("study_id", "Study", is_optional=True),),
            if_empty="No row was quarantined.",
        ),
        Figure(
            name="findings",
            title="Known defects that were looked for",
            table="mart.fig_finding",
            query="SELECT * FROM mart.fig_finding ORDER BY n_quarantined + n_findings DESC, "
            "defect_id",
            chart="table",
            options={"columns": ["title", "severity", "handling", "n_quarantined", "n_findings",
                                 "remedy"], "shown": 12},
            method="Defects that trial tables are known for, each looked for in every study; most "
            "found first. Single findings: quality.finding.",
            counts=(Count("defects looked for"), Count("rows quarantined", total="n_quarantined"),
                    Count("findings", total="n_findings")),
        ),
        Figure(
            name="exclusions",
            title="Left out of analyses",
            table="mart.fig_exclusion",
            query="SELECT * FROM mart.fig_exclusion "
            "ORDER BY analysis <> 'cohort', analysis, level DESC, n_lesions DESC, reason",
            chart="table",
            options={"columns": ["analysis", "level", "reason", "n_patients", "n_lesions"]},
            method="Patients and lesions left out of each analysis. Here a patient or lesion with "
            "several reasons stands under each; the CONSORT diagram counts each once.",
            counts=(Count("reasons"),),
            if_empty="Nothing was left out.",
        ),
        Figure(
            name="row-audit",
            title="Rows from step to step",
            table="mart.fig_row_audit",
            query="SELECT * FROM mart.fig_row_audit ORDER BY step_order, step",
            chart="table",
            options={"columns": ["step", "rows_in", "rows_out", "rows_quarantined",
                                 "rows_excluded", "rows_collapsed", "is_balanced", "reason"],
                     "shown": 12},
            method="Rows in = rows out + quarantined + excluded + collapsed, at every step.",
            counts=(Count("steps"), Count("rows in", total="rows_in")),
        ),
    ),
)  # fmt: skip
