"""How hard a fit tries, and what it tells while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from udfs.growth.proposals import nodes_at_least

LESIONS_FOR_ONE_CHAIN = 1500
"""Smaller data sets get several chains per lesion, which costs nothing: calls dominate there."""
MOST_CHAINS = 5
NODE_BUDGET = 4_000_000
"""Lesions times nodes of one pass over the data, about 0.7 s."""
FEWEST_NODES, MOST_NODES = 896, 28672
SMALL_BUDGET = 1_500_000
"""The same for the first round, which only has to come near."""
FEWEST_FIRST_NODES, MOST_FIRST_NODES = 224, 896
PULSE_SECONDS = 0.4
"""A running fit asks its callback at least about this often whether to go on."""


class FitInterruptedError(RuntimeError):
    """The progress callback asked for an end; ``progress`` holds the last state."""

    def __init__(self, progress: FitProgress) -> None:
        """``progress`` is the last state that the callback was given."""
        super().__init__(f"the fit was interrupted at {progress.stage} {progress.iteration}")
        self.progress = progress


@dataclass(frozen=True)
class FitProgress:
    """State of a running fit."""

    stage: str
    """saem, proposals, newton, estimated or likelihood; of a second level patients."""
    iteration: int
    """Of all stages together, from 1."""
    n_iterations: int
    """Expected in all; the number of Newton steps is a guess."""
    minus2ll: float | None
    """-2 log-likelihood; rough (from few nodes) while SAEM runs, None where not computed, or of
    some of the patients only."""
    estimates: dict[str, float]
    """Current population estimates by label."""


Progress = Callable[[FitProgress], object]
"""Called after each iteration; a return value of False ends the fit."""


@dataclass(frozen=True)
class FitSettings:
    """Numbers of iterations, chains and nodes; 0 chooses by the size of the data.

    More nodes make the answer more exact (the Monte Carlo standard error in the convergence report
    falls as their square root or faster) and slower in proportion.
    """

    n_warm: int = 20
    """Sweeps before the first SAEM iteration."""
    n_explore: int = 150
    """SAEM iterations with step size 1."""
    n_smooth: int = 40
    """SAEM iterations with decreasing step size."""
    n_average: int = 30
    """Last iterations that are averaged."""
    n_chains: int = 0
    n_first_nodes: int = 0
    n_nodes: int = 0
    n_likelihood_nodes: int = 0
    """For the reported -2 log-likelihood; twice ``n_nodes`` by default."""
    most_newton_steps: int = 12
    tolerance: float = 1e-4
    """Newton stops when score' information^-1 score, the squared distance to the maximum in
    standard errors, is below this."""
    report_every: int = 20
    """SAEM iterations between two rough values of -2 log-likelihood; 0 for none."""

    def chains(self, n_lesions: int) -> int:
        """Chains per lesion."""
        if self.n_chains:
            return self.n_chains
        return max(
            2 if n_lesions < 4000 else 1, min(MOST_CHAINS, LESIONS_FOR_ONE_CHAIN // n_lesions)
        )

    def first_nodes(self, n_lesions: int) -> int:
        """Nodes per lesion in the first round of Newton steps."""
        if self.n_first_nodes:
            return nodes_at_least(self.n_first_nodes)
        wanted = SMALL_BUDGET // n_lesions
        return nodes_at_least(min(max(wanted, FEWEST_FIRST_NODES), MOST_FIRST_NODES))

    def nodes(self, n_lesions: int) -> int:
        """Nodes per lesion in the second round."""
        if self.n_nodes:
            return nodes_at_least(self.n_nodes)
        if n_lesions > 100_000:
            return FEWEST_NODES // 2
        return nodes_at_least(min(max(NODE_BUDGET // n_lesions // 2, FEWEST_NODES), MOST_NODES))

    def likelihood_nodes(self, n_lesions: int) -> int:
        """Nodes per lesion for the reported likelihood."""
        if self.n_likelihood_nodes:
            return nodes_at_least(self.n_likelihood_nodes)
        return 2 * self.nodes(n_lesions)
