"""Settings of the responses that sources state, and of iRECIST."""

from __future__ import annotations

from warehouse.setting_lists.setting import Setting

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "response.criterion",
        "",
        "criteria whose stated responses count, in order of preference, separated by commas, "
        "such as 'PCWG3, RECIST 1.1'; empty for the RECIST family, else a study's only criterion",
    ),
    Setting(
        "irecist.confirmation_min_days",
        28,
        "days after an unconfirmed progression (iUPD) from which a scan can confirm it (iRECIST)",
        minimum=0,
        maximum=36525,
    ),
    Setting(
        "irecist.confirmation_max_days",
        56,
        "days after an unconfirmed progression (iUPD) up to which a scan can confirm it (iRECIST)",
        minimum=0,
        maximum=36525,
    ),
    Setting(
        "irecist.further_growth_mm",
        5.0,
        "growth of a sum of diameters since the iUPD that confirms it, mm (iRECIST)",
        minimum=0.0,
        maximum=1000.0,
    ),
)
