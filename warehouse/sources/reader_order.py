"""The order of readers that a study.yml states, against the readers that its tables have."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path

from warehouse.errors import LesionsError
from warehouse.sources.wording import did_you_mean, listed


def check_reader_order(
    order: Sequence[str], found: Collection[tuple[str, ...]], place: Path
) -> None:
    """Refuses an order that names a reader who is not there.

    Args:
        order: names of ``readers:``, each ``--EVAL / --EVALID``, --EVAL alone or --EVALID alone.
        found: (--EVAL, --EVALID) of each reader of TU and TR, upper case, blanks left out.
        place: the study.yml.

    Raises:
        LesionsError: names the reader, and those that there are.
    """
    names = sorted({" / ".join(parts) for parts in found if parts})
    known = {_spaced(word) for parts in found for word in (*parts, " / ".join(parts))}
    for reader in order:
        if _spaced(reader.strip().upper()) not in known:
            raise LesionsError(
                f"{place}: 'readers' names {reader!r}, and no row of TU or TR has that reader."
                f"{did_you_mean(reader.upper(), names)} The readers there are: "
                f"{listed(names) if names else 'none is named'}. Name them as '--EVAL / --EVALID', "
                "or by their role alone (--EVAL), best first."
            )


def _spaced(name: str) -> str:
    return re.sub(r"\s*/\s*", " / ", name)
