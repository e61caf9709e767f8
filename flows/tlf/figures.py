"""Figures by arm, drawn from the rows of the tables behind them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from flows.tlf.baseline import ITT, NOT_ASSESSED, best_responses
from flows.tlf.content import Figure, Table, interval, months, number
from flows.tlf.study import Study
from flows.tlf.survival import ENDPOINTS, Subgroup, at_risk, curves

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Okabe and Ito: told apart also by those who do not see red from green."""
STYLES = ("-", "--", "-.", ":")
RESPONSE_COLORS = {
    "CR": "#004b8d", "PR": "#56B4E9", "SD": "#b3b3b3", "NON-CR/NON-PD": "#d9d9d9",
    "PD": "#D55E00", "NE": "#f2f2f2", NOT_ASSESSED: "#ffffff",
}  # fmt: skip
TICKS = 6
"""Months between numbers at risk."""
SWIMMERS = 60
"""Lanes of one arm that are drawn: the longest followed; the table has all."""


def _axes(width: float, height: float, n: int = 1) -> tuple[Drawing, list[Axes]]:
    """A drawing without pyplot, which keeps drawings alive."""
    from matplotlib.figure import Figure as Drawing

    drawing = Drawing(figsize=(width, height), layout="constrained")
    found = drawing.subplots(1, n, sharey=True, squeeze=False)
    for axis in found.flat:
        axis.spines[["top", "right"]].set_visible(False)
    return drawing, list(found.flat)


def kaplan_meier_figure(study: Study, endpoint: str, at: int) -> Figure:
    """Kaplan-Meier curves with censoring marks and numbers at risk."""
    found = curves(study, endpoint)
    rows = []
    for arm, curve in found.items():
        rows.append((arm, "0", "1", "1", "1", str(curve.n), "0", "0"))
        for k in range(curve.time.size):
            rows.append(
                (arm, number(months(curve.time[k]), 4), number(curve.survival[k], 6),
                 number(curve.lower[k], 6), number(curve.upper[k], 6), str(curve.n_at_risk[k]),
                 str(curve.n_events[k]), str(curve.n_censored[k]))
            )  # fmt: skip
    title = ENDPOINTS[endpoint]
    data = Table(
        f"14.2.{at}", f"figure_km_{endpoint.lower()}", title, ITT,
        ("Arm", "Months", "Survival", "Lower", "Upper", "At risk", "Events", "Censored"),
        tuple(rows),
    )  # fmt: skip

    def draw() -> Drawing:
        from matplotlib.figure import Figure as Drawing

        drawing = Drawing(figsize=(8, 4.6 + 0.25 * len(found)), layout="constrained")
        upper, lower = drawing.subplots(
            2, 1, sharex=True, gridspec_kw={"height_ratios": [5, 0.4 + 0.35 * len(found)]}
        )
        last = max((float(months(c.time[-1])) for c in found.values()), default=1.0)
        ticks = np.arange(0, last + TICKS, TICKS if last <= 72 else 12)
        for place, arm in enumerate(found):
            own = [r for r in rows if r[0] == arm]
            time, survival = (np.array([float(r[k]) for r in own]) for k in (1, 2))
            color = COLORS[place % len(COLORS)]
            style = STYLES[place % len(STYLES)]
            upper.step(time, survival, where="post", color=color, linestyle=style, label=arm)
            censored = np.array([r[7] != "0" for r in own])
            upper.plot(time[censored], survival[censored], "|", color=color, markersize=6)
            for tick in ticks:
                n = at_risk(found[arm], tick * 30.4375)
                lower.text(tick, -place, str(n), ha="center", va="center", color=color, fontsize=8)
        upper.set(ylim=(0, 1.02), xlim=(-0.02 * last, last * 1.02), ylabel="Event-free probability")
        upper.legend(frameon=False, loc="upper right")
        upper.spines[["top", "right"]].set_visible(False)
        lower.set(
            ylim=(-len(found) + 0.4, 0.6), xlabel="Months", yticks=[-k for k in range(len(found))],
            xticks=ticks,
        )  # fmt: skip
        lower.set_yticklabels(list(found), fontsize=8)
        lower.set_title("Number at risk", loc="left", fontsize=9)
        lower.spines[["top", "right", "left"]].set_visible(False)
        lower.tick_params(left=False)
        return drawing

    return Figure(f"14.2.{at}", data.name, title, ITT, data, draw)


def forest_figure(
    study: Study, endpoint: str, other: str, table: Table, found: Sequence[Subgroup]
) -> Figure:
    """Hazard ratios by subgroup on a log axis; ``table`` and ``found`` as ``forest`` gives them."""

    def draw() -> Drawing:
        return _draw_forest(study, found, other)

    return Figure(
        table.number, f"figure_forest_{endpoint.lower()}_{study.arms.index(other)}", table.title,
        ITT, table, draw, table.notes,
    )  # fmt: skip


