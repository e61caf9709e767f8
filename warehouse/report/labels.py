"""Words of the report that depend on how the warehouse was made: its settings, not ours."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from warehouse.errors import LesionsError
from warehouse.report.parts import Section

_MARK = re.compile(r"\{([a-z_]+\.[a-z_]+)\}")
METHODS = {
    "laplace": "Laplace approximation",
    "sparse": "Laplace approximation with a sparse determinant",
    "aghq": "adaptive Gauss-Hermite quadrature",
}
"""``hazards.method`` in words."""


def with_settings(sections: Sequence[Section], settings: Mapping[str, str]) -> tuple[Section, ...]:
    """The sections with each ``{name.of_setting}`` of their words as the warehouse has it.

    A confidence is written as a percentage, the method of hazards in words, others as they are.

    Args:
        sections: as declared.
        settings: ``meta.setting`` of the published warehouse, name to value.

    Raises:
        LesionsError: the warehouse does not have a setting that is named.
    """

    def word(match: re.Match[str]) -> str:
        name = match[1]
        if name not in settings:
            raise LesionsError(
                f"the report names the setting {name}, which this warehouse does not have: it was "
                "made by another version. 'lesions run' brings it up to date."
            )
        value = settings[name]
        if name.endswith(".confidence"):
            return f"{100 * float(value):g} %"
        return METHODS.get(value, value)

    def filled(value: Any) -> Any:
        if isinstance(value, str):
            return _MARK.sub(word, value)
        if isinstance(value, Mapping):
            return {key: filled(one) for key, one in value.items()}
        return [filled(one) for one in value] if isinstance(value, list) else value

    return tuple(
        replace(
            section,
            about=filled(section.about),
            figures=tuple(
                replace(
                    figure,
                    title=filled(figure.title),
                    method=filled(figure.method),
                    legend=filled(figure.legend),
                    options=filled(figure.options),
                    if_empty=filled(figure.if_empty),
                )
                for figure in section.figures
            ),
        )
        for section in sections
    )
