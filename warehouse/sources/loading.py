"""Loads one study: stages its files, maps them, writes Parquet, replaces the former load."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from warehouse.database import OFFLINE
from warehouse.errors import LesionsError, MachineError
from warehouse.sources import manifest as manifests
from warehouse.sources.domains import STUDY_COLUMNS
from warehouse.sources.formats import stage_file
from warehouse.sources.joining import JoinReport, join_stage
from warehouse.sources.lesion_long import plain_entries
from warehouse.sources.mapping import Mapper, Origin
from warehouse.sources.radiomics import plain_features
from warehouse.sources.reader_order import check_reader_order
from warehouse.sources.spec import FileEntry, ReadOptions, Study
from warehouse.sources.stage import RECORD, Rejected, Stage, quarantine_made_nul
from warehouse.sources.wording import identifier, literal, names_subject

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class DerivedReport:
    """Rows of another domain made from a file: rows_in = rows_out + rows_collapsed."""

    domain: str
    rows_in: int
    rows_out: int
    rows_collapsed: int


@dataclass(frozen=True)
class FileReport:
    """Where one file's records went: rows_in_file = rows_loaded + rows_quarantined."""

    source_file: str
    domain: str
    rows_in_file: int
    rows_loaded: int
    rows_quarantined: int
    sha256: str
    derived: tuple[DerivedReport, ...] = ()


@dataclass(frozen=True)
class LoadReport:
    """What a load did. ``is_unchanged`` = nothing was read again; the numbers are the last ones."""

    study_id: str
    is_unchanged: bool
    files: tuple[FileReport, ...]
    ignored_files: tuple[str, ...] = ()
    joins: tuple[JoinReport, ...] = ()


