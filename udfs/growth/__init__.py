"""Growth of lesions: nonlinear mixed-effects models, fitted to the exact maximum in seconds.

    from udfs.growth import GrowthData, fit_growth
    data = GrowthData.from_arrays(lesion, time, volume, v0, t0, censoring, limit)
    fit = fit_growth(data)

Models are in ``models``, the checks of the data in ``check_data``; SAEM is in ``saem``, the
likelihood by importance sampling in ``importance``, Newton's method in ``newton``; everything after
the fit takes the fit and returns a frozen dataclass.
"""

from udfs.growth.associations import (
    Correlation,
    EffectSize,
    RankComparison,
    compare_groups,
    correlations,
    effect_size,
)
from udfs.growth.benchmark import Benchmark, Timing, run_benchmark
from udfs.growth.check_data import REASONS, GrowthDataError, SetAside
from udfs.growth.convergence import (
    ConvergenceStudy,
    EffectTest,
    ModelComparison,
    assess_convergence,
    compare_models,
    effect_tests,
)
from udfs.growth.curves import Curves, individual_curves
from udfs.growth.data import GrowthData
from udfs.growth.dropout import DropOut, FollowUp
from udfs.growth.fit import fit_growth
from udfs.growth.individual import (
    ConditionalDraws,
    Influence,
    Shrinkage,
    conditional_draws,
    influence,
    minus2ll_at,
    shrinkage,
)
from udfs.growth.leaving import Leaving, ObservedEnds
from udfs.growth.linearised import linearised_standard_errors
from udfs.growth.model_base import GrowthModel
from udfs.growth.models import (
    MODELS,
    Claret,
    Exponential,
    Gompertz,
    Logistic,
    SteinFojo,
    TwoPopulation,
    growth_model,
)
from udfs.growth.modes import ConditionalModes, conditional_modes
from udfs.growth.npde import PredictionErrors, prediction_errors
from udfs.growth.parameters import Parameter
from udfs.growth.patient_models import PatientRates, patient_rates
from udfs.growth.residuals import Residuals, residuals
from udfs.growth.result import Convergence, GrowthFit, LesionEstimates
from udfs.growth.second_level import TwoLevelFit, fit_second_level
from udfs.growth.settings import FitInterruptedError, FitProgress, FitSettings
from udfs.growth.simulation import simulate_data, simulate_from_fit, simulate_schedule
from udfs.growth.summary import format_fit
from udfs.growth.total_population import under_total_variance
from udfs.growth.vpc import PredictiveCheck, predictive_check
from udfs.growth.vpc_dropout import dropout_checks

__all__ = [
    "MODELS",
    "REASONS",
    "Benchmark",
    "Claret",
    "ConditionalDraws",
    "ConditionalModes",
    "Convergence",
    "ConvergenceStudy",
    "Correlation",
    "Curves",
    "DropOut",
    "EffectSize",
    "EffectTest",
    "Exponential",
    "FitInterruptedError",
    "FitProgress",
    "FitSettings",
    "FollowUp",
    "Gompertz",
    "GrowthData",
    "GrowthDataError",
    "GrowthFit",
    "GrowthModel",
    "Influence",
    "Leaving",
    "LesionEstimates",
    "Logistic",
    "ModelComparison",
    "ObservedEnds",
    "Parameter",
    "PatientRates",
    "PredictionErrors",
    "PredictiveCheck",
    "RankComparison",
    "Residuals",
    "SetAside",
    "Shrinkage",
    "SteinFojo",
    "Timing",
    "TwoLevelFit",
    "TwoPopulation",
    "assess_convergence",
    "compare_groups",
    "compare_models",
    "conditional_draws",
    "conditional_modes",
    "correlations",
    "dropout_checks",
    "effect_size",
    "effect_tests",
    "fit_growth",
    "fit_second_level",
    "format_fit",
    "growth_model",
    "individual_curves",
    "influence",
    "linearised_standard_errors",
    "minus2ll_at",
    "patient_rates",
    "prediction_errors",
    "predictive_check",
    "residuals",
    "run_benchmark",
    "shrinkage",
    "simulate_data",
    "simulate_from_fit",
    "simulate_schedule",
    "under_total_variance",
]
