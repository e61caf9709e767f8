"""Settings of when metastases began."""

from __future__ import annotations

from warehouse.setting_lists.setting import Setting

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "onset.visible_mm",
        5.0,
        "diameter from which on a lesion can be seen, mm",
        minimum=0.1,
        maximum=100.0,
    ),
    Setting(
        "onset.size_log_sd",
        0.25,
        "standard deviation of the logarithm of a measured volume; a growth rate before treatment "
        "is as sure as this lets it be",
        minimum=0.001,
        maximum=5.0,
    ),
    Setting(
        "onset.prior_doubling_days",
        0.0,
        "doubling time before treatment, days, taken for lesions with one scan before it; 0: none "
        "is stated, and their onset is refused",
        minimum=0.0,
        maximum=36525.0,
    ),
    Setting(
        "onset.prior_log_sd",
        0.3,
        "standard deviation of the logarithm of that doubling time between lesions",
        minimum=0.001,
        maximum=5.0,
    ),
)
