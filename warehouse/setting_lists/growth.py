"""Settings of the growth model."""

from __future__ import annotations

from warehouse.setting_lists.setting import Setting

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "growth.model",
        "two_population",
        "growth of target lesions: Zhou 2023 with growth before the first dose as in its published "
        "code, or flat before it as in its equation (2); or another of the shipped models, without "
        "modelled events",
        choices=(
            "two_population",
            "two_population_flat",
            "stein_fojo",
            "claret",
            "exponential",
            "gompertz",
            "logistic",
        ),
    ),
    Setting(
        "growth.subset_by",
        "tumor_type",
        "lesions whose growth is fitted together: those of one tumor type, study, line of therapy "
        "or arm of a study, or all",
        choices=("tumor_type", "study", "line_of_therapy", "arm", "all"),
    ),
    Setting(
        "growth.count_baseline",
        False,
        "whether baselines, whose residual is 0 by construction, count as observations (Monolix "
        "counts them)",
    ),
    Setting(
        "growth.fewest_lesions",
        30,
        "fewer usable target lesions are not fitted",
        minimum=10,
    ),
    Setting(
        "growth.draws",
        100,
        "draws of each lesion's parameters, for bands and for intervals of modelled events",
        minimum=20,
    ),
    Setting(
        "growth.patient_effects",
        True,
        "whether lesions of one patient vary together in the growth model; false takes lesions as "
        "independent, as Zhou 2023 does, and is biased where patients leave on progression",
    ),
    Setting(
        "growth.dropout",
        True,
        "whether the growth model with patients' effects also holds the hazard of progression that "
        "target lesions do not show (new and non-target lesions, death); false takes such patients "
        "as if they had left by chance",
    ),
    Setting(
        "growth.death_window_days",
        112,
        "a death so many days after the last scan or earlier is why measuring ended (two visits of "
        "eight weeks); a later one is not",
        minimum=0,
    ),
    Setting(
        "growth.warm_start",
        False,
        "whether the growth fit starts from the published one: quicker, but the result then "
        "depends, within its Monte Carlo error, on what was there before",
    ),
    Setting(
        "growth.event_baseline",
        "predicted",
        "volume from which modelled events are measured: the curve's on day 0, or the measured one",
        choices=("predicted", "measured"),
    ),
    Setting(
        "growth.event_horizon_days",
        0,
        "days after a patient's last scan until which modelled events count; later ones are what "
        "nobody could have seen, and would make who lives long progress in more organs",
        minimum=0,
    ),
    Setting(
        "growth.pooled_draws",
        20,
        "draws of each lesion's growth parameters that are kept, and over which tests are pooled",
        minimum=5,
    ),
    Setting(
        "growth.check_strata",
        "treatment_class",
        "groups of lesions whose growth fit is also checked by itself",
        choices=("none", "treatment_class", "organ", "both"),
    ),
    Setting(
        "growth.vpc_simulations",
        200,
        "simulations of the whole project behind the visual predictive check of growth",
        minimum=50,
    ),
    Setting(
        "growth.covariates",
        "organ therapy line_of_therapy",
        "covariates of a second growth fit, separated by spaces; empty for none. Possible: organ, "
        "therapy, targeting, treatment, treatment_class, line_of_therapy, kras_status, race, sex, "
        "prior_surgery, study_id",
    ),
    Setting(
        "growth.correlated",
        True,
        "whether a growth fit with correlated random effects is made beside the published one",
    ),
    Setting(
        "growth.compare_models",
        False,
        "whether all growth models are fitted to each study and arm and compared; takes minutes",
    ),
    Setting(
        "growth.compare_lesions",
        300,
        "lesions of a study or arm that growth models are compared on; 0 for all",
        minimum=0,
    ),
)
