"""Typed settings: defaults here, a project's own values in its ``lesions.toml``.

A setting is named ``section.key``. SQL models see them all as the table ``meta.setting``.
"""

from __future__ import annotations

import difflib
import math
import os
import re
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from warehouse.errors import CommandError, LesionsError
from warehouse.setting_lists import (
    biomarkers,
    endpoints,
    foundation,
    growth,
    hazards,
    heterogeneity,
    joint,
    nightly,
    onset,
    progression,
    radiomics,
    responses,
)
from warehouse.setting_lists.setting import Setting

FILE_NAME = "lesions.toml"
PREFIX = "LESIONS_"
"""What the environment's settings begin with: LESIONS_RUN__THREADS is run.threads."""
LARGEST = 2**31 - 1
"""Largest whole number that a setting takes where it states no maximum: an INTEGER of SQL."""
RENAMED_SECTIONS = {"sequences": "progression"}
"""Sections of earlier versions, by the name that they have now."""

SETTINGS: tuple[Setting, ...] = (
    *foundation.SETTINGS,
    *endpoints.SETTINGS,
    *responses.SETTINGS,
    *heterogeneity.SETTINGS,
    *growth.SETTINGS,
    *hazards.SETTINGS,
    *joint.SETTINGS,
    *progression.SETTINGS,
    *radiomics.SETTINGS,
    *nightly.SETTINGS,
    *biomarkers.SETTINGS,
    *onset.SETTINGS,
)
BY_NAME: Mapping[str, Setting] = {setting.name: setting for setting in SETTINGS}


def default_values() -> dict[str, Any]:
    """Every setting's default, by name."""
    return {setting.name: setting.default for setting in SETTINGS}


def read_settings(path: Path) -> dict[str, Any]:
    """Defaults, overridden by a ``lesions.toml``, that by the environment.

    Raises:
        LesionsError: not TOML, an unknown setting, or a value of the wrong type or range.
    """
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except RecursionError as error:
        raise LesionsError(
            f"{path.name} is nested too deeply: a setting is one value below its [section]."
        ) from error
    except ValueError as error:  # also text that is not UTF-8, and numbers of thousands of digits
        raise LesionsError(f"{path.name} is not valid TOML: {error}. Correct that line.") from error
    except OSError as error:
        raise LesionsError(f"{path} cannot be read: {error.strerror}.") from error
    values = default_values()
    for section, content in given.items():
        if not isinstance(content, dict):
            raise LesionsError(
                f"{path.name}: {section!r} stands outside a section. Settings stand in sections, "
                "for example [rules] and below it rule_set = 'recist_1_1'."
            )
        for key, value in content.items():
            name = f"{section}.{key}"
            values[name] = _checked(path.name, name, value)
    return {**values, **_of_environment(os.environ)}


def _of_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """Settings that variables such as LESIONS_RUN__THREADS give; they take precedence.

    Raises:
        CommandError: a variable of that form that names no setting, or a value of another type.
    """
    values = {}
    for variable in sorted(environment):
        if not variable.startswith(PREFIX) or "__" not in variable:
            continue
        name = variable.removeprefix(PREFIX).lower().replace("__", ".", 1)
        setting = BY_NAME.get(name)
        if setting is None:
            near = difflib.get_close_matches(name, BY_NAME, n=1, cutoff=0.5)
            meant = near[0].upper().replace(".", "__") if near else ""
            hint = f" Did you mean {PREFIX}{meant}?" if meant else ""
            raise CommandError(
                f"the environment's {variable} names no setting.{hint} Unset it, or correct it."
            )
        try:
            values[name] = _checked(
                f"environment, {variable}", name, _typed(environment[variable], setting)
            )
        except LesionsError as error:
            raise CommandError(str(error)) from error
    return values


def _typed(text: str, setting: Setting) -> Any:
    """A variable's text as the setting's type; the text itself where it is none."""
    wanted = type(setting.default)
    if wanted is bool:
        return {"true": True, "1": True, "false": False, "0": False}.get(text.lower(), text)
    try:
        return wanted(text)
    except ValueError:
        return text


def _checked(file: str, name: str, value: Any) -> Any:
    setting = BY_NAME.get(name)
    if setting is None:
        section, key = name.split(".", 1)
        renamed = f"{RENAMED_SECTIONS.get(section, section)}.{key}"
        if renamed in BY_NAME:
            raise LesionsError(f"{file}: {name} is called {renamed} now. Change its section.")
        near = difflib.get_close_matches(name, BY_NAME, n=1, cutoff=0.5)
        hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(BY_NAME)}."
        raise LesionsError(f"{file}: there is no setting {name}. {hint}")
    wanted = type(setting.default)
    shown = "..." if setting.is_private else repr(value)
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        with suppress(OverflowError):  # larger than any: it is refused as no float
            value = float(value)
    if type(value) is not wanted:
        raise LesionsError(
            f"{file}: {name} = {shown} is not {_article(setting.type_name)}. "
            f"The default is {setting.default!r}."
        )
    if isinstance(value, float) and not math.isfinite(value):
        raise LesionsError(f"{file}: {name} = {shown} is not a finite number.")
    if setting.choices and value not in setting.choices:
        raise LesionsError(f"{file}: {name} = {shown} is not one of {', '.join(setting.choices)}.")
    if setting.minimum is not None and value < setting.minimum:
        raise LesionsError(f"{file}: {name} = {shown} is below {setting.minimum:g}.")
    maximum = setting.maximum
    if maximum is None and wanted is int:
        maximum = LARGEST
    if maximum is not None and value > maximum:
        raise LesionsError(
            f"{file}: {name} = {shown} is above {maximum:.15g}. The default is {setting.default!r}."
        )
    if setting.pattern and not re.fullmatch(setting.pattern, value):
        raise LesionsError(f"{file}: {name} = {shown} cannot be used: {setting.comment}.")
    return value


def _article(type_name: str) -> str:
    return f"an {type_name}" if type_name == "integer" else f"a {type_name}"


def as_text(value: Any) -> str:
    """A value as ``meta.setting`` holds it; reads back with a CAST to its type."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)


def thread_count(values: Mapping[str, Any]) -> int:
    """Worker threads to use."""
    return int(values["run.threads"]) or os.cpu_count() or 1


def template() -> str:
    """The text of a new ``lesions.toml``: every setting with its default, commented out."""
    lines = ["# Settings of this project. A line that begins with # shows a default."]
    section = ""
    for setting in SETTINGS:
        head, key = setting.name.split(".")
        if head != section:
            lines += ["", f"[{head}]"]
            section = head
        choices = f" ({', '.join(setting.choices)})" if setting.choices else ""
        lines.append(f"# {setting.comment}{choices}")
        lines.append(f"# {key} = {_toml(setting.default)}")
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else as_text(value)
