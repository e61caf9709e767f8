"""Settings of joint models of growth and survival."""

from __future__ import annotations

from warehouse.setting_lists.setting import Setting

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "joint.links",
        "",
        "what of the lesions' curves the hazard may depend on, one model each, separated by "
        "spaces, such as 'organ value slope ttg kg'; empty for no joint model. Each costs a large "
        "trial minutes. Possible: organ (size by organ), value (sum of "
        "diameters), slope (its change), ttg (time to growth), kg (growth rate), shared (the "
        "patient's effects on growth)",
    ),
    Setting(
        "joint.endpoints",
        "OS",
        "endpoints that joint models are fitted to, separated by spaces: OS, PFS (progression is "
        "seen on the same sizes, so that its link is description)",
    ),
    Setting(
        "joint.baseline",
        "piecewise",
        "baseline hazard of joint models: constant between quantiles of the events, or Weibull",
        choices=("piecewise", "weibull"),
    ),
    Setting(
        "joint.covariates",
        "treatment",
        "covariates of the hazard of joint models, separated by spaces; empty for none; levels of "
        "fewer than 20 events count together as other. Possible: therapy, targeting, treatment, "
        "treatment_class, line_of_therapy, kras_status, race, sex, prior_surgery, study_id",
    ),
    Setting(
        "joint.draws",
        100,
        "draws of each patient's curves behind joint models; their Monte Carlo error is stated",
        minimum=20,
        maximum=5000,
    ),
    Setting(
        "joint.landmarks",
        "",
        "days from the first dose on which survival is predicted, separated by spaces, such as "
        "'56 112 168 224'; empty for no prediction, which each model's fit to each fold makes the "
        "dearest step of a large trial",
    ),
    Setting(
        "joint.horizons",
        "180 365",
        "days from a landmark for which survival is predicted, separated by spaces",
    ),
    Setting(
        "joint.fewest_prediction_events",
        100,
        "fewer deaths give no prediction of survival: a comparison of predictions says nothing, "
        "and they cost more than all joint models together",
        minimum=20,
    ),
)
