"""The page of checks: one HTML file that needs no server, no network and no other file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

from warehouse.checking.results import CheckResult, counted, example, failures, found
from warehouse.leftovers import replacing

_SEVERITIES = ("critical", "warning", "info")
_SYMBOLS = {"held": "✓", "critical": "✕", "warning": "!", "info": "i"}


def write_html(path: Path, results: Sequence[CheckResult], title: str) -> None:
    """Writes the page: the verdict, the failing checks with their rows, and every check.

    It loads nothing from anywhere, can be read without colour and without a script; with one, the
    list of checks can be filtered.

    Args:
        path: the file to write.
        results: what ``check_tables`` returned.
        title: headline, for example the project's name.
    """
    with replacing(path) as beside:
        beside.write_text(page(results, title), encoding="utf-8")


def page(results: Sequence[CheckResult], title: str) -> str:
    """The page's HTML; see ``write_html``."""
    failed = failures(results)
    body = "\n".join(
        [
            _header(results, failed, title),
            _tiles(results, failed),
            _failing(failed),
            _tables(results),
            _all(results),
        ]
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}: checks</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n<script>{_SCRIPT}</script>\n</body>\n</html>\n"
    )


def _state(result: CheckResult) -> str:
    return "held" if result.success else result.severity


def _badge(state: str, words: str | None = None) -> str:
    return (
        f'<span class="badge {state}"><span aria-hidden="true">{_SYMBOLS[state]}</span> '
        f"{escape(words or state)}</span>"
    )


def _header(results: Sequence[CheckResult], failed: Sequence[CheckResult], title: str) -> str:
    critical = sum(result.is_critical_failure for result in failed)
    if not results:
        state, verdict = "info", "No check has run."
    elif critical:
        verdict = f"{counted(critical, 'critical check')} failed; this stops a publish."
        state = "critical"
    elif failed:
        state, verdict = "warning", "Every critical check holds; some others ask to be looked at."
    else:
        state, verdict = "held", "Every check holds."
    runs = sorted({(result.run_at, result.run_id) for result in results}, reverse=True)
    when = f"Run {runs[0][1]}, {runs[0][0]:%Y-%m-%d %H:%M} UTC" if runs else ""
    return (
        f"<header><h1>{escape(title)}</h1><p class='when'>{escape(when)}</p>"
        f"<p class='verdict {state}'><span aria-hidden='true'>{_SYMBOLS[state]}</span> "
        f"{escape(verdict)}</p></header>"
    )


def _tiles(results: Sequence[CheckResult], failed: Sequence[CheckResult]) -> str:
    def count(severity: str) -> int:
        return sum(result.severity == severity for result in failed)

    tiles = [
        ("", len({result.table_name for result in results}), "tables"),
        ("", len(results), "checks"),
        ("held", len(results) - len(failed), "hold"),
        ("critical", count("critical"), "critical failures"),
        ("warning", count("warning"), "warnings"),
        ("info", count("info"), "notes"),
    ]
    items = "".join(
        f'<li class="{state if number else ""}"><b>{number:,}</b> {escape(words)}</li>'
        for state, number, words in tiles
    )
    return f'<ul class="tiles">{items}</ul>'


def _failing(failed: Sequence[CheckResult]) -> str:
    if not failed:
        return ""
    cards = "\n".join(_card(result) for result in failed)
    return f'<section aria-labelledby="failing"><h2 id="failing">What failed</h2>{cards}</section>'


def _card(result: CheckResult) -> str:
    parts = [
        f'<article class="card {result.severity}"><h3>{_badge(result.severity)} '
        f"<code>{escape(result.table_name)}</code> {escape(result.check_id)}</h3>"
        f"<p>{escape(result.description)}</p><p><b>{escape(found(result))}</b>"
        + (f": {escape(result.observed)}" if result.observed and result.unexpected_count else "")
        + "</p>"
    ]
    if result.remedy:
        parts.append(f'<p class="remedy">{escape(result.remedy)}</p>')
    if result.keys:
        parts.append(_keys(result))
    parts.append(
        f"<details><summary>The check</summary><pre>{escape(result.expectation)}\n"
        f"{escape(json.dumps(json.loads(result.kwargs), indent=2, ensure_ascii=False))}</pre>"
        "</details></article>"
    )
    return "".join(parts)


def _keys(result: CheckResult) -> str:
    items = "".join(f"<li><code>{escape(example(key))}</code></li>" for key in result.keys)
    total = result.unexpected_count or len(result.keys)
    shown = f"the first {len(result.keys)} of {total:,}" if total > len(result.keys) else f"{total}"
    return f"<details><summary>Failing rows ({shown})</summary><ul>{items}</ul></details>"


def _tables(results: Sequence[CheckResult]) -> str:
    by_table: dict[str, list[CheckResult]] = {}
    for result in results:
        by_table.setdefault(result.table_name, []).append(result)
    stages = dict.fromkeys(_stage(name) for name in by_table)
    folded = "".join(
        _stage_of_tables(stage, {n: g for n, g in by_table.items() if _stage(n) == stage})
        for stage in stages
    )
    return f'<section aria-labelledby="tables"><h2 id="tables">Tables</h2>{folded}</section>'


