"""Layouts that ship: a documented study.yml each, with a made-up example of five patients.

They follow what published analysis code shows of the public trials of Project Data Sphere, and
forms that are common elsewhere. What a layout needs stands at the top of its study.yml.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from warehouse.errors import LesionsError
from warehouse.sources.spec import STUDY_FILE

FOLDER = Path(__file__).parent
EXAMPLE = "example"


def layout_names() -> tuple[str, ...]:
    """The layouts, sorted."""
    return tuple(sorted(path.parent.name for path in FOLDER.glob(f"*/{STUDY_FILE}")))


def layout_title(name: str) -> str:
    """What a layout is for: the first line of its study.yml."""
    first = (FOLDER / name / STUDY_FILE).read_text(encoding="utf-8").splitlines()[0]
    return first.removeprefix(f"# Layout {name}: ").rstrip(".")


def layout_files(name: str) -> tuple[str, ...]:
    """The files that a layout names, in its order."""
    text = (FOLDER / name / STUDY_FILE).read_text(encoding="utf-8")
    return tuple(dict.fromkeys(re.findall(r"- file: (\S+)", text)))


def write_layout(name: str, studies: Path, *, with_example: bool = False) -> Path:
    """Puts a layout's study.yml into a folder of its name, with its made-up tables if wished.

    Args:
        name: one of :func:`layout_names`.
        studies: the project's folder of studies.
        with_example: copy the tables of the five made-up patients too.

    Returns:
        The study's folder.

    Raises:
        LesionsError: the folder holds a study already, or cannot be written.
    """
    folder = studies / name
    target = folder / STUDY_FILE
    if target.exists():
        raise LesionsError(f"{target} is there already. Remove it, or use it.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(FOLDER / name / STUDY_FILE, target)
        for file in sorted((FOLDER / name / EXAMPLE).iterdir()) if with_example else ():
            shutil.copyfile(file, folder / file.name)
    except OSError as error:
        raise LesionsError(f"{folder} cannot be written: {error.strerror}.") from error
    return folder
