"""Options that several commands take."""

from __future__ import annotations

from pathlib import Path

import click

project_option = click.option(
    "--project",
    "-C",
    "project_folder",
    type=click.Path(path_type=Path),
    default=Path(),
    show_default="this folder or one above it",
    help="The project's folder.",
)
patients_option = click.option(
    "--patients", type=click.IntRange(min=20), help="Patients; the published number if left out."
)
seed_option = click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=20230607,
    show_default=True,
    help="Seed of the simulation.",
)
quiet_option = click.option("--quiet", "-q", is_flag=True, help="Print results and errors only.")
timings_option = click.option(
    "--timings", "has_timings", is_flag=True, help="Say at the end where the time went."
)
