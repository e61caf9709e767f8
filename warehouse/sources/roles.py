"""Which source column plays which part in a table that is read by its columns' names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence


def columns_of_roles(
    given: Iterable[tuple[str, str]],
    roles: Mapping[str, Sequence[str]],
    columns: Sequence[str],
) -> dict[str, str]:
    """The column of each role: as ``given``, else the first of its usual names that is there.

    Args:
        given: roles with their columns, as study.yml says.
        roles: usual names of each role, lower case, best first.
        columns: the table's columns; letter case and blanks around them do not matter.
    """
    by_folded = {name.strip().casefold(): name for name in reversed(columns)}
    found = dict(given)
    for role, names in roles.items():
        if role not in found:
            match = next((by_folded[name] for name in names if name in by_folded), None)
            if match is not None:
                found[role] = match
    return found
