"""Settings of hazards by organ."""

from __future__ import annotations

from warehouse.setting_lists.setting import MAX_CONFIDENCE, Setting

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "hazards.event_source",
        "modelled",
        "times of target lesions: from the growth model where it has them (Zhou 2023), or seen on "
        "scans; non-target lesions by status, new lesions by detection",
        choices=("modelled", "observed"),
    ),
    Setting(
        "hazards.reference_organ",
        "abdomen",
        "organ that the others are compared with (Zhou 2023), or several, commas between: the "
        "first that has events enough; the most frequent where none has",
    ),
    Setting(
        "hazards.covariates",
        "auto",
        "covariates to be tested, commas between: treatment, line_of_therapy, age_years, sex, "
        "race, bmi_kg_m2, bsa_m2, prior_surgery, prior_radiation, prior_adjuvant, ecog, "
        "ldh_ratio, kras_status, primary_site; auto: those of Zhou 2023 for the tumor type",
    ),
    Setting(
        "hazards.selection",
        "each",
        "how covariates are tested: each alone beside organ, or step by step",
        choices=("each", "forward", "backward"),
    ),
    Setting(
        "hazards.selection_level",
        0.05,
        "covariates with a likelihood-ratio p below it enter the final model (Zhou 2023)",
        minimum=0.0,
    ),
    Setting(
        "hazards.least_events",
        5,
        "an organ, or a covariate's level, needs this many events for a hazard ratio of its own",
        minimum=1,
    ),
    Setting(
        "hazards.least_known_percent",
        80.0,
        "a covariate known for a smaller share of the lesions is not tested",
        minimum=0.0,
        maximum=100.0,
    ),
    Setting(
        "hazards.rare_organs",
        "left_out",
        "what becomes of organs with too few events: left out, or counted as 'other'",
        choices=("left_out", "merged"),
    ),
    Setting(
        "hazards.new_lesions",
        "from_day_0",
        "new lesions in the hazard of progression: at risk from the first dose to their detection "
        "(Zhou 2023; the model without them stands beside), or left out",
        choices=("from_day_0", "left_out"),
    ),
    Setting(
        "hazards.method",
        "laplace",
        "how the patient's random effect is integrated: laplace (exact determinant), sparse (as "
        "R's coxme), aghq (quadrature)",
        choices=("laplace", "sparse", "aghq"),
    ),
    Setting(
        "hazards.random_effect",
        "patient",
        "patient; or also patients within sites, or within studies: the final models again with "
        "two nested random effects (analysis.hazard_nested_fit)",
        choices=("patient", "site/patient", "study/patient"),
    ),
    Setting("hazards.ties", "efron", "tied event times", choices=("efron", "breslow")),
    Setting(
        "hazards.confidence",
        0.95,
        "confidence of the intervals of hazards",
        minimum=0.0,
        maximum=MAX_CONFIDENCE,
    ),
    Setting(
        "hazards.level_tests",
        True,
        "whether each organ, and the antibody in each organ, has its own likelihood-ratio test",
    ),
    Setting(
        "hazards.phenotype_probability",
        0.5,
        "an organ is assigned its most probable phenotype from this probability on",
        minimum=0.0,
        maximum=1.0,
    ),
    Setting(
        "hazards.phenotype_draws", 20000, "draws for the probabilities of phenotypes", minimum=100
    ),
)
