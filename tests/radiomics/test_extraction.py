"""Features of the IBSI's digital phantom, from NIfTI and DICOM SEG; bad tables of pairs."""

from __future__ import annotations

import csv
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from radiomics.phantom import IBSI, PHANTOM, write_dicom, write_dicom_seg, write_nifti
from sources.studykit import Workspace

from flows.radiomic_extraction import extract, read_pairs
from warehouse.errors import LesionsError

needs_mirp = pytest.mark.skipif(
    find_spec("mirp") is None, reason="the extra is not installed: lesion-warehouse[radiomics]"
)


def quiet(text: str) -> None:
    """Says nothing."""


def read(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as handle:
        return list(csv.DictReader(handle))


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """The phantom as NIfTI with label 3, and a ball of 10 mm radius."""
    inside = PHANTOM > 0
    write_nifti(np.where(inside, PHANTOM, 1).astype("f4"), tmp_path / "phantom.nii.gz", 2.0)
    write_nifti((3 * inside).astype("u1"), tmp_path / "phantom_mask.nii.gz", 2.0)
    away = np.sqrt(((np.indices((40, 40, 40)) - 19.5) ** 2).sum(axis=0))
    write_nifti((100 - 3 * away).astype("f4"), tmp_path / "ball.nii.gz", 1.0)
    write_nifti((away < 10).astype("u1"), tmp_path / "ball_mask.nii.gz", 1.0)
    return tmp_path


@needs_mirp
def test_the_digital_phantom_has_the_reference_values_of_the_ibsi(images: Path) -> None:
    (images / "pairs.csv").write_text(
        "image,mask,patient,lesion,label\nphantom.nii.gz,phantom_mask.nii.gz,P1,L1,3\n"
    )
    out = images / "features.csv"
    extract(images / "pairs.csv", out, spacing_mm=0, bin_width=0, say=quiet)
    [row] = read(out)
    assert (row["patient"], row["lesion"], row["segmentation"]) == ("P1", "L1", "original")
    wrong = {
        name: (row[name], value)
        for name, (value, tolerance) in IBSI.items()
        if not abs(float(row[name]) - value) <= tolerance * (1 + 1e-9)
    }
    assert wrong == {}


@needs_mirp
def test_dicom_seg_gives_what_nifti_gives(images: Path) -> None:
    inside = PHANTOM > 0
    slices = write_dicom(np.where(inside, PHANTOM, 1), images / "ct", 2.0)
    write_dicom_seg(inside, slices, images / "seg.dcm")
    (images / "pairs.csv").write_text(
        "image,mask,patient,lesion,label\nphantom.nii.gz,phantom_mask.nii.gz,P1,L1,3\n"
        "ct,seg.dcm,P1,L2,tumor\n"
    )
    out = images / "features.csv"
    extract(images / "pairs.csv", out, spacing_mm=0, bin_width=0, say=quiet)
    nifti, dicom = read(out)
    names = [name for name in nifti if name.startswith("mirp_")]
    assert len(names) > 100
    for name in names:
        assert float(dicom[name]) == pytest.approx(float(nifti[name]), rel=1e-6, abs=1e-9), name


@needs_mirp
def test_moved_contours_of_a_ball_and_the_way_into_raw(images: Path, workspace: Workspace) -> None:
    """Radius 9, 10 and 11 mm; the volumes of voxels between the balls half a voxel off."""
    (images / "pairs.csv").write_text(
        "image,mask,patient,lesion,site,day\nball.nii.gz,ball_mask.nii.gz,P1,L1,lung,-7\n"
    )
    out = images / "features.csv"
    extract(images / "pairs.csv", out, segmentations=("original", "eroded", "dilated"), say=quiet)
    volume = {r["segmentation"]: float(r["mirp_shape_vol_approx_mm3"]) for r in read(out)}
    for name, radius in {"eroded": 9, "original": 10, "dilated": 11}.items():
        assert 4.19 * (radius - 0.5) ** 3 < volume[name] < 4.19 * (radius + 0.5) ** 3, name

    study = "study_id: trial\nlayout: radiomics\nday_convention: sdtm\nfiles:\n  - file: f.csv\n"
    workspace.write({"f.csv": out.read_bytes()}, study)
    [report] = workspace.load().files
    assert (report.rows_in_file, report.rows_loaded) == (3, 3)
    assert workspace.table("tu", "usubjid, tulnkid, tuloc") == [("P1", "L1", "lung")]
    features = workspace.table("rf", "DISTINCT rftestcd")
    assert len(features) == len([name for name in read(out)[0] if name.startswith("mirp_")])
    assert workspace.table("rf", "DISTINCT rfdy") == [("-7",)]


@needs_mirp
def test_a_label_that_is_not_there_is_named_and_the_rest_is_written(images: Path) -> None:
    (images / "pairs.csv").write_text(
        "image,mask,patient,lesion,label\nphantom.nii.gz,phantom_mask.nii.gz,P1,L1,9\n"
        "phantom.nii.gz,phantom_mask.nii.gz,P1,L2,3\n"
    )
    out = images / "features.csv"
    with pytest.raises(LesionsError, match=r"1 of 2 masks gave no features.*lesion L1.*label"):
        extract(images / "pairs.csv", out, spacing_mm=0, bin_width=0, say=quiet)
    assert [row["lesion"] for row in read(out)] == ["L2"]


@pytest.mark.skipif(find_spec("mirp") is not None, reason="the extra is installed")
def test_without_the_extra_it_says_how_to_get_it(tmp_path: Path) -> None:
    for name in ("i.nii", "m.nii"):
        (tmp_path / name).touch()
    (tmp_path / "pairs.csv").write_text("image,mask,patient,lesion\ni.nii,m.nii,P1,L1\n")
    with pytest.raises(LesionsError, match=r"pip install 'lesion-warehouse\[radiomics\]'"):
        extract(tmp_path / "pairs.csv", tmp_path / "out.csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,mask,patient\n", "lacks lesion"),
        ("image,mask,patient,lesion,labell\n", "has labell"),
        ("image,mask,patient,lesion\n", "names no pair"),
        ("image,mask,patient,lesion\ni.nii,m.nii,,L1\n", "line 2: 'patient' is blank"),
        ("image,mask,patient,lesion\ni.nii,x.nii,P1,L1\n", r"line 2: .*x\.nii is not there"),
        (
            "image,mask,patient,lesion,modality\ni.nii,m.nii,P1,L1,us\n",
            "modality 'us' is not one of",
        ),
    ],
)
def test_a_table_of_pairs_that_cannot_be_used(tmp_path: Path, text: str, message: str) -> None:
    for name in ("i.nii", "m.nii"):
        (tmp_path / name).touch()
    (tmp_path / "pairs.csv").write_text(text)
    with pytest.raises(LesionsError, match=message):
        read_pairs(tmp_path / "pairs.csv")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LesionsError, match="is not there"):
        read_pairs(tmp_path / "pairs.csv")


def test_settings_out_of_range(tmp_path: Path) -> None:
    with pytest.raises(LesionsError, match="no segmentation 'shrunk'"):
        extract(tmp_path / "p.csv", tmp_path / "o.csv", segmentations=("shrunk",))
    with pytest.raises(LesionsError, match=r"0 \(as the image is\) or more"):
        extract(tmp_path / "p.csv", tmp_path / "o.csv", spacing_mm=-1)
