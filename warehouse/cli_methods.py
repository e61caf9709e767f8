"""Commands for single files: what installed packages offer as ``lesion_warehouse.commands``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from warehouse.cli_options import project_option
from warehouse.errors import LesionsError

COMMAND_GROUP = "lesion_warehouse.commands"


@click.command()
@click.argument("source", type=click.Path(path_type=Path), required=False)
@project_option
@click.option(
    "--what",
    type=click.Choice(["cluster", "new-organ", "survival"]),
    default="cluster",
    show_default=True,
    help="cluster: the progression cluster from baseline. new-organ: the risk of a lesion in each "
    "organ that is still free, from a landmark. survival: by the sizes of all lesions so far.",
)
@click.option("--model", "model_file", type=click.Path(path_type=Path), help="A saved model.")
@click.option("--subset", help="Whose model, where there are several tumor types.")
@click.option("--output", "-o", type=click.Path(path_type=Path), help="Write to a CSV.")
@click.option(
    "--template", type=click.Path(path_type=Path), help="Write the columns that SOURCE must have."
)
@click.option("--save-model", type=click.Path(path_type=Path), help="Write the model as JSON.")
def predict(
    source: Path | None,
    project_folder: Path,
    what: str,
    model_file: Path | None,
    subset: str | None,
    output: Path | None,
    template: Path | None,
    save_model: Path | None,
) -> None:
    """Predict new patients: progression cluster, lesions in new organs, or survival.

    SOURCE is a CSV or Parquet with one row per patient (for survival one per lesion and scan;
    --template writes its columns); for clusters also the warehouse.duckdb of another project. The
    model is the project's, for clusters also one saved before.
    """
    warehouse = None
    if model_file is None:
        from warehouse.project import open_project

        warehouse = open_project(project_folder).published
    _command("predict")(
        source,
        warehouse=warehouse,
        what=what,
        model_file=model_file,
        subset=subset,
        output=output,
        template=template,
        save_model=save_model,
        say=click.echo,
        warn=lambda text: click.echo(text, err=True),
    )


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@project_option
@click.option("--study", help="Only this study; all that have arms if left out.")
@click.option(
    "--reference",
    metavar="ARM",
    help="The arm that others are compared with; the first in order of the arms if left out.",
)
@click.option(
    "--strata",
    multiple=True,
    metavar="VARIABLE",
    help="A variable of ADSL that hazard ratios and log-rank tests are stratified by as well.",
)
@click.option(
    "--format",
    "formats",
    type=click.Choice(["html", "csv", "docx", "svg", "png"]),
    multiple=True,
    help="Only this format; all if left out.",
)
def tlf(
    folder: Path,
    project_folder: Path,
    study: str | None,
    reference: str | None,
    strata: tuple[str, ...],
    formats: tuple[str, ...],
) -> None:
    """Write tables, listings and figures by arm to FOLDER.

    Each study gets a folder: baseline, disposition, response, Kaplan-Meier tables, restricted
    means, subgroups and a listing of lesions as one page, one Word document and a CSV each, and
    every figure as SVG and PNG. The numbers are those of its analysis datasets.
    """
    from warehouse.project import open_project

    chosen = {"formats": formats} if formats else {}
    _command("tlf")(
        open_project(project_folder).published,
        folder,
        study=study,
        reference=reference,
        strata=strata,
        say=click.echo,
        **chosen,
    )


@click.group()
def growth() -> None:
    """Growth models without a warehouse."""


@growth.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--model",
    default="two_population",
    show_default=True,
    help="two_population (Zhou 2023), stein_fojo, claret, exponential, gompertz or logistic.",
)
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="ROLE=NAME",
    help="A column whose name is another: lesion, time, dv, v0, t0, censoring, limit, lloq, mdv, "
    "evid, amt, kind; or ignore.",
)
@click.option(
    "--lloq",
    type=click.FloatRange(min=0, min_open=True),
    metavar="MM3",
    help="Limit of quantification: smaller measurements, 0 too, are censored at it.",
)
@click.option(
    "--seed", type=int, default=20230607, show_default=True, help="Seed of the random numbers."
)
@click.option(
    "--starts",
    type=click.IntRange(1, 6),
    default=1,
    show_default=True,
    help="Starting points whose answers are compared.",
)
def fit(
    file: Path, model: str, columns: tuple[str, ...], lloq: float | None, seed: int, starts: int
) -> None:
    """Fit a growth model to a CSV FILE as Monolix, NONMEM and nlmixr2 read it.

    Columns, in any case: lesionID or ID, TIME (days from the first dose), DV (mm3); if there, V0
    and T0 (baseline volume and its day), CENS, CENSORING or BLQ (1: below DV), LIMIT, LLOQ, MDV,
    EVID. '.' is no value. Every measurement counts, the baselines too. What is not read is named.
    """
    _command("growth_fit")(
        file,
        model=model,
        columns=_roles(columns),
        lloq=lloq,
        seed=seed,
        n_starts=starts,
        say=click.echo,
    )


def _roles(columns: tuple[str, ...]) -> dict[str, str]:
    """ROLE=NAME of each option; several names to ignore in one text."""
    roles: dict[str, str] = {}
    for one in columns:
        role, is_given, name = (part.strip() for part in one.partition("="))
        if not (role and is_given and name):
            raise LesionsError(f"--column {one!r} is not ROLE=NAME, for example dv=volume_mm3.")
        if role in roles and role != "ignore":
            raise LesionsError(f"--column {role} is given twice. Give it once.")
        roles[role] = f"{roles[role]},{name}" if role in roles else name
    return roles


@click.group()
def radiomics() -> None:
    """Radiomic features of images, for those who have them."""


@radiomics.command("extract")
@click.argument("pairs", type=click.Path(path_type=Path))
@click.argument("output", type=click.Path(path_type=Path))
@click.option(
    "--spacing",
    type=click.FloatRange(min=0),
    default=1.0,
    show_default=True,
    help="Resample to voxels of so many mm; 0: leave them as they are.",
)
@click.option(
    "--bin-width",
    type=click.FloatRange(min=0),
    default=10.0,
    show_default=True,
    help="Width of the bins of intensities; 0 where they are whole numbers already.",
)
@click.option(
    "--segmentation",
    "segmentations",
    type=click.Choice(["original", "eroded", "dilated"]),
    multiple=True,
    default=("original",),
    show_default=True,
    help="Contours as they are, or moved by 1 mm; give it several times.",
)
@click.option(
    "--modality",
    type=click.Choice(["ct", "mr", "pet", "generic"]),
    default="ct",
    show_default=True,
    help="Of images whose line in PAIRS names none.",
)
def extract_features(
    pairs: Path,
    output: Path,
    spacing: float,
    bin_width: float,
    segmentations: tuple[str, ...],
    modality: str,
) -> None:
    """Take features of the lesions that PAIRS lists, and write them to OUTPUT.

    PAIRS is a CSV with the columns image, mask (NIfTI, NRRD, a folder of DICOM, DICOM SEG), patient
    and lesion; where known label (of the lesion in the mask), region, day or date, site, modality.
    OUTPUT loads with 'layout: radiomics'. Needs pip install 'lesion-warehouse[radiomics]'.
    """
    _command("radiomics_extract")(
        pairs,
        output,
        spacing_mm=spacing,
        bin_width=bin_width,
        segmentations=segmentations,
        modality=modality,
        say=click.echo,
    )


def _command(name: str) -> Callable[..., Any]:
    """A function that an installed package offers as ``lesion_warehouse.commands``.

    Raises:
        LesionsError: none does.
    """
    from importlib.metadata import entry_points

    for entry in entry_points(group=COMMAND_GROUP, name=name):
        function: Callable[..., Any] = entry.load()
        return function
    raise LesionsError(f"no command {name} is installed. Install lesion-warehouse again.")
