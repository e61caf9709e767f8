"""Hazards by a Cox model with a Gaussian random effect of the patient.

    columns = design(factor("organ", organ, reference="abdomen"), numeric("age_years", age))
    data = cox_data(days, is_event, columns, group=patient)
    fit = fit_cox(data)

See ``fit_cox`` for the model, ``CoxFit`` for what it gives. Modules, from the outside in: ``fit``,
``inference``, ``predict``, ``proportional``, ``selection``, ``phenotype``, ``bootstrap`` for users;
``nested`` adds effects of sites; ``estimate`` searches the variance; ``objective`` (Laplace) and
``quadrature`` integrate the random effect; ``determinant``, ``solver``, ``prior``, ``groups``,
``partial``, ``index`` do the arithmetic.
"""

from udfs.hazards.bootstrap import Bootstrap, patient_bootstrap
from udfs.hazards.data import CoxData, cox_data
from udfs.hazards.design import Design, Term, design, factor, factor_within, numeric
from udfs.hazards.errors import (
    CollinearTermError,
    ConstantTermError,
    EmptyLevelError,
    HazardDataError,
    NoEventError,
    NoPhenotypeError,
    NoRepetitionError,
    SeparatedTermError,
    TermError,
)
from udfs.hazards.estimate import Options
from udfs.hazards.fit import fit_cox
from udfs.hazards.inference import (
    HazardRatios,
    TermTest,
    VarianceTest,
    against_mean,
    coefficient_tests,
    contrasts,
    hazard_ratios,
    level_weights,
    term_tests,
    variance_test,
)
from udfs.hazards.joint import joint_covariance, score_residuals
from udfs.hazards.nested import NestedFit, fit_nested
from udfs.hazards.phenotype import (
    QUADRANTS,
    OrganEffects,
    Phenotypes,
    organ_effects,
    organ_phenotypes,
)
from udfs.hazards.predict import SurvivalPrediction, predict_survival
from udfs.hazards.proportional import ProportionalCheck, ProportionalTest, check_proportional
from udfs.hazards.result import Baseline, CoxFit, Frailty
from udfs.hazards.selection import Candidate, CandidateTest, Selection, select_covariates
from udfs.hazards.separated import OneSided, one_sided, separated_column
from udfs.hazards.simulation import SimulatedLesions, simulate_lesions

__all__ = [
    "QUADRANTS",
    "Baseline",
    "Bootstrap",
    "Candidate",
    "CandidateTest",
    "CollinearTermError",
    "ConstantTermError",
    "CoxData",
    "CoxFit",
    "Design",
    "EmptyLevelError",
    "Frailty",
    "HazardDataError",
    "HazardRatios",
    "NestedFit",
    "NoEventError",
    "NoPhenotypeError",
    "NoRepetitionError",
    "OneSided",
    "Options",
    "OrganEffects",
    "Phenotypes",
    "ProportionalCheck",
    "ProportionalTest",
    "Selection",
    "SeparatedTermError",
    "SimulatedLesions",
    "SurvivalPrediction",
    "Term",
    "TermError",
    "TermTest",
    "VarianceTest",
    "against_mean",
    "check_proportional",
    "coefficient_tests",
    "contrasts",
    "cox_data",
    "design",
    "factor",
    "factor_within",
    "fit_cox",
    "fit_nested",
    "hazard_ratios",
    "joint_covariance",
    "level_weights",
    "numeric",
    "one_sided",
    "organ_effects",
    "organ_phenotypes",
    "patient_bootstrap",
    "predict_survival",
    "score_residuals",
    "select_covariates",
    "separated_column",
    "simulate_lesions",
    "term_tests",
    "variance_test",
]
