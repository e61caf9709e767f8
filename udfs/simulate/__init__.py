"""Simulated trials of published size, with the truth that made them."""

from udfs.simulate.trials import SimulatedTrials, simulate, simulate_hnscc, simulate_mcrc

__all__ = ["SimulatedTrials", "simulate", "simulate_hnscc", "simulate_mcrc"]
