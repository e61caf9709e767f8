"""Bringing a project's loaded studies up to date with their folders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from warehouse import raw
from warehouse.display import Display, console, table
from warehouse.errors import LesionsError
from warehouse.judging import judge, print_verdict
from warehouse.project import Project, open_project, single_writer
from warehouse.settings import thread_count
from warehouse.sources.formats import unread_files
from warehouse.sources.manifest import damaged_parts, read_manifest
from warehouse.studies import (
    LoadReport,
    find_studies,
    links_out,
    load_study,
    read_study,
    study_fingerprint,
)


@dataclass(frozen=True)
class SourceState:
    """The study folders as they are now, beside what was loaded from them."""

    folders: Mapping[str, Path]
    manifests: Mapping[str, Mapping[str, Any]]
    """What each study's manifest will be once it is loaded, by study id."""
    to_load: Mapping[str, str]
    """Why a study must be loaded, by study id; no entry for one that is up to date."""

    def fingerprint(self, name: str) -> str:
        """Fingerprint of ``raw.<table>`` once all is loaded."""
        return raw.fingerprint_of(self.manifests, name.removeprefix("raw."))


def read_state(studies: Path, raw_folder: Path) -> SourceState:
    """Looks at every study folder; loads nothing.

    Raises:
        LesionsError: a study.yml or study folder that is wrong.
    """
    folders: dict[str, Path] = {}
    manifests: dict[str, Mapping[str, Any]] = {}
    to_load: dict[str, str] = {}
    for study in find_studies(studies):
        loaded = read_manifest(raw_folder / study.study_id)
        wanted = study_fingerprint(study.path, loaded)
        folders[study.study_id] = study.path
        manifests[study.study_id] = wanted
        if loaded is None:
            to_load[study.study_id] = "new study"
        elif loaded["fingerprint"] != wanted["fingerprint"]:
            to_load[study.study_id] = _what_changed(loaded, wanted)
        elif damaged := damaged_parts(raw_folder / study.study_id, loaded):
            to_load[study.study_id] = f"loaded files missing or altered: {', '.join(damaged)}"
    return SourceState(folders, manifests, to_load)


def _what_changed(loaded: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    old, new = loaded["files"], wanted["files"]
    changed = [
        name for name in new if name not in old or old[name]["sha256"] != new[name]["sha256"]
    ]
    gone = [f"{name} gone" for name in old if name not in new]
    return "changed: " + ", ".join(changed + gone) if changed or gone else "read in another way"


def load_studies(
    project: Project,
    study_ids: Mapping[str, str],
    loaded_at: datetime,
    observe: Callable[[str, str], None],
    say: Callable[[str], None],
) -> list[LoadReport]:
    """Loads the named studies, and forgets those whose folder is gone.

    ``say`` is told of files that are links out of their study's folder.

    Raises:
        LesionsError: a source that cannot be read; those loaded before it stay loaded.
    """
    state = read_state(project.studies, project.raw)
    reports = []
    for study_id in study_ids:
        observe(study_id, "start")
        folder = state.folders[study_id]
        reports.append(_load(project, folder, loaded_at))
        _name_links(folder, say)
        observe(study_id, "done")
    raw.remove_unlisted(project.raw, set(state.folders))
    return reports


def _load(
    project: Project, folder: Path, loaded_at: datetime, *, is_hashed: bool = False
) -> LoadReport:
    return load_study(
        folder,
        project.raw,
        loaded_at=loaded_at.replace(tzinfo=None),
        threads=thread_count(project.values),
        memory_limit=project.values["run.memory_limit"] or None,
        is_hashed=is_hashed,
    )


def load_one(
    folder: Path, project_folder: Path, display: Display, *, is_named: bool = False
) -> LoadReport:
    """Loads one study folder into the project that it lies in, or into the project named.

    ``is_named``: the project was asked for, whatever project the study lies in. A folder outside
    the project's ``studies`` is linked there.

    Raises:
        LesionsError: no project, no study.yml, or a source that cannot be read.
    """
    folder = folder.expanduser().absolute()
    if not folder.is_dir():
        raise LesionsError(f"{folder} is no folder. Name the folder that holds study.yml.")
    project = open_project(project_folder) if is_named else _project_of(folder, project_folder)
    with single_writer(project):
        is_outside = folder.parent.resolve() != project.studies.resolve()
        link = _link(folder, project) if is_outside else None
        try:
            find_studies(project.studies)
            report = _load(project, folder, datetime.now(UTC), is_hashed=True)
        except BaseException:
            # A link to what cannot be loaded would stop every run from now on.
            if link is not None:
                link.unlink(missing_ok=True)
            raise
        is_judged = not display.quiet
        verdict = None
        if is_judged:
            memory = project.state / "definitions.json"
            verdict = judge(project.raw, report.study_id, project.values, memory, project)
    _print(report, folder, display)
    if verdict is not None:
        print_verdict(verdict, display)
    _name_links(folder, display.say)
    display.say("Next: lesions run")
    return report


def _name_links(folder: Path, say: Callable[[str], None]) -> None:
    """Names the files of a study that lie elsewhere: who handed it over may have meant another."""
    for name, target in links_out(read_study(folder)).items():
        say(f"{folder.name}/{name} is a link out of the study's folder: {target} was read.")


def _project_of(folder: Path, project_folder: Path) -> Project:
    try:
        return open_project(folder)
    except LesionsError:
        return open_project(project_folder)


def _link(folder: Path, project: Project) -> Path | None:
    """Links a folder among the project's studies; the link, or None where it was there already."""
    place = project.studies / folder.name
    if place.is_symlink() and place.resolve() == folder.resolve():
        return None
    if place.exists():
        raise LesionsError(f"{place} is there already. Rename {folder} or remove that one.")
    project.studies.mkdir(exist_ok=True)
    place.symlink_to(folder, target_is_directory=True)
    return place


def _print(report: LoadReport, folder: Path, display: Display) -> None:
    rows = [
        (file.source_file, file.domain, file.rows_in_file, file.rows_loaded, file.rows_quarantined)
        for file in report.files
    ]
    columns = ("file", "domain", "rows in file", "loaded", "quarantined")
    console().print(table(f"Study {report.study_id}", columns, rows))
    for join in report.joins:
        display.say(
            f"{join.source_file}: {join.rows_matched:,} of {join.rows_in:,} records found their "
            f"key in {join.joined_file}; {join.keys_unused:,} of its {join.keys_in_joined:,} keys "
            "were not used"
        )
    for name, advice in unread_files(folder):
        display.say(f"not read: {name} ({advice})")
    for name in report.ignored_files:
        display.say(f"not read: {name} (study.yml names it for no domain)")