def load(
    study: Study,
    raw_dir: Path,
    *,
    loaded_at: datetime,
    progress: Progress | None = None,
    threads: int | None = None,
    memory_limit: str | None = None,
    is_hashed: bool = False,
) -> LoadReport:
    """Loads a study that was read; see :func:`warehouse.studies.load_study`."""
    target = raw_dir / study.study_id
    former = manifests.read_manifest(target)
    state = manifests.fingerprint(study, former, is_hashed=is_hashed)
    is_same = former is not None and former["fingerprint"] == state["fingerprint"]
    if former is not None and is_same and not manifests.damaged_parts(target, former):
        return _report(former, is_unchanged=True)
    temporary = raw_dir / f".{study.study_id}.loading.{os.getpid()}"
    try:
        raw_dir.mkdir(parents=True, exist_ok=True)
        remove_unfinished(raw_dir)
        (temporary / "work").mkdir(parents=True)
        with _connect(temporary / "work" / "spill", threads, memory_limit) as connection:
            loader = _Loader(connection, study, state, temporary, loaded_at)
            files = loader.run(progress)
        _check_unchanged(study, state)
        shutil.rmtree(temporary / "work")
        document = {
            **state,
            "parts": manifests.parts_of(temporary),
            "loaded_files": [asdict(report) for report in files],
            "ignored_files": list(study.ignored),
            "joins": [asdict(report) for report in loader.joins],
        }
        text = json.dumps(document, indent=1, ensure_ascii=False)
        (temporary / manifests.MANIFEST).write_text(text, encoding="utf-8")
        _replace(temporary, target)
    except (OSError, duckdb.IOException, duckdb.OutOfMemoryException) as error:
        raise _not_loaded(study, raw_dir, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return _report(document, is_unchanged=False)


def _connect(
    spill: Path, threads: int | None, memory_limit: str | None
) -> duckdb.DuckDBPyConnection:
    """A database in memory that spills beside the load and keeps the order of records."""
    config: dict[str, Any] = {
        **OFFLINE,
        "temp_directory": str(spill),
        "preserve_insertion_order": "true",
    }
    if threads is not None:
        config["threads"] = str(threads)
    if memory_limit:
        config["memory_limit"] = memory_limit
    connection = duckdb.connect(config=config)
    connection.execute("SET enable_progress_bar = false")
    return connection


def _check_unchanged(study: Study, state: dict[str, Any]) -> None:
    """A file that changed while it was read has not the SHA-256 that its rows would carry."""
    for name, known in state["files"].items():
        now = (study.folder / name).stat()
        if (now.st_size, now.st_mtime_ns) != (known["size"], known["mtime_ns"]):
            raise LesionsError(
                f"{study.folder / name} changed while it was read. Wait until it is written, then "
                "load again."
            )


def _not_loaded(study: Study, raw_dir: Path, error: Exception) -> LesionsError:
    """What failed outside the study's content, and a remedy that fits it."""
    names = [name for entry in study.entries for name in entry.files]
    gone = [name for name in names if not (study.folder / name).is_file()]
    if gone:
        return LesionsError(
            f"{study.folder / gone[0]} went away while it was read. Put it back, then load again."
        )
    reason = _reason(error)
    if isinstance(error, duckdb.OutOfMemoryException):
        remedy = "Raise run.memory_limit or close other programs"
    elif isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        remedy = "Give the study a shorter study_id"
    elif re.search(r"space|quota|too large", reason, re.IGNORECASE):
        remedy = "Make room on the disk"
    else:
        remedy = "Look at the folder's disk and rights"
    return MachineError(
        f"the study {study.study_id} cannot be written to {raw_dir}: {reason}. The former load, if "
        f"any, is unharmed. {remedy}, then load again."
    )


def _reason(error: Exception) -> str:
    """The words of the system in an error, where they can be found."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    found = re.search(r'"?: ([A-Z][a-z][A-Za-z ]+)"', str(error))
    return found.group(1) if found else str(error).splitlines()[0].rstrip(".")


def _report(document: dict[str, Any], *, is_unchanged: bool) -> LoadReport:
    files = tuple(
        FileReport(
            **{
                **report,
                "derived": tuple(DerivedReport(**derived) for derived in report["derived"]),
            }
        )
        for report in document["loaded_files"]
    )
    joins = tuple(JoinReport(**report) for report in document["joins"])
    ignored = tuple(document["ignored_files"])
    return LoadReport(document["study_id"], is_unchanged, files, ignored, joins)


def remove_unfinished(raw_dir: Path) -> None:
    """Removes what loads that were killed left behind; the caller alone writes there."""
    for kind in ("loading", "former"):
        for item in raw_dir.glob(f".*.{kind}.*"):
            shutil.rmtree(item, ignore_errors=True)


def _replace(temporary: Path, target: Path) -> None:
    """Puts a load in place. Killed in between, there is no load, and the next one makes it."""
    if target.exists():
        former = target.with_name(f".{target.name}.former.{os.getpid()}")
        target.rename(former)
        temporary.rename(target)
        shutil.rmtree(former, ignore_errors=True)
    else:
        temporary.rename(target)


class _Loader:
    """The load of one study into one folder."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        study: Study,
        state: dict[str, Any],
        folder: Path,
        loaded_at: datetime,
    ) -> None:
        self._connection = connection
        self._study = study
        self._state = state
        self._folder = folder
        self._work = folder / "work"
        self._loaded_at = loaded_at.replace(tzinfo=None).isoformat(sep=" ")
        self._stages: dict[tuple[object, ...], Stage] = {}
        self.joins: list[JoinReport] = []
        self._parts: dict[str, list[Path]] = {}
        for table, columns in STUDY_COLUMNS.items():
            types = ", ".join(f"{name} {kind}" for name, (kind, _) in columns.items())
            connection.execute(f"CREATE TABLE {table} ({types})")

    def run(self, progress: Progress | None) -> list[FileReport]:
        reports: list[FileReport] = []
        total = len(self._study.entries)
        for done, entry in enumerate(self._study.entries):
            if progress is not None:
                progress(done, total)
            reports += self._load_entry(entry)
        self._check_readers()
        self._write_domains()
        self._write_study_tables(reports)
        if progress is not None:
            progress(total, total)
        return reports

    def _load_entry(self, entry: FileEntry) -> list[FileReport]:
        stage = self._stage(entry)
        place = str(self._study.folder / entry.file)
        plain: tuple[FileEntry, ...] = (entry,)
        if entry.long_table is not None:
            plain = plain_entries(
                entry, stage.columns, place=place, has_patients=self._has_patients
            )
        elif entry.radiomics is not None:
            plain = (
                plain_features(
                    entry,
                    stage.columns,
                    place=place,
                    has_patients=self._has_patients,
                    first_day="0" if self._study.day_convention == "zero_based" else "1",
                ),
            )
        return [self._map_entry(item, stage, place) for item in plain]

    @property
    def _has_patients(self) -> bool:
        return self._study.patients == "known"

    def _stage(self, entry: FileEntry) -> Stage:
        stage = self._read(entry.file, entry.options)
        for number, join in enumerate(entry.joins, 1):
            key = (entry.file, entry.options, entry.joins[:number])
            if key not in self._stages:
                other = self._read(join.file, join.options)
                self._stages[key], report = join_stage(
                    self._connection,
                    stage,
                    other,
                    join,
                    source_file=entry.file,
                    place=str(self._study.folder / entry.file),
                    out=self._work / f"stage-{len(self._stages)}.parquet",
                )
                self.joins.append(report)
            stage = self._stages[key]
        return stage

    def _read(self, file: str, options: ReadOptions) -> Stage:
        key = (file, options)
        if key not in self._stages:
            out = self._work / f"stage-{len(self._stages)}.parquet"
            path = self._study.folder / file
            self._stages[key] = stage_file(self._connection, path, options, out)
        return self._stages[key]

    def _map_entry(self, entry: FileEntry, stage: Stage, place: str) -> FileReport:
        sha = self._state["files"][entry.file]["sha256"]
        origin = Origin(self._study.study_id, entry.file, sha, self._loaded_at, place)
        mapper = self._mapper(stage, origin)
        try:
            out = (
                self._work
                / f"stage-{entry.domain}-{len(self._parts.get(entry.domain, ()))}.parquet"
            )
            stage = quarantine_made_nul(self._connection, stage, mapper.expressions(entry), out)
            mapper = self._mapper(stage, origin)
            rows = mapper.records(entry)
            without = self._reject_without_subject(rows, entry, stage)
            usable = f"({rows})"
            if self._has_patients:
                usable += f" WHERE {names_subject('usubjid')}"
            loaded = self._write_part(entry.domain, f"SELECT * FROM {usable}")
            records = f"read_parquet({literal(str(self._parts[entry.domain][-1]))})"
            if entry.features is not None:
                loaded = self._count_records(records)
            if loaded + without != stage.rows:
                raise LesionsError(
                    f"{place}: {stage.rows} records became {loaded} rows of {entry.domain} and "
                    f"{without} quarantined. An expression of study.yml must give one value per "
                    "record."
                )
            derived = []
            for inner in entry.derive:
                made = self._write_part(inner.domain, mapper.derived(inner, records, entry))
                derived.append(DerivedReport(inner.domain, loaded, made, loaded - made))
        except duckdb.Error as error:
            if isinstance(error, duckdb.IOException | duckdb.OutOfMemoryException):
                raise
            raise mapper.failing_record(entry, error) from error
        self._reject(entry, stage.rejected)
        return FileReport(
            source_file=entry.file,
            domain=entry.domain,
            rows_in_file=stage.rows + len(stage.rejected),
            rows_loaded=loaded,
            rows_quarantined=len(stage.rejected) + without,
            sha256=sha,
            derived=tuple(derived),
        )

    def _mapper(self, stage: Stage, origin: Origin) -> Mapper:
        return Mapper(self._connection, stage, origin, has_patients=self._has_patients)

    def _count_records(self, relation: str) -> int:
        """Records behind rows that may be several to a record."""
        counted = self._connection.execute(
            f"SELECT count(DISTINCT _source_row) FROM {relation}"
        ).fetchall()
        return int(counted[0][0])

    def _write_part(self, domain: str, query: str) -> int:
        parts = self._parts.setdefault(domain, [])
        part = self._work / f"{domain}-{len(parts)}.parquet"
        parts.append(part)
        copied = self._connection.execute(
            f"COPY ({query}) TO {literal(str(part))} (FORMAT parquet)"
        ).fetchall()
        return int(copied[0][0])

    def _reject_without_subject(self, rows: str, entry: FileEntry, stage: Stage) -> int:
        """Records whose subject is blank, or a word such as 'nan', go to reject; their number."""
        if not self._has_patients:
            return 0
        unnamed = f"NOT ({names_subject('usubjid')})"
        if not self._connection.execute(
            f"SELECT 1 FROM ({rows}) WHERE {unnamed} LIMIT 1"
        ).fetchall():
            return 0
        cells = ", ".join(f"{identifier(name)} := s.{identifier(name)}" for name in stage.columns)
        values = f"CAST(to_json(struct_pack({cells})) AS VARCHAR)"
        inserted = self._connection.execute(
            f"INSERT INTO reject SELECT {literal(self._study.study_id)}, {literal(entry.file)}, "
            f"r._source_row, {literal(entry.domain)}, 'usubjid', substr({values}, 1, 10000), "
            "'the record names no subject', 'add the subject id, or say patients: unknown', NULL "
            f"FROM (SELECT DISTINCT _source_row, usubjid FROM ({rows})) AS r "
            f"JOIN {stage.relation} AS s ON s.{RECORD} = r._source_row "
            f"WHERE NOT ({names_subject('r.usubjid')})"
        ).fetchall()
        return int(inserted[0][0])

    def _reject(self, entry: FileEntry, rejected: Sequence[Rejected]) -> None:
        self._insert(
            "reject",
            [
                (
                    *(self._study.study_id, entry.file, record.record, entry.domain),
                    *(record.column, record.text, record.reason, record.remedy, record.defect_id),
                )
                for record in rejected
            ],
        )

    def _check_readers(self) -> None:
        """Whom study.yml puts first must be there, or another reader would be taken unseen."""
        if not self._study.readers:
            return
        if not {"tu", "tr"} & set(self._parts):
            raise LesionsError(
                f"{self._study.folder / 'study.yml'}: 'readers' names "
                f"{', '.join(self._study.readers)}, and the study has no table of lesions or "
                "measurements (tu, tr) in which they could be. Leave 'readers' out, or name the "
                "table."
            )
        found: set[tuple[str, ...]] = set()
        for domain in ("tu", "tr"):
            cells = ", ".join(f"upper(trim({domain}{part}))" for part in ("eval", "evalid"))
            for file in self._parts.get(domain, ()):
                rows = self._connection.execute(
                    f"SELECT DISTINCT {cells} FROM (SELECT NULL AS {domain}eval, "
                    f"NULL AS {domain}evalid WHERE false UNION ALL BY NAME "
                    f"SELECT * FROM read_parquet({literal(str(file))}))"
                ).fetchall()
                found |= {tuple(part for part in row if part) for row in rows}
        check_reader_order(self._study.readers, found, self._study.folder / "study.yml")

    def _write_domains(self) -> None:
        for domain, parts in self._parts.items():
            out = self._folder / f"{domain}.parquet"
            if len(parts) == 1:
                parts[0].rename(out)
                continue
            files = "[" + ", ".join(literal(str(part)) for part in parts) + "]"
            self._connection.execute(
                f"COPY (SELECT * FROM read_parquet({files}, union_by_name = true)) "
                f"TO {literal(str(out))} (FORMAT parquet)"
            )

    def _write_study_tables(self, reports: Sequence[FileReport]) -> None:
        study = self._study
        name = study.study_id
        self._insert(
            "study",
            [
                (
                    *(name, study.title, study.tumor_type, study.phase, study.sponsor),
                    *(study.layout, study.day_convention, study.day_zero_rule, study.patients),
                    *(study.too_small_mm, list(study.too_small_values)),
                    *(study.local_treatment, study.line_of_therapy, study.primary_site),
                    study.registry_id,
                )
            ],
        )
        readers = enumerate(study.readers, 1)
        self._insert("study_reader", [(name, reader, place) for place, reader in readers])
        self._insert("study_arm", [(name, *asdict(arm).values()) for arm in study.arms])
        self._insert("study_site", [(name, site, organ) for site, organ in study.sites])
        self._insert("study_test_code", [(name, *stated) for stated in study.test_codes])
        self._insert("load_audit", [(name, *list(asdict(r).values())[:-1]) for r in reports])
        self._insert("join_audit", [(name, *asdict(report).values()) for report in self.joins])
        self._insert(
            "derivation",
            [
                (name, report.source_file, *asdict(derived).values())
                for report in reports
                for derived in report.derived
            ],
        )
        for table in STUDY_COLUMNS:
            order = "ALL" if table == "reject" else "rowid"
            out = self._folder / f"{table}.parquet"
            self._connection.execute(
                f"COPY (SELECT * FROM {table} ORDER BY {order}) TO {literal(str(out))} "
                "(FORMAT parquet)"
            )

    def _insert(self, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            places = ", ".join("?" * len(rows[0]))
            self._connection.executemany(f"INSERT INTO {table} VALUES ({places})", rows)
