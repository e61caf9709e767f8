"""Draws growth_likelihood.svg: the published Monolix point and ours on one likelihood.

    python docs/figures/growth_likelihood.py 265target_monolix.csv [docs/figures]

The CSV is the demo data of Zhou et al. 2023 (zhoujw14/Mapping-Metastasis). Both points, and the
line between them, are evaluated with the same importance nodes. Needs matplotlib.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from flows.growth_file import read_growth_file
from udfs.growth import fit_growth, minus2ll_at

PUBLISHED = {
    "kg_pop": 0.00473,
    "kd_pop": 0.0292,
    "f_pop": 0.051,
    "omega_kg": 1.11,
    "omega_kd": 1.19,
    "omega_f": 3.29,
    "b": 0.366,
}
"""Zhou 2023, Monolix 2020R1."""
EXACT_MINUS2LL = 59542.76
"""Minimum by integration on a grid."""
PLACES = np.linspace(-0.4, 1.4, 19)


def main(path: Path, folder: Path) -> None:
    """Draws the likelihood of a file of measurements around its maximum."""
    fit = fit_growth(read_growth_file(path), count_baseline=True, seed=1)
    ours, theirs = fit.estimates, np.array([PUBLISHED[label] for label in fit.labels])
    values = []
    for place in PLACES:
        point = np.exp((1 - place) * np.log(ours) + place * np.log(theirs))
        values.append(minus2ll_at(fit, dict(zip(fit.labels, point.tolist(), strict=True))))
    at_ours, at_theirs = minus2ll_at(fit, {}), minus2ll_at(fit, PUBLISHED)
    plt.rcParams |= {"font.size": 9, "svg.hashsalt": "growth", "svg.fonttype": "none"}
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.4), layout="constrained")
    height = np.array([one.minus2ll for one in values])
    error = np.array([one.mc_se for one in values])
    left.fill_between(PLACES, height - error, height + error, color="0.85", lw=0)
    left.plot(PLACES, height, color="0.4", lw=1)
    left.axhline(EXACT_MINUS2LL, color="0.6", lw=0.8, ls=":")
    left.plot(0, at_ours.minus2ll, "o", color="C0", label=f"ours {at_ours.minus2ll:,.1f}")
    left.plot(1, at_theirs.minus2ll, "s", color="C3", label=f"published {at_theirs.minus2ll:,.1f}")
    left.set_xticks([0, 1], ["ours", "published"])
    left.set_xlabel("on the line between the two points")
    left.set_ylabel("-2 log-likelihood")
    left.ticklabel_format(axis="y", useOffset=False)
    left.legend(frameon=False, loc="upper center")
    rows = np.arange(len(ours))[::-1]
    right.axvline(0, color="0.6", lw=0.8)
    right.errorbar((theirs - ours) / fit.standard_errors, rows, fmt="s", color="C3")
    right.errorbar(np.zeros(len(ours)), rows, xerr=1.96, fmt="o", color="C0", lw=1)
    right.set_yticks(rows, fit.labels)
    right.set_xlabel("published minus ours, in our standard errors")
    figure.savefig(folder / "growth_likelihood.svg", metadata={"Date": None})
    figure.savefig(folder / "growth_likelihood.png", dpi=120) if "--png" in sys.argv else None
    print(f"ours {at_ours.minus2ll:.2f} (Monte Carlo error at most {at_ours.mc_se:.2f}), ", end="")
    print(f"published {at_theirs.minus2ll:.2f}, exact minimum {EXACT_MINUS2LL}")
    for label, one, other, se in zip(fit.labels, ours, theirs, fit.standard_errors, strict=True):
        print(f"{label:10} ours {one:9.5f} (SE {se:.5f}), published {other:9.5f}")


if __name__ == "__main__":
    where = [one for one in sys.argv[1:] if not one.startswith("--")]
    main(Path(where[0]), Path(where[1]) if len(where) > 1 else Path(__file__).parent)