def _draw_forest(study: Study, found: Sequence[Subgroup], other: str) -> Drawing:
    drawing, (axis,) = _axes(8.5, 1.6 + 0.28 * len(found))
    labels = []
    ends = []
    for place, one in enumerate(found):
        labels.append(f"{one.variable}: {one.level}" if one.level else one.variable)
        if np.isnan(one.hazard_ratio):
            axis.annotate(
                "NE", (1.01, -place), xycoords=("axes fraction", "data"), va="center", fontsize=8
            )
            continue
        size = 3 + 9 * (sum(one.n_events) / max(sum(found[0].n_events), 1)) ** 0.5
        axis.plot([one.lower, one.upper], [-place] * 2, color=COLORS[0], linewidth=1.2)
        axis.plot(one.hazard_ratio, -place, "s", color=COLORS[0], markersize=size)
        text = f"{number(one.hazard_ratio, 2)} {interval(one.lower, one.upper, 2)}"
        axis.annotate(
            text, (1.01, -place), xycoords=("axes fraction", "data"), va="center", fontsize=8
        )
        ends += [one.lower, one.upper]
    axis.axvline(1, color="#666666", linewidth=0.8)
    axis.set_xscale("log")
    low, high = max(min([0.5, *ends]), 0.05), min(max([2.0, *ends]), 20.0)
    ticks = [t for t in (0.05, 0.1, 0.25, 0.5, 1, 2, 4, 10, 20) if low <= t <= high]
    axis.set(
        yticks=[-k for k in range(len(found))],
        xlim=(low / 1.05, high * 1.05),
        ylim=(-len(found), 1),
    )
    axis.set_xticks(ticks, [f"{t:g}" for t in ticks])
    axis.minorticks_off()
    axis.set_yticklabels(labels, fontsize=8)
    axis.set_xlabel(
        f"Hazard ratio (below 1: {other} better, above 1: {study.arms[0]} better)", fontsize=9
    )
    return drawing


def waterfall(study: Study, at: int) -> Figure:
    """Best percent change of the sum of diameters of each subject, by arm."""
    rows = study.adtr[
        (study.adtr["paramcd"] == "SDIAM")
        & (study.adtr["anl01fl"] == "Y")
        & study.adtr["pchg"].notna()
    ]
    best = rows.groupby("usubjid")["pchg"].min()
    responses = best_responses(study, "BOR")
    arm = study.adsl.set_index("usubjid")["trt01p"]
    best = best[best.index.isin(arm.index)]
    order = sorted(best.index, key=lambda s: (study.arms.index(arm[s]), -best[s], s))
    table = tuple((s, arm[s], number(best[s], 4), responses[s]) for s in order)
    data = Table(
        f"14.2.{at}", "figure_waterfall", "Best Change of the Sum of Diameters",
        "Subjects with a sum after baseline",
        ("Subject", "Arm", "Best change (%)", "Best response"), table,
    )  # fmt: skip

    def draw() -> Drawing:
        drawing, axes = _axes(4.6 * len(study.arms) + 1, 4.6, len(study.arms))
        for axis, one in zip(axes, study.arms, strict=True):
            own = [r for r in table if r[1] == one]
            heights = np.array([float(r[2]) for r in own])
            colors = [RESPONSE_COLORS[r[3]] for r in own]
            axis.bar(range(len(own)), np.minimum(heights, 100), width=1, color=colors, linewidth=0)
            for line in (20, -30):
                axis.axhline(line, color="#666666", linewidth=0.8, linestyle=":")
            axis.axhline(0, color="black", linewidth=0.8)
            n_above = int((heights > 100).sum())
            above = f"; {n_above} above 100 %" if n_above else ""
            axis.set_title(f"{one} (n={len(own)}{above})", fontsize=9)
            axis.set(ylim=(-102, 102), xlim=(-1, max(len(own), 1)), xlabel="Subjects", xticks=[])
        axes[0].set_ylabel("Best change from baseline (%)")
        _response_legend(drawing, {r[3] for r in table})
        return drawing

    return Figure(
        f"14.2.{at}", data.name, data.title, data.population, data, draw,
        ("Bars are colored by unconfirmed best overall response; lines at +20 % and -30 %.",),
    )  # fmt: skip


def _response_legend(drawing: Drawing, present: set[str]) -> None:
    from matplotlib.patches import Patch

    shown = [kind for kind in RESPONSE_COLORS if kind in present]
    patches = [Patch(facecolor=RESPONSE_COLORS[k], edgecolor="#888888", label=k) for k in shown]
    drawing.legend(
        handles=patches, ncols=len(shown), frameon=False, loc="outside lower center", fontsize=8
    )


