"""The ``lesions`` command. Heavy libraries are imported inside the commands that need them."""

from __future__ import annotations

import io
import shlex
import signal
import sys
from pathlib import Path

import click

from warehouse.cli_exit import (
    INTERRUPTED,
    interrupts,
    note_interrupt,
    run_group,
    stop,
    take_log_format,
)
from warehouse.cli_methods import growth, predict, radiomics, tlf
from warehouse.cli_options import (
    patients_option,
    project_option,
    quiet_option,
    seed_option,
    timings_option,
)
from warehouse.cli_reading import compare_papers, connect, docs, lineage, publish, query, report
from warehouse.errors import LesionsError


class Ordered(click.Group):
    """Lists the commands in the order in which one meets them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(
    cls=Ordered,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Every command answers to --help. An error is one paragraph; --debug adds where in the "
    "program it arose. --log-format json writes progress and errors as one JSON object a line.",
)
@click.version_option(package_name="lesion-warehouse", message="lesions %(version)s")
def lesions() -> None:
    """Analytics warehouse for metastatic-cancer trials, lesion by lesion.

    Trial tables go in; a checked DuckDB file comes out.

    \b
    First time:   lesions demo
    Own trials:   lesions init my_trials
                  lesions map DATA --into my_trials/studies/prime
                  lesions load my_trials/studies/prime
                  lesions run --project my_trials
    """


@lesions.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("lesions_demo"))
@patients_option
@seed_option
@click.option("--open", "open_page", is_flag=True, help="Open the report in a browser.")
@click.option(
    "--with-validation",
    is_flag=True,
    help="A trial of head and neck cancer beside them, for phenotypes in two tumor types.",
)
@timings_option
@quiet_option
def demo(
    folder: Path,
    patients: int | None,
    seed: int,
    open_page: bool,
    with_validation: bool,
    has_timings: bool,
    quiet: bool,
) -> None:
    """Simulate trials of published size and build their warehouse.

    Makes the project FOLDER (lesions_demo if left out), simulates eight colorectal trials shaped
    on Zhou 2023 into it, runs everything, and says where the results are.
    """
    from warehouse.demo import run_demo

    run_demo(
        folder,
        patients=patients,
        seed=seed,
        open_page=open_page,
        has_validation=with_validation,
        has_timings=has_timings,
        quiet=quiet,
    )


@lesions.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--layout",
    "layouts",
    multiple=True,
    help="Add a study of a layout that ships ('list' names them); may be given several times.",
)
@click.option("--example", is_flag=True, help="With its made-up tables of five patients.")
def init(folder: Path, layouts: tuple[str, ...], example: bool) -> None:
    """Make a project FOLDER with lesions.toml and a place for studies.

    With --layout, FOLDER may be a project already.
    """
    from warehouse.layouts import layout_names, layout_title
    from warehouse.project import create_project

    if "list" in layouts:
        for name in layout_names():
            click.echo(f"{name:18} {layout_title(name)}")
        return
    for name in layouts:
        if name not in layout_names():
            raise click.BadParameter(
                f"{name!r} is no layout. They are: {', '.join(layout_names())}.",
                param_hint="--layout",
            )
    if layouts:
        _init_layouts(folder, layouts, example)
        return
    if example:
        raise click.UsageError("--example goes with --layout NAME.")
    project = create_project(folder)
    click.echo(
        f"Made {project.root}\n"
        f"  lesions.toml   settings, each with its default\n"
        f"  studies/       one folder per study: its tables and a study.yml\n"
        f"Next: put a study there, then lesions load {shlex.quote(str(folder / 'studies'))}/NAME, "
        f"then lesions run --project {shlex.quote(str(folder))}"
    )


def _init_layouts(folder: Path, layouts: tuple[str, ...], example: bool) -> None:
    """Adds studies of shipped layouts to a project, which is made if it is not there."""
    from warehouse import settings
    from warehouse.layouts import layout_files, write_layout
    from warehouse.project import create_project, open_project

    is_there = (folder / settings.FILE_NAME).is_file()
    project = open_project(folder) if is_there else create_project(folder)
    if not is_there:
        click.echo(f"Made {project.root}")
    for name in layouts:
        study = write_layout(name, project.studies, with_example=example)
        click.echo(f"Wrote {study / 'study.yml'}")
        if not example:
            click.echo(f"  Put its files there: {', '.join(layout_files(name))}")
        click.echo(f"  Then: lesions load {shlex.quote(str(study))}")


@lesions.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--preset", type=click.Choice(["mcrc", "hnscc"]), default="mcrc", show_default=True)
@patients_option
@seed_option
@click.option("--messy", is_flag=True, help="Plant known defects; truth/defects.csv lists them.")
@click.option(
    "--habits",
    is_flag=True,
    help="Plant habits of real trials: visits over several days, local treatment and more.",
)
@click.option(
    "--markers", is_flag=True, help="Add ctDNA every four weeks that follows the tumor's volume."
)
@click.option(
    "--messages", is_flag=True, help="Plant what the papers found, effect by effect (mcrc)."
)
@click.option(
    "--without",
    multiple=True,
    metavar="MESSAGE",
    help="Leave one of these effects out; may be given several times (docs/messages.md).",
)
@click.option(
    "--sequence-groups",
    type=click.FloatRange(0, 1),
    help="Plant groups of progression sequences, so far apart; 0.98 is clear.",
)
@quiet_option
def simulate(
    folder: Path,
    preset: str,
    patients: int | None,
    seed: int,
    messy: bool,
    habits: bool,
    markers: bool,
    messages: bool,
    without: tuple[str, ...],
    sequence_groups: float | None,
    quiet: bool,
) -> None:
    """Write simulated trials to FOLDER/studies and the truth behind them to FOLDER/truth."""
    from warehouse.simulate import write_trials

    report = write_trials(
        folder,
        preset,
        patients=patients,
        seed=seed,
        messy=messy,
        habits=habits,
        markers=markers,
        messages=messages,
        without=without,
        sequence_separation=sequence_groups,
    )
    if not quiet:
        click.echo(report)


@lesions.command(name="map")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--into",
    type=click.Path(path_type=Path),
    help="Folder of the study, made if need be; files that lie elsewhere are linked there.",
)
@click.option("--study-id", help="Id of the study; else the folder's name.")
@click.option("--replace", is_flag=True, help="Write over a study.yml that is there.")
@click.option(
    "--check",
    "is_check",
    is_flag=True,
    help="FILES is a finished study: say what of its files is unused, and write nothing.",
)
@quiet_option
def map_command(
    files: tuple[Path, ...],
    into: Path | None,
    study_id: str | None,
    replace: bool,
    is_check: bool,
    quiet: bool,
) -> None:
    """Propose a study.yml for FILES (tables, or a folder of them) from what is in them.

    Each line has its reason behind it; what the files do not say is asked, with the candidates.
    The proposal is then loaded, into nowhere, and the first time points of a patient are shown.
    """
    from warehouse.display import Display
    from warehouse.mapping import check_mapping, map_files

    display = Display(quiet=quiet)
    if is_check:
        for folder in files:
            check_mapping(folder, display)
        return
    map_files(files, display, into=into, study_id=study_id, is_replaced=replace)


@lesions.command()
@click.argument("study", type=click.Path(path_type=Path))
@project_option
@quiet_option
def load(study: Path, project_folder: Path, quiet: bool) -> None:
    """Read one STUDY folder, check it against its study.yml, and say what was loaded.

    The published warehouse takes it in at the next 'lesions run'. A folder that lies outside the
    project's studies/ is linked there. Without --project, the project is the one that STUDY lies
    in, else the one of this folder.
    """
    from warehouse.display import Display
    from warehouse.loading import load_one

    source = click.get_current_context().get_parameter_source("project_folder")
    is_named = source is click.core.ParameterSource.COMMANDLINE
    load_one(study, project_folder, Display(quiet=quiet), is_named=is_named)


@lesions.command()
@click.argument("selectors", nargs=-1)
@project_option
def plan(selectors: tuple[str, ...], project_folder: Path) -> None:
    """Show what a run would build, and why.

    SELECTORS narrow it: a model's name, +name (with all it needs), name+ (with all that needs it),
    tag:x, changed.
    """
    from warehouse.project import open_project
    from warehouse.run import plan_project
    from warehouse.views import print_plan

    print_plan(plan_project(open_project(project_folder), selectors))


@lesions.command()
@click.argument("selectors", nargs=-1)
@project_option
@click.option("--force", is_flag=True, help="Build even what has not changed.")
@timings_option
@click.option(
    "--engine",
    type=click.Choice(["duckdb", "spark"]),
    help="What makes the tables of models; the setting run.engine if left out.",
)
@click.option("--master", metavar="URL", help="Where Spark is; the setting spark.master if not.")
@quiet_option
def run(
    selectors: tuple[str, ...],
    project_folder: Path,
    force: bool,
    has_timings: bool,
    engine: str | None,
    master: str | None,
    quiet: bool,
) -> None:
    """Load, transform, fit, check and publish what is out of date.

    The published file is replaced as a whole at the end, or not at all. SELECTORS as in 'plan'.
    """
    from warehouse.display import Display
    from warehouse.project import open_project
    from warehouse.run import run_project
    from warehouse.views import print_run, print_timings

    if master is not None and engine == "duckdb":
        raise click.UsageError("--master goes with --engine spark.")
    project = open_project(project_folder).with_values(
        {"run.engine": engine or ("spark" if master else None), "spark.master": master}
    )
    report = run_project(project, selectors=selectors, force=force, display=Display(quiet=quiet))
    print_run(project, report)
    if has_timings:
        print_timings(report)


@lesions.command()
@project_option
@click.option(
    "--deep", is_flag=True, help="Also have lifelines work out the survival tables again."
)
@quiet_option
def check(project_folder: Path, deep: bool, quiet: bool) -> None:
    """Check the published warehouse again, and write the page of results."""
    from warehouse.display import Display
    from warehouse.project import open_project
    from warehouse.recheck import check_published

    check_published(open_project(project_folder), Display(quiet=quiet), is_deep=deep)


for reading in (compare_papers, query, report, docs, lineage, connect, publish):
    lesions.add_command(reading)


@lesions.command()
@project_option
def doctor(project_folder: Path) -> None:
    """Look for what would keep this installation or project from working."""
    from warehouse.doctor import examine

    if not examine(project_folder):
        sys.exit(1)


@lesions.command()
@project_option
@click.option(
    "--cron",
    default="0 2 * * *",
    show_default=True,
    help="When: minute, hour, day of month, month, day of week, in local time.",
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    show_default="4200, or a free one",
    help="Port of the Prefect server, which answers on this machine only.",
)
def schedule(project_folder: Path, cron: str, port: int | None) -> None:
    """Keep the warehouse fresh: load, build and publish by the clock, until Ctrl-C.

    Starts a Prefect server (files in .lesions/prefect; none where PREFECT_API_URL names one), in
    whose pages each run can be looked at. Reading a file share that fails is tried again; nothing
    else is.
    """
    from importlib.metadata import entry_points

    for entry in entry_points(group="lesion_warehouse.schedulers", name="nightly"):
        entry.load()(project_folder, cron, port)
        return
    raise LesionsError("no scheduler is installed. Install lesion-warehouse again.")


@lesions.command()
@click.argument("kind", type=click.Choice(["model", "rule", "check", "figure", "step"]))
@click.argument("name")
@project_option
def new(kind: str, name: str, project_folder: Path) -> None:
    """Write a commented start of something of the project's own beside lesions.toml.

    model, figure, step: NAME of the table (analysis.large_lesions, fig_large_lesions, ...). rule:
    NAME of a shipped seed (staging.event_rule, staging.site_map, ...), whose columns and first rows
    are shown. check: NAME of the table that is checked.
    """
    from warehouse.project import open_project
    from warehouse.starts import write_start

    for path in write_start(open_project(project_folder), kind, name):
        click.echo(f"Wrote {path}")
    click.echo("Next: lesions plan, then lesions run")


@lesions.command()
@click.argument("part", required=False)
@click.option("--scale", type=click.IntRange(1, 100), default=1, help="Times the published size.")
@seed_option
@click.option("--dbt", type=click.Path(path_type=Path), help="dbt to compare with; else on PATH.")
@click.option("--output", "-o", type=click.Path(path_type=Path), help="JSON file for the figures.")
def benchmarks(
    part: str | None, scale: int, seed: int, dbt: Path | None, output: Path | None
) -> None:
    """Measure the main job on this machine, beside dbt where it is installed.

    PART measures one part instead, beside its peers: growth (saemix), hazards (coxme, lifelines),
    heterogeneity (gower), radiomics.
    """
    from warehouse.benchmarks import run_benchmarks, run_part

    if part is not None:
        run_part(part, scale=scale, seed=seed, output=output)
    else:
        run_benchmarks(scale=scale, seed=seed, dbt=dbt, output=output)


for method in (tlf, predict, growth, radiomics):
    lesions.add_command(method)


def main() -> None:
    """Entry point: an error of the user's is one paragraph; its kind is the exit status."""
    arguments = sys.argv[1:]
    debug = "--debug" in arguments
    for stream in (sys.stdout, sys.stderr):
        # A terminal or file that cannot write a letter shows '?' for it.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    if debug:
        arguments.remove("--debug")
    arguments = take_log_format(arguments)
    signal.signal(signal.SIGINT, note_interrupt)
    try:
        run_group(lesions, arguments, debug)
    except Exception:
        # DuckDB makes a RuntimeError of an interrupt, an import under way an ImportError.
        if not interrupts or debug:
            raise
        stop(INTERRUPTED, 130)


if __name__ == "__main__":
    main()