def _stage(table: str) -> str:
    """The layer that a table is of: a stage of the run ends with its checks."""
    return table.split(".")[0]


def _stage_of_tables(stage: str, by_table: Mapping[str, Sequence[CheckResult]]) -> str:
    """The tables of one stage, folded."""
    rows = "".join(_table_row(name, group) for name, group in by_table.items())
    results = [result for group in by_table.values() for result in group]
    words = f"{counted(len(by_table), 'table')}, {counted(len(results), 'check')}"
    return (
        f'<details class="stage"><summary><b>{escape(stage)}</b> {words} {_states(results)}'
        '</summary><div class="scroll"><table>'
        f"<caption>Checks of each table of {escape(stage)}</caption><thead><tr>"
        '<th scope="col">Table</th><th scope="col" class="n">Rows</th>'
        '<th scope="col" class="n">Checks</th><th scope="col">State</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div></details>"
    )


def _states(group: Sequence[CheckResult]) -> str:
    """How many of some checks failed, by severity."""
    counts = {s: sum(_state(result) == s for result in group) for s in _SEVERITIES}
    badges = " ".join(_badge(s, f"{n} {s}") for s, n in counts.items() if n)
    return badges or _badge("held", "all hold")


def _table_row(name: str, group: Sequence[CheckResult]) -> str:
    rows = max((r.element_count for r in group if r.element_count is not None), default=None)
    return (
        f'<tr><th scope="row"><code>{escape(name)}</code></th>'
        f'<td class="n">{"" if rows is None else f"{rows:,}"}</td><td class="n">{len(group)}</td>'
        f"<td>{_states(group)}</td></tr>"
    )


def _all(results: Sequence[CheckResult]) -> str:
    ordered = [*failures(results), *(result for result in results if result.success)]
    stages = dict.fromkeys(_stage(result.table_name) for result in results)
    folded = "".join(
        _stage_of_checks(stage, [r for r in ordered if _stage(r.table_name) == stage])
        for stage in stages
    )
    tables = _options(dict.fromkeys(result.table_name for result in results))
    return (
        '<section aria-labelledby="all"><h2 id="all">Every check</h2><form class="filter" hidden>'
        '<label>Text <input type="search" name="text" placeholder="table, check, column"></label>'
        f'<label>Table <select name="table"><option value="">all</option>{tables}</select></label>'
        '<label>State <select name="state"><option value="">all</option>'
        '<option value="failed">failed</option><option value="held">held</option></select></label>'
        '<output aria-live="polite"></output></form>'
        f'<div id="checks">{folded}</div></section>'
    )


def _stage_of_checks(stage: str, results: Sequence[CheckResult]) -> str:
    """The checks of one stage, folded, failures first."""
    rows = "".join(_check_row(result) for result in results)
    return (
        f'<details class="stage"><summary><b>{escape(stage)}</b> '
        f"<span>{counted(len(results), 'check')}</span> {_states(results)}</summary>"
        '<div class="scroll"><table>'
        f"<caption>Checks of {escape(stage)} and what they found</caption>"
        '<thead><tr><th scope="col">State</th>'
        '<th scope="col">Table</th><th scope="col">Check</th><th scope="col">Severity</th>'
        '<th scope="col" class="n">Failing</th><th scope="col">Observed</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div></details>"
    )


def _options(values: Iterable[str]) -> str:
    return "".join(f"<option>{escape(value)}</option>" for value in values)


def _check_row(result: CheckResult) -> str:
    state = _state(result)
    failing = "" if result.unexpected_count is None else f"{result.unexpected_count:,}"
    if result.unexpected_count and result.unexpected_percent is not None:
        failing += f" ({result.unexpected_percent:.2g} %)"
    return (
        f'<tr data-table="{escape(result.table_name)}" '
        f'data-state="{"held" if result.success else "failed"}">'
        f"<td>{_badge(state, 'held' if result.success else 'failed')}</td>"
        f"<td><code>{escape(result.table_name)}</code></td>"
        f"<td><b>{escape(result.check_id)}</b><br>{escape(result.description)}</td>"
        f'<td>{escape(result.severity)}</td><td class="n">{failing}</td>'
        f"<td>{escape(result.error or result.observed or '')}</td></tr>"
    )


