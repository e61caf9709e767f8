"""The main job on simulated trials: simulate, build, and say where the results are."""

from __future__ import annotations

import shlex
import webbrowser
from pathlib import Path

from warehouse.database import open_published
from warehouse.demo_findings import findings
from warehouse.display import Display, console, table
from warehouse.errors import LesionsError
from warehouse.project import Project, create_project, open_project
from warehouse.report.make import make_report
from warehouse.run import run_project
from warehouse.settings import FILE_NAME
from warehouse.simulate import write_trials
from warehouse.views import print_run, print_timings

SUMMARY = """
SELECT
    organ.display_name AS organ,
    count(DISTINCT lesion.lesion_id) AS lesions,
    count(DISTINCT lesion.lesion_id) FILTER (lesion.lesion_type = 'target') AS target,
    count(*) FILTER (event.endpoint = 'response' AND event.is_event) AS responses,
    count(*) FILTER (event.endpoint = 'progression' AND event.is_event) AS progressions,
    -- Kaplan and Meier's: a median of those that progressed leaves out those that never do.
    CASE
        WHEN bool_or(curve.is_median_reached)
            THEN printf(
                '%.0f (%s to %s)',
                max(curve.median_days),
                coalesce(printf('%.0f', max(curve.median_lower)), 'not reached'),
                coalesce(printf('%.0f', max(curve.median_upper)), 'not reached')
            )
        ELSE 'not reached'
    END AS median_days_to_progression
FROM mart.fct_lesion_event AS event
INNER JOIN mart.dim_lesion AS lesion USING (lesion_id)
INNER JOIN mart.dim_organ AS organ ON organ.organ = lesion.organ
LEFT JOIN analysis.lesion_survival_summary AS curve
    ON
        organ.organ = curve.organ
        AND curve.subset = 'all'
        AND curve.arm = 'all'
        AND curve.endpoint = 'progression'
        AND curve.source = 'observed'
WHERE event.rule_set = 'recist_1_1' AND event.source = 'observed'
GROUP BY organ.display_name
ORDER BY lesions DESC, organ.display_name
LIMIT 8
"""


VALIDATION_PRESET = "hnscc"
VALIDATION_PATIENTS = 393
"""Patients of the trial of head and neck cancer in which Zhou 2023 looked again (Fig. 3d)."""
VALIDATION_TRUTH = f"truth/{VALIDATION_PRESET}"

HABITS = """
SELECT
    (SELECT count(*) FROM core.time_point WHERE n_days > 1) AS spread,
    (SELECT count(*) FROM core.time_point) AS time_points,
    count(DISTINCT treated.lesion_id) AS treated
FROM analysis.local_treatment AS treated
"""
"""Assessments with scans on several days, all of them, and lesions treated locally."""


def run_demo(
    folder: Path,
    *,
    patients: int | None,
    seed: int,
    open_page: bool,
    has_validation: bool = False,
    has_timings: bool = False,
    quiet: bool,
) -> None:
    """Makes a project with simulated trials in ``folder``, builds it, prints a summary.

    A folder that already holds the demonstration is brought up to date, not simulated again.

    Args:
        folder: of the project.
        patients: of the colorectal trials; None for full size.
        seed: of the simulation.
        open_page: open the report in a browser.
        has_validation: the paper's validation trial, of head and neck cancer, beside the colorectal
            ones, with as many patients as they have, but no more than its 393.
        has_timings: say where the time went.
        quiet: print results only.

    Raises:
        LesionsError: the folder holds something else.
    """
    display = Display(quiet=quiet)
    project = _project(folder, patients, seed, has_validation, display)
    report = run_project(project, display=display)
    print_run(project, report)
    with display.stage("report", 1, "file"):
        page = make_report(project)
    _print_results(project, folder, page)
    if has_timings:
        print_timings(report)
    if open_page:
        webbrowser.open(page.as_uri())


def _project(
    folder: Path, patients: int | None, seed: int, has_validation: bool, display: Display
) -> Project:
    if (folder / FILE_NAME).is_file():
        if not (folder / "truth").is_dir():
            raise LesionsError(
                f"{folder} holds a project that is no demonstration: 'lesions run --project' "
                "builds it. Name another folder: lesions demo FOLDER."
            )
        display.say(
            f"{folder} is there already: using the trials in it, whatever --patients, --seed and "
            "--with-validation say. Name another folder to simulate others."
        )
        return open_project(folder)
    if folder.exists() and any(folder.iterdir()):
        raise LesionsError(f"{folder} is not empty. Name another folder: lesions demo FOLDER.")
    with display.stage("simulate", 8 + has_validation, "trials") as stage:

        def one_more(done: int, total: int) -> None:
            stage.observe("", "done")

        write_trials(
            folder,
            "mcrc",
            patients=patients,
            seed=seed,
            habits=True,
            markers=True,
            messages=True,
            progress=one_more,
        )
        if has_validation:
            write_trials(
                folder,
                VALIDATION_PRESET,
                patients=min(patients or VALIDATION_PATIENTS, VALIDATION_PATIENTS),
                seed=seed,
                habits=True,
                truth=VALIDATION_TRUTH,
                progress=one_more,
            )
    return create_project(folder)


def _print_results(project: Project, folder: Path, page: Path) -> None:
    out = console()
    with open_published(project.published) as connection:
        result = connection.execute(SUMMARY)
        columns = [str(column[0]) for column in result.description or []]
        rows = result.fetchall()
        spread, time_points, treated = connection.execute(HABITS).fetchall()[0]
        found = findings(connection)
    out.print()
    out.print(table("Observed events by organ (RECIST 1.1)", columns, rows))
    out.print("\nWhat was found, with 95 % limits, and the table behind it:")
    for sentence, source in found:
        out.print(f"- {sentence} [{source}]", markup=False, highlight=False)
    out.print(
        f"\n{treated:,} lesions were resected, irradiated or ablated in the trial "
        "(analysis.local_treatment);\n"
        f"{spread:,} of {time_points:,} assessments have scans on several days "
        "(core.time_point).\n"
        f"The trials are simulated; what made them is in {folder}/truth.\n"
        f"Report     {page}\n"
        f"Warehouse  {project.published}\n"
        f"Checks     {project.check_page}\n"
        f"Next       lesions query --project {shlex.quote(str(folder))} "
        '"SELECT * FROM mart.fct_patient_outcome LIMIT 5"\n'
        f"           lesions lineage --project {shlex.quote(str(folder))} "
        "core.measurement.volume_mm3\n"
        "           lesions init my_trials",
        soft_wrap=True,
    )
