"""Settings of patients' endpoints: which source counts, response, and censoring."""

from __future__ import annotations

from warehouse.setting_lists.setting import MAX_CONFIDENCE, Setting

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "endpoints.basis",
        "stated_else_derived",
        "which endpoint counts where the source states one (ADTTE, RS) and one is derived from the "
        "lesions",
        choices=("stated_else_derived", "derived_else_stated"),
    ),
    Setting(
        "endpoints.stated_parameters",
        "",
        "values of PARAMCD in ADTTE that count where a patient has several for one endpoint, in "
        "order of preference, separated by commas, such as 'PFSIRC, PFS'; empty for the order of "
        "readers in study.yml",
    ),
    Setting(
        "endpoints.confirmed_response",
        False,
        "whether time to response and its duration ask for a confirmed response (RECIST 1.1 asks "
        "for it where response is the primary endpoint of a trial without randomisation)",
    ),
    Setting(
        "endpoints.stable_min_days",
        42,
        "days from the first dose from which stable disease counts (RECIST 1.1: six to eight "
        "weeks)",
        minimum=0,
        maximum=3652,
    ),
    Setting(
        "endpoints.confirmation_min_days",
        28,
        "days after which a second assessment confirms a response (RECIST 1.1: four weeks)",
        minimum=0,
        maximum=3652,
    ),
    Setting(
        "endpoints.missed_assessments",
        2,
        "an event after so many missed assessments is censored before them (FDA guidance); 0 for "
        "never",
        minimum=0,
        maximum=1000,
    ),
    Setting(
        "endpoints.assessment_interval_days",
        0,
        "days between scheduled assessments; 0 for the median of the study's own",
        minimum=0,
        maximum=3652,
    ),
    Setting(
        "endpoints.visit_window_days",
        14,
        "days by which an assessment may be late, and the one before it early, together, before "
        "one counts as missed",
        minimum=0,
        maximum=3652,
    ),
    Setting(
        "endpoints.confidence",
        0.95,
        "confidence of the limits of response rates",
        minimum=0.0,
        maximum=MAX_CONFIDENCE,
    ),
)