def spider(study: Study, at: int) -> Figure:
    """Percent change of each subject's sum over time, by arm."""
    rows = study.adtr[
        (study.adtr["paramcd"] == "SDIAM")
        & (study.adtr["anl01fl"] == "Y")
        & ((study.adtr["ablfl"] == "Y") | study.adtr["pchg"].notna())
    ]
    rows = rows.merge(study.adsl[["usubjid", "trt01p"]], on="usubjid")
    rows = rows.sort_values(["trt01p", "usubjid", "ady"])
    table = tuple(
        (row.usubjid, row.trt01p, f"{row.ady:g}", "0" if row.ablfl == "Y" else number(row.pchg, 4))
        for row in rows.itertuples()
    )
    data = Table(
        f"14.2.{at}", "figure_spider", "Change of the Sum of Diameters over Time",
        "Subjects with a sum at baseline", ("Subject", "Arm", "Day", "Change (%)"), table,
    )  # fmt: skip

    def draw() -> Drawing:
        drawing, axes = _axes(4.6 * len(study.arms) + 1, 4.4, len(study.arms))
        for place, (axis, one) in enumerate(zip(axes, study.arms, strict=True)):
            lines: dict[str, list[tuple[float, float]]] = {}
            for subject, arm, day, change in table:
                if arm == one:
                    lines.setdefault(subject, []).append((months(float(day)), float(change)))
            for points in lines.values():
                x, y = zip(*points, strict=True)
                axis.plot(x, y, color=COLORS[place % len(COLORS)], linewidth=0.5, alpha=0.5)
            for line in (20, -30):
                axis.axhline(line, color="#666666", linewidth=0.8, linestyle=":")
            axis.set_title(f"{one} (n={len(lines)})", fontsize=9)
            axis.set(ylim=(-105, 105), xlabel="Months")
        axes[0].set_ylabel("Change from baseline (%)")
        return drawing

    return Figure(
        f"14.2.{at}", data.name, data.title, data.population, data, draw,
        ("Changes above 105 % leave the picture; the data have them.",),
    )  # fmt: skip


MARKS = {"Response": ("^", "#003f5c"), "Progression": ("x", "#D55E00"), "Death": ("s", "#000000")}


def swimmer(study: Study, at: int) -> Figure:
    """Time of each subject until death or the last contact, with response and progression."""
    table = tuple(_lanes(study))
    data = Table(
        f"14.2.{at}", "figure_swimmer", "Course of Each Subject", ITT,
        ("Subject", "Arm", "Event", "Month"), table,
    )  # fmt: skip

    def draw() -> Drawing:
        from matplotlib.lines import Line2D

        drawing, axes = _axes(4.8 * len(study.arms) + 1, 7.5, len(study.arms))
        for place, (axis, one) in enumerate(zip(axes, study.arms, strict=True)):
            followed = {
                r[0]: float(r[3]) for r in table if r[1] == one and r[2] == "Followed until"
            }
            longest = sorted(followed, key=lambda s: (-followed[s], s))[:SWIMMERS]
            for lane, subject in enumerate(longest):
                axis.barh(
                    -lane,
                    followed[subject],
                    height=0.6,
                    color=COLORS[place % len(COLORS)],
                    alpha=0.45,
                )
                for _, arm, event, month in (r for r in table if r[0] == subject):
                    if arm == one and event in MARKS:
                        marker, color = MARKS[event]
                        axis.plot(float(month), -lane, marker, color=color, markersize=4)
            shown = (
                f"{len(longest)} longest of {len(followed)}"
                if len(followed) > SWIMMERS
                else f"n={len(followed)}"
            )
            axis.set_title(f"{one} ({shown})", fontsize=9)
            axis.set(yticks=[], xlabel="Months", xlim=(0, None))
        axes[0].set_ylabel("Subjects")
        handles = [
            Line2D([], [], marker=m, color=c, linestyle="", label=k) for k, (m, c) in MARKS.items()
        ]
        drawing.legend(
            handles=handles, ncols=3, frameon=False, loc="outside lower center", fontsize=8
        )
        return drawing

    return Figure(
        f"14.2.{at}", data.name, data.title, data.population, data, draw,
        (f"Of an arm with more than {SWIMMERS} subjects those followed longest are drawn; the data "
         "have all.",),
    )  # fmt: skip


def _lanes(study: Study) -> list[tuple[str, str, str, str]]:
    arm = study.adsl.set_index("usubjid")["trt01p"]
    rows: list[tuple[str, str, str, str]] = []

    def add(found: pd.DataFrame, event: str) -> None:
        for row in found.itertuples():
            if row.usubjid in arm.index:
                rows.append((row.usubjid, arm[row.usubjid], event, number(months(row.day), 4)))

    os = study.adtte[study.adtte["paramcd"] == "OS"].assign(day=lambda f: f["aval"] - 1)
    add(os, "Followed until")
    add(os[os["cnsr"] == 0], "Death")
    counted = study.adrs[(study.adrs["anl01fl"] == "Y") & (study.adrs["avalc"] == "Y")]
    for parameter, event in (("RSP", "Response"), ("PD", "Progression")):
        found = counted[(counted["paramcd"] == parameter) & counted["ady"].notna()]
        add(found.assign(day=lambda f: f["ady"] - 1), event)
    return sorted(rows, key=lambda r: (study.arms.index(r[1]), r[0], float(r[3]), r[2]))
