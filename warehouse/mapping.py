"""``lesions map``: proposes a study.yml, loads it, and shows what it makes of a patient."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from warehouse.display import Display, console
from warehouse.errors import LesionsError
from warehouse.judging import judge, print_verdict
from warehouse.proposing.make import propose, study_id_of
from warehouse.proposing.proposal import Proposal
from warehouse.proposing.unused import unused_parts
from warehouse.proposing.write import study_text
from warehouse.settings import default_values
from warehouse.sources.spec import STUDY_FILE
from warehouse.studies import load_study, read_study


def map_files(
    paths: Sequence[Path],
    display: Display,
    *,
    into: Path | None = None,
    study_id: str | None = None,
    is_replaced: bool = False,
) -> Path:
    """Proposes a study.yml for files, writes it, loads it into nowhere, and shows a patient.

    Args:
        paths: data files, or folders that hold them.
        display: says what is done.
        into: folder of the study; files that lie elsewhere are linked there. None: where the
            files lie.
        study_id: id of the study; None: the folder's name.
        is_replaced: write over a study.yml that is there.

    Returns:
        The file written.

    Raises:
        LesionsError: no data that could be told, a study.yml that is there, or files in several
            folders without ``into``.
    """
    paths = [path.expanduser().absolute() for path in paths]
    folder = into.expanduser().absolute() if into is not None else _folder_of(paths)
    target = folder / STUDY_FILE
    if target.exists() and not is_replaced:
        raise LesionsError(
            f"{target} is there already. 'lesions map --check {folder}' says what of its files is "
            "unused; --replace writes a new proposal over it."
        )
    proposal = propose(paths, study_id or study_id_of(folder))
    linked = _link_files(paths, folder) if into is not None else ()
    target.write_text(study_text(proposal), encoding="utf-8")
    if linked:
        display.say(f"Linked {len(linked)} files into {folder}")
    display.say(f"Wrote {target}")
    _print_questions(proposal)
    _try(folder, display)
    display.say(
        f"Read {target} through, correct what is wrong, and try again with: lesions load {folder}"
    )
    return target


def check_mapping(folder: Path, display: Display) -> None:
    """Says what of a study's files its study.yml leaves unused, and judges the study.

    Raises:
        LesionsError: the study.yml or a file is wrong.
    """
    folder = folder.expanduser().absolute()
    if folder.name == STUDY_FILE:
        folder = folder.parent
    study = read_study(folder)
    for part in unused_parts(study):
        display.say(part)
    _try(folder, display)


def _folder_of(paths: Sequence[Path]) -> Path:
    folders = {path if path.is_dir() else path.parent for path in paths}
    if len(folders) != 1:
        raise LesionsError(
            "the files lie in several folders, and a study is one folder. Add --into FOLDER: they "
            "are then linked there."
        )
    return folders.pop()


def _link_files(paths: Sequence[Path], folder: Path) -> list[Path]:
    """Links data files into a study's folder; those that are there already stay."""
    from warehouse.proposing.files import data_files

    folder.mkdir(parents=True, exist_ok=True)
    found, _ = data_files(paths)
    linked = []
    for file in found:
        place = folder / file.name
        if place.exists() or place.is_symlink():
            if place.resolve() == file.resolve():
                continue
            raise LesionsError(
                f"{place} is there already and is not {file}. Rename one of them, or name another "
                "folder with --into."
            )
        place.symlink_to(file)
        linked.append(place)
    return linked


def _print_questions(proposal: Proposal) -> None:
    out = console()
    if not proposal.questions:
        out.print("No questions: every line has its reason in the file.")
        return
    number_of = len(proposal.questions)
    noun = "question" if number_of == 1 else "questions"
    out.print(f"{number_of} {noun} that the files do not answer:")
    for number, question in enumerate(proposal.questions, 1):
        out.print(f"{number}. {question.text}", soft_wrap=True)
        out.print(f"   taken: {question.taken}", soft_wrap=True)
        for candidate in question.candidates:
            out.print(f"   or:    {candidate}", soft_wrap=True)


def _try(folder: Path, display: Display) -> None:
    """Loads a study into a folder that is thrown away, and judges it."""
    with tempfile.TemporaryDirectory(prefix="lesions-map-") as raw:
        report = load_study(folder, Path(raw), loaded_at=datetime.now(UTC).replace(tzinfo=None))
        print_verdict(judge(Path(raw), report.study_id, default_values()), display)