_STYLE = """
:root{color-scheme:light dark;--ink:#1d2733;--soft:#55616f;--paper:#fff;--wash:#f4f6f8;
--line:#d9dfe5;--held:#1a6b3c;--critical:#b3261e;--warning:#8a5a00;--info:#24579c;
--held-wash:#e6f4ec;--critical-wash:#fdecea;--warning-wash:#fdf3dc;--info-wash:#e8f0fb}
@media(prefers-color-scheme:dark){:root{--ink:#e6eaee;--soft:#a3aeba;--paper:#14191f;--wash:#1d242c;
--line:#333d48;--held:#7ed6a2;--critical:#ff9b92;--warning:#f2c063;--info:#9cc2f7;
--held-wash:#16301f;--critical-wash:#3a1b19;--warning-wash:#35290f;--info-wash:#182a42}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
main{max-width:72rem;margin:0 auto;padding:2rem 1.25rem 4rem}
h1{font-size:1.7rem;line-height:1.2;margin:0}h2{font-size:1.2rem;margin:2.5rem 0 .75rem}
h3{font-size:1rem;margin:0 0 .4rem;font-weight:600}p{margin:.3rem 0}
.when{color:var(--soft)}
.verdict{margin:1rem 0;padding:.8rem 1rem;border-radius:.5rem;font-weight:600}
.verdict.held,.badge.held{background:var(--held-wash);color:var(--held)}
.verdict.critical,.badge.critical{background:var(--critical-wash);color:var(--critical)}
.verdict.warning,.badge.warning{background:var(--warning-wash);color:var(--warning)}
.verdict.info,.badge.info{background:var(--info-wash);color:var(--info)}
.tiles{display:flex;flex-wrap:wrap;gap:.75rem;list-style:none;margin:0;padding:0}
.tiles li{flex:1 1 8rem;padding:.7rem .9rem;border:1px solid var(--line);border-radius:.5rem;
color:var(--soft)}
.tiles b{display:block;font-size:1.5rem;line-height:1.2;color:var(--ink);
font-variant-numeric:tabular-nums}
.tiles .held b{color:var(--held)}.tiles .critical b{color:var(--critical)}
.tiles .warning b{color:var(--warning)}.tiles .info b{color:var(--info)}
.badge{display:inline-block;padding:.05rem .5rem;border-radius:1rem;font-size:.85rem;
font-weight:600;white-space:nowrap}
.card{border:1px solid var(--line);border-left:.3rem solid var(--line);border-radius:.4rem;
padding:.8rem 1rem;margin:0 0 .8rem;overflow-wrap:anywhere}
.card.critical{border-left-color:var(--critical)}.card.warning{border-left-color:var(--warning)}
.card.info{border-left-color:var(--info)}
.remedy::before{content:"What to do: ";font-weight:600}
code,pre{font:.88em/1.45 ui-monospace,"Cascadia Mono",Menlo,Consolas,monospace}
pre{background:var(--wash);padding:.6rem .8rem;border-radius:.4rem;overflow:auto;margin:.4rem 0}
summary{cursor:pointer;color:var(--soft);margin-top:.3rem}
details ul{margin:.3rem 0;padding-left:1.2rem}
.stage{border:1px solid var(--line);border-radius:.4rem;padding:.2rem .8rem;margin:.4rem 0}
.stage summary{color:var(--ink);margin:.3rem 0}.stage[hidden]{display:none}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.92rem}
caption{text-align:left;color:var(--soft);padding-bottom:.4rem}
th,td{text-align:left;vertical-align:top;padding:.45rem .6rem;border-bottom:1px solid var(--line)}
thead th{background:var(--wash);position:sticky;top:0}
tbody th{font-weight:400}.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
#checks td:nth-child(3){min-width:16rem}#checks td:last-child{max-width:18rem;
overflow-wrap:anywhere}
.filter{display:flex;flex-wrap:wrap;gap:.75rem 1rem;align-items:end;margin-bottom:.8rem}
.filter[hidden]{display:none}
.filter label{display:flex;flex-direction:column;font-size:.88rem;color:var(--soft)}
.filter input,.filter select{font:inherit;color:inherit;background:var(--paper);min-width:11rem;
padding:.35rem .5rem;border:1px solid var(--soft);border-radius:.35rem}
.filter output{color:var(--soft)}
:focus-visible{outline:3px solid var(--info);outline-offset:2px}
"""

_SCRIPT = """
const form = document.querySelector(".filter");
const rows = [...document.querySelectorAll("#checks tbody tr")];
const stages = [...document.querySelectorAll("#checks .stage")];
const apply = () => {
  const text = form.elements.text.value.trim().toLowerCase();
  const table = form.elements.table.value, state = form.elements.state.value;
  let shown = 0;
  for (const row of rows) {
    const match = (!table || row.dataset.table === table) &&
      (!state || row.dataset.state === state) &&
      (!text || row.textContent.toLowerCase().includes(text));
    row.hidden = !match;
    shown += match;
  }
  const isNarrowed = Boolean(text || table || state);
  for (const stage of stages) {
    const left = stage.querySelectorAll("tbody tr:not([hidden])").length;
    stage.hidden = left === 0;
    stage.open = isNarrowed;
    const all = stage.querySelectorAll("tbody tr").length;
    const words = isNarrowed ? `${left} of ${all} checks` : `${all} checks`;
    stage.querySelector("summary span").textContent = words;
  }
  form.querySelector("output").textContent = `${shown} of ${rows.length} checks`;
};
form.hidden = false;
form.addEventListener("input", apply);
form.addEventListener("submit", (event) => event.preventDefault());
apply();
"""
