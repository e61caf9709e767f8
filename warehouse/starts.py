"""Commented starts of a project's own models, rules, checks, figures, steps (``lesions new``)."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

from warehouse.errors import CommandError, LesionsError
from warehouse.models import MODEL_LAYERS
from warehouse.own import project_graph
from warehouse.project import Project
from warehouse.sources.wording import did_you_mean

_MODEL = """/* One target lesion that was large at baseline.
   Why: say what the table is for, and what to know of it. This header and each column's comment
   are its documentation: 'lesions docs' shows them.
   Grain: one row per lesion_id
   Key: lesion_id
*/
SELECT
    lesion_id, -- text id of the lesion
    patient_id, -- text id of the patient
    organ, -- organ of the lesion
    baseline_diameter_mm -- diameter at baseline, mm
FROM core.lesion
WHERE lesion_type = 'target' AND baseline_diameter_mm >= 50
"""
_FIGURE = """/* Target lesions by organ.
   Two columns, a text and a number, are drawn as bars in the report; others are shown as a table.
   Grain: one row per organ
   Key: organ
*/
SELECT
    organ, -- organ of the lesions
    count(*) AS n_lesions -- target lesions
FROM core.lesion
WHERE lesion_type = 'target'
GROUP BY organ
"""
_CHECK = """# Checks of {table}, beside the shipped ones.
# One with the id of a shipped check stands in its place.
# severity: critical stops a publish, warning and info do not.
- expect_table_row_count_to_be_between: {{min_value: 1}}
  id: project_has_rows
  severity: warning
  description: the table has rows
  remedy: Say here what to do.
  reason: "say why it only warns, with a date"
# Any query can be a check; what it finds has failed. {{batch}} is the table:
# - unexpected_rows_expectation:
#     unexpected_rows_query: SELECT * FROM {{batch}} WHERE study_id = 'prime' AND ...
#   id: no_such_rows
#   description: what must hold
#   remedy: what to do
# Others: expect_rows_to_satisfy (condition, where), expect_values_to_exist_in (column, table),
# expect_column_values_to_not_be_null (column), expect_column_values_to_be_between (column, ...).
"""
_STEP = '''"""Steps of this project: each reads tables, works on them, and returns tables."""

from pathlib import Path

from warehouse.declarations import read_declaration
from warehouse.registry import StepContext, step

TABLE = read_declaration(Path(__file__).parent / "sql" / "{schema}" / "{table}.sql")


@step(name="{table}", reads=("core.measurement",), writes=(TABLE,))
def {table}(context: StepContext):
    """Median size by day; a step may call any Python."""
    frame = context.frame("SELECT day, diameter_mm FROM core.measurement")
    medians = frame.groupby("day", as_index=False)["diameter_mm"].median().sort_values("day")
    return {{TABLE.name: context.table(TABLE.name, medians.to_dict("list"))}}
'''
_STEP_TABLE = """/* Median size of lesions by day.
   Filled by: step {table}
   Grain: one row per day
   Key: day
*/
CREATE TABLE {name} (
    day INTEGER, -- day from first dose
    diameter_mm DOUBLE -- median diameter, mm
)
"""
_SHOWN = 3


def write_start(project: Project, kind: str, name: str) -> list[Path]:
    """Writes the file, or files, of a start; those that are there stay.

    Args:
        project: the project.
        kind: model, figure, step, rule or check.
        name: of the table; a figure's may leave out 'mart.'.

    Raises:
        CommandError: a name of another form, or of a table that is not known.
        LesionsError: the file is there already.
    """
    if kind == "figure":
        name = name if "." in name else f"mart.{name}"
        if not name.startswith("mart.fig_"):
            raise CommandError(f"a figure's table is named mart.fig_..., not {name}.")
    if not re.fullmatch(r"[a-z]+\.[a-z][a-z0-9_]*", name):
        raise CommandError(
            f"{name!r} is no table: name layer and table in lower case, as analysis.{kind}_1."
        )
    schema, table = name.split(".")
    root = project.root
    if kind in ("rule", "check"):
        return [_of_known(project, kind, name)]
    if schema not in MODEL_LAYERS:
        raise CommandError(f"{schema} is no layer. They are: {', '.join(MODEL_LAYERS)}.")
    if kind != "step":
        return [
            _write(root / "sql" / schema / f"{table}.sql", _FIGURE if kind == "figure" else _MODEL)
        ]
    paths = [
        _write(root / "sql" / schema / f"{table}.sql", _STEP_TABLE.format(name=name, table=table)),
        _write(root / "own_steps.py", _STEP.format(schema=schema, table=table)),
    ]
    if project.values["project.steps"] != "own_steps":
        toml = root / "lesions.toml"
        text = toml.read_text(encoding="utf-8")
        if re.search(r"^\[project\]", text, re.MULTILINE):
            line = re.compile(r'^# steps = ""$', re.MULTILINE)
            changed = line.sub('steps = "own_steps"', text, count=1)
        else:
            changed = f'{text.rstrip()}\n\n[project]\nsteps = "own_steps"\n'
        if changed == text:
            raise LesionsError(f'{toml}: add the line steps = "own_steps" below [project].')
        toml.write_text(changed, encoding="utf-8")
    return paths


def _of_known(project: Project, kind: str, name: str) -> Path:
    graph = project_graph(project)
    schema, table = name.split(".")
    if kind == "check":
        if name not in graph.table_docs:
            raise CommandError(f"there is no table {name}.{did_you_mean(name, graph.table_docs)}")
        return _write(
            project.root / "expectations" / schema / f"{table}.yml", _CHECK.format(table=name)
        )
    seeds = {node.name: node.seed for node in graph.nodes.values() if node.seed is not None}
    if name not in seeds:
        raise CommandError(f"there is no seed {name}.{did_you_mean(name, seeds)}")
    seed = seeds[name]
    with seed.path.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.reader(handle))
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows[: 1 + _SHOWN])
    return _write(project.root / "rules" / f"{name}.csv", out.getvalue())


def _write(path: Path, text: str) -> Path:
    if path.exists():
        raise LesionsError(f"{path} is there already.")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
