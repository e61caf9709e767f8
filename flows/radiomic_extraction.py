"""Radiomic features of image and mask pairs: ``lesions radiomics extract``.

The features are MIRP's (Zwanenburg et al., J Open Source Softw 2024), which follows the reference
manual of the Image Biomarker Standardisation Initiative (IBSI). It is an optional extra; so are the
readers of NIfTI, NRRD, DICOM series and DICOM SEG that come with it.
"""

from __future__ import annotations

import csv
import logging
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from warehouse.errors import LesionsError
from warehouse.leftovers import replacing

REQUIRED = ("image", "mask", "patient", "lesion")
OPTIONAL = ("label", "region", "day", "date", "site", "modality")
ID_COLUMNS = ("patient", "lesion", "segmentation", "region", "day", "date", "site")
MODALITIES = ("ct", "mr", "pet", "generic")

# MIRP's families -> class as pyradiomics names it. What has no class there (intensity-volume
# histogram, local intensity, distance zones) is left out.
CLASSES = {
    "morph": "shape",
    "stat": "firstorder",
    "cm": "glcm",
    "rlm": "glrlm",
    "szm": "glszm",
    "ngl": "gldm",
    "ngt": "ngtdm",
}
HISTOGRAM = ("ih_entropy", "ih_uniformity")
"""Of the histogram, what pyradiomics counts among the first-order features."""
FAMILIES = [
    *("morphology", "statistical", "intensity_histogram", "glcm", "glrlm", "glszm", "ngldm"),
    "ngtdm",
]
UNITS = {
    **dict.fromkeys(("morph_volume", "morph_vol_approx"), "mm3"),
    "morph_area_mesh": "mm2",
    **dict.fromkeys(("morph_diam", "morph_com"), "mm"),
    **dict.fromkeys(("morph_pca_maj_axis", "morph_pca_min_axis", "morph_pca_least_axis"), "mm"),
}
_SETTINGS = re.compile(r"(?:_d1)?(?:_a0\.0)?(?:_3d)?(?:_v_mrg)?(?:_fb[sn]_[a-z]?[0-9.]+)?$")
SHIFT_MM = {"original": 0.0, "eroded": -1.0, "dilated": 1.0}
"""How far a contour is moved (Henry 2022)."""


@dataclass(frozen=True)
class Pair:
    """One line of the table of pairs: paths, and who and what they show."""

    line: int
    image: Path
    mask: Path
    values: Mapping[str, str]

    @property
    def place(self) -> str:
        return (
            f"line {self.line} (patient {self.values['patient']}, lesion {self.values['lesion']})"
        )


@dataclass(frozen=True)
class Processing:
    """What is done to images before features are taken.

    Attributes:
        spacing_mm: voxels are resampled to this size by cubic B-splines; 0 leaves them as they are.
        bin_width: of the discretised intensities; 0 where they are whole numbers already.
        segmentations: original, eroded, dilated (by 1 mm).
        modality: of images whose line names none.
    """

    spacing_mm: float = 1.0
    bin_width: float = 10.0
    segmentations: tuple[str, ...] = ("original",)
    modality: str = "ct"


