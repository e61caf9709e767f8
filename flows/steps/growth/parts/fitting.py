"""The fit of the step ``growth``: lesions, then patients, then each lesion's own values."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from flows.steps.growth.parts.estimates import Fitted
from flows.steps.growth.parts.models import model_named
from flows.steps.growth.parts.reading import TargetLesions, read_follow_up
from flows.steps.growth.parts.share import Share
from flows.steps.growth.parts.tables import GROWTH_POPULATION
from udfs.growth.data import GrowthData
from udfs.growth.fit import fit_growth
from udfs.growth.individual import conditional_draws
from udfs.growth.modes import conditional_modes
from udfs.growth.result import GrowthFit
from udfs.growth.second_level import TwoLevelFit, fit_second_level
from udfs.growth.settings import FitProgress, FitSettings
from udfs.growth.total_population import under_total_variance
from warehouse.registry import StepContext
from warehouse.settings import thread_count

AFTER_LESIONS, AFTER_PATIENTS, AFTER_MODES, AFTER_DRAWS = 45, 80, 87, 93
"""Percent of the step's time; for the display."""
FEW_LESIONS, NODES_OF_FEW = 3000, 896
"""From so many lesions on the fit from which patients' effects start is a rougher one; below it has
so many nodes per lesion."""
REPORT_EVERY = 95
"""SAEM iterations between two rough values of -2 log-likelihood."""
TRACED = ("saem", "newton", "patients")
"""Stages that move the estimates."""


class Reporter:
    """Shows how far a fit is: iteration and -2 log-likelihood. Ends it when the run stops."""

    def __init__(self, context: StepContext, share: Share, subset: str) -> None:
        self.context = context
        self.share = share
        self.before = "" if subset == "all" else f"{subset}: "
        self.percent = 0
        self.text = ""
        self.minus2ll: float | None = None
        self.trace: list[FitProgress] = []
        """Each point at which a fit has been, once."""

    def between(self, first: int, last: int) -> Callable[[FitProgress], None]:
        """A callback for a fit that takes the step from ``first`` to ``last`` percent."""

        def show(state: FitProgress) -> None:
            self._keep(state)
            share = min(state.iteration / max(state.n_iterations, 1), 1.0)
            if state.minus2ll is not None:
                self.minus2ll = state.minus2ll
            shown = "" if self.minus2ll is None else f", -2LL {self.minus2ll:,.1f}"
            self.at(first + int((last - first) * share), f"{state.stage} {state.iteration}{shown}")

        return show

    def _keep(self, state: FitProgress) -> None:
        """The state, unless it is only said again, as it is while the fit works on."""
        last = self.trace[-1] if self.trace else None
        is_new = last is None or (last.stage, last.iteration) != (state.stage, state.iteration)
        if state.stage in TRACED and state.iteration > 0 and is_new:
            self.trace.append(state)

    def at(self, percent: int, text: str) -> None:
        """The step has come so far."""
        self.percent, self.text = percent, text
        self.pulse()

    def pulse(self) -> None:
        """Shows the same again, so that long work can be ended."""
        self.context.progress(self.share.percent(self.percent), 100, self.before + self.text)


def fitted(
    context: StepContext, told: Reporter, subset: str, targets: TargetLesions, data: GrowthData
) -> Fitted:
    """The fit, its modes and its draws."""
    name = str(context.setting("growth.model"))
    threads = thread_count({"run.threads": context.setting("run.threads")})
    before = _last_published(context, f"{subset}/{name}")
    has_patients = bool(context.setting("growth.patient_effects")) and _has_siblings(data)
    alone = fit_growth(
        data,
        model=model_named(name),
        count_baseline=bool(context.setting("growth.count_baseline")),
        start=_over_all_lesions(before) if before else None,
        is_near=bool(before),
        settings=_settings(data.n_lesions, has_patients),
        seed=context.seed,
        threads=threads,
        progress=told.between(0, AFTER_LESIONS if has_patients else AFTER_PATIENTS),
    )
    two: TwoLevelFit | None = None
    fit: GrowthFit = alone
    if has_patients and _has_siblings(data.take(alone.lesions.position)):
        has_dropout = bool(context.setting("growth.dropout"))
        two = fit_second_level(
            alone,
            follow_up=read_follow_up(context, subset) if has_dropout else None,
            start=before,
            seed=context.seed,
            threads=threads,
            progress=told.between(AFTER_LESIONS, AFTER_PATIENTS),
        )
        fit = under_total_variance(alone, two, seed=context.seed, threads=threads, pulse=told.pulse)
    told.at(AFTER_PATIENTS, "modes")
    modes = conditional_modes(fit, threads=threads, pulse=told.pulse)
    told.at(AFTER_MODES, "draws")
    draws = conditional_draws(
        fit,
        int(context.setting("growth.draws")),
        seed=context.seed,
        threads=threads,
        pulse=told.pulse,
    )
    told.at(AFTER_DRAWS, "tables")
    position = fit.lesions.position
    return Fitted(
        fit_id=f"{subset}/{name}",
        subset=subset,
        model_name=name,
        fit=fit,
        alone=alone,
        two_level=two,
        modes=modes,
        draws=draws,
        targets=targets,
        lesions=targets.of(fit),
        v0=data.v0[position],
        t0=data.t0[position],
        grows_before=name != "two_population_flat",
        is_warm_start=bool(before),
        trace=tuple(told.trace),
    )


def _has_siblings(data: GrowthData) -> bool:
    """Whether some patient has two lesions."""
    return data.patient is not None and len(np.unique(data.patient)) < data.n_lesions


def _settings(n_lesions: int, has_patients: bool) -> FitSettings:
    """Where patients follow, the lesions' fit is only the place from which they start."""
    usual = FitSettings(report_every=REPORT_EVERY)
    if not has_patients:
        return usual
    is_few = n_lesions < FEW_LESIONS
    count = NODES_OF_FEW if is_few else usual.nodes(n_lesions) // 2
    return FitSettings(
        n_explore=70,
        n_smooth=30,
        n_nodes=count,
        n_likelihood_nodes=count // 2,
        tolerance=1e-3 if is_few else 5e-2,
        report_every=REPORT_EVERY,
    )


def _last_published(context: StepContext, fit_id: str) -> dict[str, float]:
    """Estimates of the published fit by label; empty without one, or where none is asked for."""
    if not bool(context.setting("growth.warm_start")):
        return {}
    rows = context.published(GROWTH_POPULATION.name)
    if rows is None:
        return {}
    rows = rows[rows["fit_id"] == fit_id]
    return dict(
        zip(rows["parameter"].tolist(), rows["estimate"].astype(float).tolist(), strict=True)
    )


def _over_all_lesions(estimates: Mapping[str, float]) -> dict[str, float]:
    """Standard deviations of lesions and patients joined."""
    joined = {name: value for name, value in estimates.items() if not name.startswith("gamma_")}
    for name in [one for one in joined if one.startswith("omega_")]:
        between = estimates.get(f"gamma_{name.removeprefix('omega_')}", 0.0)
        joined[name] = float(np.hypot(joined[name], between))
    return joined
