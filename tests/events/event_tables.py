"""A literal core layer of one's own, and the analysis and mart models run on top of it."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import duckdb
import pyarrow as pa
from events.event_models import load_seeds, records, run_model
from sqlkit import NUMBERS, SqlKit, server

from warehouse.declarations import declared
from warehouse.settings import default_values

ANALYSIS = (
    "lineage_change",
    "lesion_cutoff",
    "lesion_change",
    "scan",
    "new_lesion",
    "lesion_finding",
    "lesion_event",
    "organ_event",
    "patient_event",
    "sum_of_diameters",
    "visit_response",
    "response_course",
    "best_overall_response",
    "endpoint_course",
    "endpoint_decided",
    "patient_endpoint",
    "response_agreement",
    "rule_set_difference",
    "patient_characteristic",
    "characteristic_group",
)
MART = (
    "dim_study",
    "dim_patient",
    "dim_organ",
    "dim_lesion",
    "fct_measurement",
    "fct_lesion_event",
    "fct_organ_event",
    "fct_patient_outcome",
    "fct_visit_response",
    "fct_response_phase",
    "fig_consort",
    "fig_organ_lesions",
    "fig_characteristics",
    "fig_waterfall",
    "fig_spider",
    "fig_swimmer",
    "fig_events_by_organ",
    "fig_rule_sets",
    "fig_study",
    "fig_patient",
    "fig_response_agreement",
)

CORE = (
    "study",
    "organ",
    "patient",
    "lesion",
    "measurement",
    "lesion_assessment",
    "lesion_lineage",
    "response",
    "exclusion",
)
SOURCES = (
    "core.subsequent_therapy",
    "staging.undated_progression",
    "staging.survival_reporting",
    "staging.analysis_reader",
    "staging.death",
    "staging.disease_response",
    "staging.tumor_result_screen",
    "staging.disease_response_screen",
    "staging.time_to_event",
)
"""What endpoints read besides the core tables: all empty, unless a test adds rows."""
OTHERS = ("core.time_point", "staging.time_point_day", "analysis.local_treatment")
DECLARED = ("analysis.modelled_event", "meta.setting")
PHASES = ("lesion_phase", "gower_lesion", "gower_patient")

Rows = Sequence[Mapping[str, Any]]


def ellipsoid_mm3(diameter_mm: float) -> float:
    """Volume of a lesion of a diameter, short axis = diameter / 1.31 (Zhou 2023, equation 1)."""
    return diameter_mm * (diameter_mm / 1.31) ** 2 / 2


@dataclass
class Core:
    """Rows of the core tables, said as a clinic would, and what the models make of them."""

    patients: list[dict[str, Any]] = field(default_factory=list)
    lesions: list[dict[str, Any]] = field(default_factory=list)
    measurements: list[dict[str, Any]] = field(default_factory=list)
    assessments: list[dict[str, Any]] = field(default_factory=list)
    lineages: list[dict[str, Any]] = field(default_factory=list)
    responses: list[dict[str, Any]] = field(default_factory=list)
    exclusions: list[dict[str, Any]] = field(default_factory=list)
    modelled: list[dict[str, Any]] = field(default_factory=list)
    treatments: list[dict[str, Any]] = field(default_factory=list)
    sources: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    visits: dict[int, str] = field(default_factory=dict)
    """The visit of a day; days without one are a time point each."""

    def _time_points(self, con: duckdb.DuckDBPyConnection) -> None:
        """Gives each row the time point of its patient, reader and day."""
        readers = {row["lesion_id"]: (row["patient_id"], row["reader"]) for row in self.lesions}
        days = set()

        def name(person: tuple[str | None, str], day: int) -> str:
            days.add((person[0], person[1], day))
            return f"{person[0]}/{person[1]}/{self.visits.get(day, f'day {day}')}"

        for row in [*self.measurements, *self.assessments]:
            row["time_point_id"] = name(readers[row["lesion_id"]], row["day"])
        for row in self.lesions:
            if row["first_day"] is not None:
                name((row["patient_id"], row["reader"]), row["first_day"])
        for row in self.responses:
            row["time_point_id"] = name((row["patient_id"], row.get("reader") or ""), row["day"])
        rows = [
            {"subject": subject, "reader": reader, "day": day, "time_point_id": name(who, day)}
            for subject, reader, day in sorted(days, key=str)
            for who in [(subject, reader)]
            if subject is not None
        ]
        _insert(con, "staging.time_point_day", rows)
        scans = {
            name(readers[row["lesion_id"]], row["day"])
            for row in [*self.measurements, *self.assessments]
        }
        points: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            points.setdefault(row["time_point_id"], []).append(row)
        _insert(
            con,
            "core.time_point",
            [
                {
                    "time_point_id": point,
                    "patient_id": here[0]["subject"],
                    "reader": here[0]["reader"],
                    "first_day": min(row["day"] for row in here),
                    "last_day": max(row["day"] for row in here),
                    "has_scan": point in scans,
                    "visit": self.visits.get(here[0]["day"]),
                }
                for point, here in points.items()
            ],
        )

    def patient(self, patient_id: str = "S/1", *, last_day: int | None = 400, **more: Any) -> None:
        """Adds a patient, followed to a last day."""
        self.patients.append(
            {
                "patient_id": patient_id,
                "study_id": "S",
                "usubjid": patient_id.split("/")[-1],
                "last_day": last_day,
                "os_days": last_day,
                "os_event": False,
                "is_analysed": True,
                **more,
            }
        )

    def lesion(
        self,
        lesion_id: str = "T1",
        *,
        patient_id: str | None = "S/1",
        lesion_type: str = "target",
        **more: Any,
    ) -> None:
        """Adds a lesion of the analysis reader, in the liver unless said otherwise."""
        self.lesions.append(
            {
                "lesion_id": lesion_id,
                "patient_id": patient_id,
                "study_id": "S",
                "reader": "",
                "lesion_label": lesion_id,
                "lesion_type": lesion_type,
                "organ": "liver",
                "is_nodal": False,
                "is_analysis_reader": True,
                "is_analysed": True,
                "is_patient_unknown": patient_id is None,
                "source_file": "tu.csv",
                "source_row": len(self.lesions) + 1,
                **more,
            }
        )

    def target(
        self,
        sizes: Mapping[int, float | None],
        lesion_id: str = "T1",
        *,
        baseline_day: int | None = 0,
        imputed: Sequence[int] = (),
        volumes: Mapping[int, float] | None = None,
        **more: Any,
    ) -> None:
        """Adds a target lesion with its diameter in mm by day; None is a scan without a size.

        Volumes in mm3 by day may be given; else they follow from the diameters.
        """
        self.lesion(lesion_id, baseline_day=baseline_day, first_day=min(sizes), **more)
        lesion = self.lesions[-1]
        for day, size in sizes.items():
            derived = None if size is None else ellipsoid_mm3(size)
            volume = derived if volumes is None else volumes.get(day)
            self.measurements.append(
                {
                    "lesion_id": lesion_id,
                    "day": day,
                    "patient_id": lesion["patient_id"],
                    "reader": lesion["reader"],
                    "diameter_mm": size,
                    "volume_mm3": volume,
                    "volume_source": "derived" if volumes is None else "measured",
                    "is_baseline": day == baseline_day,
                    "is_below_limit": volume is not None and volume < 200,
                    "is_imputed": day in imputed,
                    "source_file": "tr.csv",
                    "source_row": len(self.measurements) + 1,
                }
            )

    def nontarget(
        self,
        statuses: Mapping[int, str],
        lesion_id: str = "NT1",
        *,
        baseline_day: int | None = 0,
        **more: Any,
    ) -> None:
        """Adds a non-target lesion with its status by day."""
        self.lesion(
            lesion_id, lesion_type="non-target", baseline_day=baseline_day, first_day=0, **more
        )
        for day, status in statuses.items():
            self.assessments.append(
                {
                    "lesion_id": lesion_id,
                    "day": day,
                    "status": status,
                    "source_file": "tr.csv",
                    "source_row": 1000 + len(self.assessments),
                }
            )

    def new(
        self,
        first_day: int | None,
        lesion_id: str = "N1",
        *,
        words: Mapping[int, str] | None = None,
        **more: Any,
    ) -> None:
        """Adds a new lesion first seen on a day, with the status given to it by day.

        One that has no status but NE stayed equivocal, one without a day is undated.
        """
        is_equivocal = bool(words) and set((words or {}).values()) == {"NE"}
        detection = "undated" if first_day is None else "equivocal" if is_equivocal else "certain"
        more = {"detection": detection, **more}
        self.lesion(lesion_id, lesion_type="new", first_day=first_day, **more)
        for day, status in (words or {}).items():
            self.assessments.append({"lesion_id": lesion_id, "day": day, "status": status})

    def treated(self, lesion_id: str, day: int) -> None:
        """A lesion that is not evaluable from a day on, for it was treated locally."""
        self.treatments.append({"lesion_id": lesion_id, "not_evaluable_from": day})

    def build(self, *models: str, threads: int = 1) -> duckdb.DuckDBPyConnection:
        """A database with these core rows, the seeds, and the analysis models (or those named)."""
        con = _prepared(threads)
        self._time_points(con)
        rows: dict[str, Rows] = {
            "study": [
                {
                    "study_id": "S",
                    "title": "a study",
                    "tumor_type": "CRC",
                    "phase": "3",
                    "is_day_zero_treatment": True,
                }
            ],
            "organ": ORGANS,
            "patient": self.patients,
            "lesion": self.lesions,
            "measurement": self.measurements,
            "lesion_assessment": self.assessments,
            "lesion_lineage": self.lineages,
            "response": [
                {"is_analysis_criterion": True, "overall_term": row.get("overall_response"), **row}
                for row in self.responses
            ],
            "exclusion": self.exclusions,
        }
        for table in CORE:
            _insert(con, f"core.{table}", rows[table])
        _insert(con, "analysis.modelled_event", self.modelled)
        _insert(con, "analysis.local_treatment", self.treatments)
        for table in SOURCES:
            _insert(con, table, [_filled(table, row) for row in self.sources.get(table, [])])
        settings: Rows = [
            {"name": name, "value": str(value).lower() if isinstance(value, bool) else str(value)}
            for name, value in {**default_values(), **self.settings}.items()
        ]
        _insert(con, "meta.setting", settings)
        for name in models or [f"analysis.{model}" for model in ANALYSIS]:
            run_model(con, name)
        return con

    def build_events(self) -> duckdb.DuckDBPyConnection:
        """The same with no more than lesion events."""
        return self.build(
            *(f"analysis.{table}" for table in ANALYSIS[: ANALYSIS.index("lesion_event") + 1])
        )

    def build_marts(self, *, threads: int = 1) -> duckdb.DuckDBPyConnection:
        """The same with the mart models, over phase tables of one row per analysed lesion."""
        con = self.build(threads=threads)
        phases: dict[str, Rows] = {
            "lesion_phase": [
                {"lesion_id": lesion["lesion_id"], "has_response": True, "nadir_ratio": 0.5}
                for lesion in self.lesions
                if lesion["is_analysed"] and lesion["lesion_type"] == "target"
            ],
            "gower_lesion": [],
            "gower_patient": [],
        }
        for table in PHASES:
            _create(con, f"analysis.{table}", phases[table])
        for table in MART:
            run_model(con, f"mart.{table}")
        return con


ORGANS: Rows = [
    {
        "organ": organ,
        "organ_group": organ,
        "is_immune_privileged": False,
        "display_name": organ.capitalize(),
        "sort_order": place,
    }
    for place, organ in enumerate(("liver", "lung", "bone", "unknown"), start=1)
]


def _filled(table: str, row: dict[str, Any]) -> dict[str, Any]:
    """A row with what it means where a test does not say it: it counts, its day is known."""
    if table == "staging.time_to_event":
        return {"is_counted": True, **row}
    if table == "core.subsequent_therapy":
        return {"earliest_day": row.get("day"), "latest_day": row.get("day"), **row}
    return row


@cache
def _modelled_types() -> dict[str, dict[str, str]]:
    """Columns and types of the tables that models make, from the models run on nothing."""
    names = [*(f"core.{table}" for table in CORE), *SOURCES, *OTHERS]
    with SqlKit() as kit:
        kit.build(*names)
        return {
            name: dict(kit.query(f"SELECT column_name, column_type FROM (DESCRIBE {name})"))
            for name in names
        }


def _types(name: str) -> dict[str, str]:
    """Columns of a table with their types: as declared, where a step or the engine fills it."""
    known = _modelled_types()
    return known[name] if name in known else dict(declared(name).types)


@cache
def _template(threads: int) -> str:
    """The name of a database with every macro, the seeds, and the tables that tests fill, empty."""
    name = f"events_{next(NUMBERS)}"
    with server(threads).cursor() as con:
        con.execute(f"ATTACH ':memory:' AS {name}")
        con.execute(f"USE {name}")
        load_seeds(con)
        for table in (*(f"core.{table}" for table in CORE), *SOURCES, *OTHERS, *DECLARED):
            _create(con, table)
    return name


def _prepared(threads: int) -> duckdb.DuckDBPyConnection:
    """A connection to a copy of the template, which goes when the connection does."""
    home = server(threads)
    catalog = f"core_{next(NUMBERS)}"
    home.execute(f"ATTACH ':memory:' AS {catalog}")
    home.execute(f"COPY FROM DATABASE {_template(threads)} TO {catalog}")
    con = home.cursor()
    con.execute(f"USE {catalog}")
    # A handful of rows: optimizing the plans takes longer than running them.
    con.execute("PRAGMA disable_optimizer")
    weakref.finalize(con, home.execute, f"DETACH {catalog}")
    return con


def _create(con: duckdb.DuckDBPyConnection, name: str, rows: Rows = ()) -> None:
    columns = ", ".join(f"{column} {kind}" for column, kind in _types(name).items())
    con.execute(f"CREATE SCHEMA IF NOT EXISTS {name.split('.')[0]}")
    con.execute(f"CREATE TABLE {name} ({columns})")
    _insert(con, name, rows)


def _insert(con: duckdb.DuckDBPyConnection, name: str, rows: Rows) -> None:
    columns = _types(name)
    unknown = {column for row in rows for column in row} - set(columns)
    assert not unknown, f"{name} has no column {unknown}"
    if rows:
        given = pa.table({column: [row.get(column) for row in rows] for column in columns})
        con.register("given", given)
        con.execute(f"INSERT INTO {name} SELECT {', '.join(columns)} FROM given")
        con.unregister("given")


def event(
    con: duckdb.DuckDBPyConnection, lesion_id: str, endpoint: str, rule_set: str = "recist_1_1"
) -> dict[str, Any]:
    """The one row of analysis.lesion_event of a lesion."""
    (row,) = records(
        con,
        "SELECT * FROM analysis.lesion_event "
        f"WHERE lesion_id = '{lesion_id}' AND endpoint = '{endpoint}' AND rule_set = '{rule_set}'",
    )
    return row