def extract(
    pairs: Path,
    output: Path,
    *,
    spacing_mm: float = 1.0,
    bin_width: float = 10.0,
    segmentations: Sequence[str] = ("original",),
    modality: str = "ct",
    say: Callable[[str], None] = print,
) -> None:
    """Writes one row per lesion and segmentation, one column per feature.

    The table loads as it is with the layout ``radiomics``. Resampling to 1 mm and bins of 10 are
    those of Henry 2022.

    Args:
        pairs: CSV with the columns image, mask, patient and lesion, and optionally label (of the
            lesion in the mask; all of it without), region, day or date, site, modality. Paths are
            relative to it; a DICOM series is a folder.
        output: CSV to be written.
        spacing_mm, bin_width, segmentations, modality: see :class:`Processing`.
        say: prints a paragraph.

    Raises:
        LesionsError: the extra is not installed, the table of pairs is not usable, or features of
            some pairs could not be taken; those of the others are written all the same.
    """
    processing = Processing(spacing_mm, bin_width, tuple(segmentations), modality)
    _check(processing)
    lines = read_pairs(pairs)
    if find_spec("mirp") is None:
        raise LesionsError(
            "features are extracted by MIRP, which is not installed. Install it with pip install "
            "'lesion-warehouse[radiomics]'."
        )
    rows: list[dict[str, str]] = []
    failed: list[str] = []
    for pair in lines:
        for segmentation in processing.segmentations:
            try:
                features = pair_features(pair, processing, segmentation)
            except LesionsError as error:
                failed.append(f"{pair.place}, {segmentation}: {error}")
                say(f"not extracted: {failed[-1]}")
                continue
            rows.append({**pair.values, "segmentation": segmentation, **features})
    _write(rows, output)
    say(f"{len(rows)} rows in {output}; load them with 'layout: radiomics' in study.yml.")
    if failed:
        raise LesionsError(
            f"{len(failed)} of {len(failed) + len(rows)} masks gave no features, the first: "
            f"{failed[0]} Correct the lines of {pairs} named above, then extract again."
        )


def read_pairs(file: Path) -> list[Pair]:
    """The table of pairs, checked.

    Raises:
        LesionsError: no such file, a column is missing or unknown, a path is not there, or a cell
            that is needed is blank.
    """
    if not file.is_file():
        raise LesionsError(f"{file} is not there. It is a CSV with columns {', '.join(REQUIRED)}.")
    with file.open(encoding="utf-8-sig", newline="") as handle:
        reader = csv.DictReader(handle)
        names = [name.strip() for name in reader.fieldnames or ()]
        rows = [
            {name: (row.get(key) or "").strip() for name, key in zip(names, row, strict=False)}
            for row in reader
        ]
    missing = [name for name in REQUIRED if name not in names]
    unknown = [name for name in names if name not in (*REQUIRED, *OPTIONAL)]
    if missing or unknown:
        wrong = f"lacks {', '.join(missing)}" if missing else f"has {', '.join(unknown)}"
        raise LesionsError(
            f"{file} {wrong}. Its columns are {', '.join(REQUIRED)}, and where known "
            f"{', '.join(OPTIONAL)}. Name them so in the first line."
        )
    if not rows:
        raise LesionsError(f"{file} names no pair. Add one line per lesion.")
    return [_pair(file, number, row) for number, row in enumerate(rows, 2)]


def pair_features(pair: Pair, processing: Processing, segmentation: str) -> dict[str, str]:
    """Features of one lesion, by column name ``mirp_<class>_<feature>[_unit]``.

    Raises:
        LesionsError: the pair cannot be read, or the mask is empty (or becomes so when eroded).
    """
    table = _run_mirp(pair, processing, SHIFT_MM[segmentation])
    features: dict[str, str] = {}
    for name, value in table.items():
        column = _column(str(name))
        if column is not None:
            features[column] = "" if value != value else repr(float(value))
    if not features:
        raise LesionsError("no voxel is left of the mask. Look at it, or leave erosion out.")
    return features


