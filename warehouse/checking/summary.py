"""The terminal's summary of checks: a line of counts, then the failing ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from warehouse.checking.results import CheckResult, counted, example, failures, found

if TYPE_CHECKING:
    from rich.console import RenderableType

_STYLES = {"critical": "bold red", "warning": "yellow", "info": "cyan"}
_MAX_SHOWN = 12
_MAX_EXAMPLES = 2


def summarise(results: Sequence[CheckResult], max_shown: int = _MAX_SHOWN) -> RenderableType:
    """What ``rich`` prints: counts, and each failing check with its rows, some keys and a remedy.

    Args:
        results: what ``check_tables`` returned.
        max_shown: failing checks listed, critical ones first; the rest are counted.
    """
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    failed = failures(results)
    parts: list[RenderableType] = [_counts(results, failed)]
    for result in failed[:max_shown]:
        parts.append(Padding(_entry(result), (0, 0, 0, 2)))
    if len(failed) > max_shown:
        parts.append(Text(f"  and {len(failed) - max_shown} more, in quality.check_result"))
    return Group(*parts)


def _counts(results: Sequence[CheckResult], failed: Sequence[CheckResult]) -> RenderableType:
    from rich.text import Text

    tables = len({result.table_name for result in results})
    line = Text(f"{counted(len(results), 'check')} of {counted(tables, 'table')}: ")
    if not failed:
        return line.append("all hold", style="green")
    line.append(f"{len(results) - len(failed):,} hold")
    for severity, style in _STYLES.items():
        count = sum(result.severity == severity for result in failed)
        if count:
            words = {"critical": "critical failed", "warning": "warned", "info": "noted"}[severity]
            line.append(", ").append(f"{count} {words}", style=style)
    return line


def _entry(result: CheckResult) -> RenderableType:
    from rich.text import Text

    entry = Text.assemble(
        (result.severity, _STYLES[result.severity]),
        " ",
        (result.table_name, "bold"),
        f" {result.check_id}: {result.description}",
    )
    if result.severity == "info" and not result.error:
        return entry.append(f" ({found(result)})", style="dim")
    entry.append(f"\n  {found(result)}")
    if result.observed and result.unexpected_count:
        entry.append(f" ({result.observed})")
    if result.keys and not result.error:
        shown = "; ".join(example(key) for key in result.keys[:_MAX_EXAMPLES])
        more = "; ..." if (result.unexpected_count or 0) > _MAX_EXAMPLES else ""
        entry.append(f"\n  at {shown}{more}", style="dim")
    if result.remedy:
        entry.append(f"\n  → {result.remedy}")
    return entry