def _run_mirp(pair: Pair, processing: Processing, shift_mm: float) -> Mapping[str, Any]:
    """One row of MIRP's table."""
    from mirp import extract_features

    options: dict[str, Any] = {
        "base_discretisation_method": "fixed_bin_size" if processing.bin_width else "none",
        "glcm_spatial_method": "3d_volume_merge",
        "glrlm_spatial_method": "3d_volume_merge",
        "base_feature_families": FAMILIES,
        "ibsi_compliant": True,
        "num_cpus": 1,
    }
    modality = pair.values.get("modality") or processing.modality
    if modality != "generic":
        options["image_modality"] = modality
    if processing.bin_width:
        options["base_discretisation_bin_width"] = processing.bin_width
    if processing.spacing_mm:
        options |= {"new_spacing": processing.spacing_mm, "spline_order": 3}
    if shift_mm:
        options |= {
            "perturbation_roi_adapt_type": "distance",
            "perturbation_roi_adapt_size": shift_mm,
            "perturbation_roi_adapt_max_erosion": 0.0,
        }
    if pair.values.get("label"):
        options["roi_name"] = pair.values["label"]
    said: list[str] = []
    with _quiet(said):
        try:
            tables = extract_features(image=str(pair.image), mask=str(pair.mask), **options)
        except (ValueError, TypeError, IndexError, RuntimeError) as error:
            raise LesionsError(f"{' '.join(str(error).split())[:400]}.") from error
    if not tables or tables[0] is None or tables[0].empty:
        reason = " ".join(said[0].split())[:400] if said else "MIRP says no more."
        raise LesionsError(
            f"{pair.image.name} and {pair.mask.name} give no region. Look whether they are of one "
            f"frame of reference, and whether the label is in the mask. {reason}"
        )
    if len(tables) > 1 or len(tables[0]) > 1:
        raise LesionsError(
            f"{pair.mask.name} holds several regions. Say which one under 'label', one line each."
        )
    row: Mapping[str, Any] = tables[0].iloc[0].to_dict()
    return row


def _column(name: str) -> str | None:
    """MIRP's name of a feature as a column of ours; None for what is no feature here.

    The settings at its end (distance, merging, bins) are the same for all, and are left out.
    """
    plain = _SETTINGS.sub("", name)
    family, _, rest = plain.partition("_")
    if plain in HISTOGRAM:
        return f"mirp_firstorder_{rest}"
    if family not in CLASSES:
        return None
    unit = f"_{UNITS[plain]}" if plain in UNITS else ""
    return f"mirp_{CLASSES[family]}_{rest}{unit}"


@contextmanager
def _quiet(said: list[str]) -> Iterator[None]:
    """Keeps MIRP's progress out of the output, and collects what it warns of."""
    former = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            yield
    finally:
        logging.disable(former)
        said += [str(warning.message) for warning in caught]


def _pair(file: Path, line: int, row: Mapping[str, str]) -> Pair:
    for name in REQUIRED:
        if not row[name]:
            raise LesionsError(f"{file}, line {line}: {name!r} is blank. Fill it in.")
    paths = [file.parent / row[name] for name in ("image", "mask")]
    for path in paths:
        if not path.exists():
            raise LesionsError(
                f"{file}, line {line}: {path} is not there. Paths are relative to {file.name}."
            )
    values = {name: row.get(name, "") for name in (*REQUIRED[2:], *OPTIONAL) if row.get(name)}
    if values.get("modality", "ct") not in MODALITIES:
        raise LesionsError(
            f"{file}, line {line}: modality {values['modality']!r} is not one of "
            f"{', '.join(MODALITIES)}."
        )
    return Pair(line, paths[0], paths[1], values)


def _check(processing: Processing) -> None:
    for name in processing.segmentations:
        if name not in SHIFT_MM:
            raise LesionsError(
                f"there is no segmentation {name!r}: original, eroded and dilated are made."
            )
    if processing.modality not in MODALITIES:
        raise LesionsError(f"modality {processing.modality!r} is not of {', '.join(MODALITIES)}.")
    if processing.spacing_mm < 0 or processing.bin_width < 0:
        raise LesionsError("spacing and bin width are 0 (as the image is) or more.")


def _write(rows: Sequence[Mapping[str, str]], output: Path) -> None:
    ids = [name for name in ID_COLUMNS if any(row.get(name) for row in rows)]
    features = dict.fromkeys(name for row in rows for name in _features(row))
    with replacing(output) as beside, beside.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow([*ids, *features])
        for row in rows:
            writer.writerow([row.get(name, "") for name in (*ids, *features)])


def _features(row: Mapping[str, str]) -> Iterator[str]:
    return (name for name in row if name.startswith("mirp_"))
