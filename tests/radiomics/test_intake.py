"""Feature tables as sources write them: wide, long, pyradiomics' own output, regions, readers."""

from __future__ import annotations

import pytest
from sources.studykit import Workspace

from warehouse.errors import LesionsError

MAPPED = "study_id: trial\nlayout: mapped\nday_convention: zero_based\nfiles:\n"
SHORT = "study_id: trial\nlayout: radiomics\nday_convention: zero_based\nfiles:\n"
# The first columns of what `pyradiomics batch.csv -o out.csv` writes, its input's own in front.
PYRADIOMICS = (
    "Patient,Image,Mask,Label,Segmentation,diagnostics_Versions_PyRadiomics,"
    "diagnostics_Image-original_Mean,original_shape_VoxelVolume,original_firstorder_90Percentile,"
    "wavelet-LLH_glcm_Contrast,log-sigma-1-0-mm-3D_ngtdm_Busyness\n"
    "01,a.nii,m1.nii,1,original,v3.0.1,-400.5,1200.0,55.5,0.25,1.5\n"
    "01,a.nii,m1.nii,2,original,v3.0.1,-400.5,80.0,,0.5,2.5\n"
)
ENTRY = "usubjid, rflnkid, rfregion, rfsegm, rftestcd, rforres, rfdy, _source_row"


def test_pyradiomics_output_as_it_is(workspace: Workspace) -> None:
    """Diagnostics are no features; two records of four features are eight rows."""
    study = SHORT + "  - file: out.csv\n    columns: {lesion: Label}\n    exhaustive: true\n"
    workspace.write({"out.csv": PYRADIOMICS}, study)
    [report] = workspace.load().files
    assert (report.rows_in_file, report.rows_loaded, report.rows_quarantined) == (2, 2, 0)
    rows = workspace.table("rf", ENTRY + ", rfallfl")
    assert len(rows) == 8
    volume, percentile = "original_shape_VoxelVolume", "original_firstorder_90Percentile"
    assert rows[0] == ("01", "1", None, "original", volume, "1200.0", "0", 1, "Y")
    assert rows[5] == ("01", "2", None, "original", percentile, None, "0", 2, "Y")
    assert {row[4] for row in rows} == {
        *(volume, percentile, "wavelet-LLH_glcm_Contrast"),
        "log-sigma-1-0-mm-3D_ngtdm_Busyness",
    }
    assert workspace.table("tu", "usubjid, tulnkid, tuorres, tudy") == [
        ("01", "1", "NON-TARGET", "0"), ("01", "2", "NON-TARGET", "0"),
    ]  # fmt: skip
    assert workspace.table("dm", "usubjid") == [("01",)]


def test_a_wide_table_of_any_names_without_what_is_none(workspace: Workspace) -> None:
    study = MAPPED + (
        "  - file: wide.csv\n    domain: rf\n"
        "    columns: {usubjid: ID, rflnkid: {sql: \"Scan || '-' || No\"}, "
        'rfdy: {value: "0"}}\n'
        "    features: {except: [Target]}\n"
    )
    workspace.write({"wide.csv": "ID,Scan,No,Target,volume_mm3,grade\nA,7,2,1,350,4\n"}, study)
    workspace.load()
    assert workspace.table("rf", ENTRY) == [
        ("A", "7-2", None, None, "volume_mm3", "350", "0", 1),
        ("A", "7-2", None, None, "grade", "4", "0", 1),
    ]
    assert workspace.table("rf", "DISTINCT _source_values") == [
        ('{"ID":"A","Scan":"7","No":"2","Target":"1"}',)
    ]


def test_an_outcome_beside_the_features_is_claimed_or_left_out(workspace: Workspace) -> None:
    text = "ID,lesion,Target,volume_mm3\nA,1,1,350\nB,1,0,420\n"
    short = SHORT + "  - file: wide.csv\n"
    workspace.write({"wide.csv": text}, short)
    with pytest.raises(
        LesionsError, match=r"Target would count .* 'features: {except: \[Target\]}"
    ):
        workspace.load()
    for features, found in (("{except: [Target]}", 2), ("{columns: [Target, volume_mm3]}", 4)):
        workspace.write({"wide.csv": text}, f"{short}    features: {features}\n")
        workspace.load()
        assert len(workspace.table("rf")) == found


@pytest.mark.parametrize(
    "name",
    [
        "Recurrence",
        "OS_days",
        "HPV",
        "survivalMonths",
        "Outcome_1y",
        "PatientAge",
        "RECIST",
        "KRAS",
        "Response_1",
    ],
)
def test_an_outcome_by_a_word_of_its_name_is_refused(workspace: Workspace, name: str) -> None:
    text = f"ID,lesion,{name},volume_mm3,Image_Mean\nA,1,1,350,2\n"
    workspace.write({"wide.csv": text}, SHORT + "  - file: wide.csv\n")
    with pytest.raises(LesionsError, match=f": {name} would count as a feature"):
        workspace.load()


def test_numbers_beside_pyradiomics_names_are_named_until_claimed(workspace: Workspace) -> None:
    """os_days and grade would be passed over; texts, diagnostics and the mask's label may be."""
    text = (
        "Patient,lesion,Mask,Label,Scanner,os_days,grade,diagnostics_Versions_Numpy,"
        "original_glcm_Idm\nA,1,m.nii,2,GE,210,3,1.2,0.5\nB,1,m.nii,1,GE,,2,1.2,0.25\n"
    )
    short = SHORT + "  - file: out.csv\n    columns: {subject: Patient}\n"
    workspace.write({"out.csv": text}, short)
    with pytest.raises(LesionsError, match=r"os_days, grade have numbers.*'features: pyradiomics'"):
        workspace.load()
    unlabelled = text.replace("Mask", "Picture")
    workspace.write({"out.csv": unlabelled}, short)
    with pytest.raises(LesionsError, match="Label"):
        workspace.load()
    found = {}
    others = "[os_days, Mask, Label, Scanner, diagnostics_Versions_Numpy]"
    for features in ("pyradiomics", f"{{except: {others}}}"):
        workspace.write({"out.csv": text}, f"{short}    features: {features}\n")
        workspace.load()
        found[features] = {name for (name,) in workspace.table("rf", "DISTINCT rftestcd")}
    assert list(found.values()) == [{"original_glcm_Idm"}, {"original_glcm_Idm", "grade"}]


def test_regions_are_what_names_begin_with_the_longest_first(workspace: Workspace) -> None:
    study = MAPPED + (
        "  - file: wide.csv\n    domain: rf\n"
        '    columns: {usubjid: ID, rflnkid: {value: T1}, rfdy: {value: "0"}}\n'
        "    features: {names: pyradiomics, regions: [Liver, Liver_Rest]}\n"
    )
    header = "ID,Liver_original_glcm_Idm,Liver_Rest_original_glcm_Idm,original_glcm_Idm,Age\n"
    workspace.write({"wide.csv": header + "A,1,2,3,60\n"}, study)
    workspace.load()
    assert workspace.table("rf", "rfregion, rftestcd, rforres") == [
        ("Liver", "original_glcm_Idm", "1"),
        ("Liver_Rest", "original_glcm_Idm", "2"),
        (None, "original_glcm_Idm", "3"),
    ]


def test_a_long_table_found_by_its_names(workspace: Workspace) -> None:
    text = (
        "patient,lesion,organ,reader,day,feature,value,unit,class\n"
        "A,1,liver,R1,-7,Sphericity,0.8,1,shape\nA,1,liver,R2,-7,Sphericity,0.7,1,shape\n"
        "A,2,bone,R1,-7,Sphericity,0.9,1,shape\n"
    )
    workspace.write({"long.csv": text}, SHORT + "  - file: long.csv\n")
    [report] = workspace.load().files
    assert (report.rows_in_file, report.rows_loaded) == (3, 3)
    assert workspace.table("rf", "rflnkid, rfsegm, rftestcd, rfcat, rforres, rforresu, rfdy") == [
        ("1", "R1", "Sphericity", "shape", "0.8", "1", "-7"),
        ("1", "R2", "Sphericity", "shape", "0.7", "1", "-7"),
        ("2", "R1", "Sphericity", "shape", "0.9", "1", "-7"),
    ]
    assert workspace.table("tu", "tulnkid, tuloc") == [("1", "liver"), ("2", "bone")]


def test_records_without_a_subject_are_quarantined_once_each(workspace: Workspace) -> None:
    text = "patient,lesion,a_mm,b_mm\nP,1,2,3\n,2,4,5\n"
    workspace.write({"wide.csv": text}, SHORT + "  - file: wide.csv\n")
    [report] = workspace.load().files
    assert (report.rows_in_file, report.rows_loaded, report.rows_quarantined) == (2, 1, 1)
    assert workspace.table("reject", "source_row, reason") == [(2, "the record names no subject")]
    assert len(workspace.table("rf")) == 2


def test_a_table_without_a_day_is_of_the_first_dose(workspace: Workspace) -> None:
    """SDTM has no day 0: its first day is 1."""
    text = "patient,lesion,a_mm\nP,1,2\n"
    workspace.write({"wide.csv": text}, SHORT.replace("zero_based", "sdtm") + "  - file: wide.csv")
    workspace.load()
    assert workspace.table("rf", "rfdy") == [("1",)]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("features: pyradiomic", "'features' cannot be 'pyradiomic'. Did you mean 'pyradiomics'"),
        ("features: {colums: [a]}", "unknown key 'colums'. Did you mean 'columns'"),
        ("features: {columns: [volum_mm3]}", "no column 'volum_mm3', which 'features' names. Did"),
        ("features: pyradiomics", "no column is a feature"),
    ],
)
def test_a_typo_names_the_nearest_right_word(
    workspace: Workspace, entry: str, message: str
) -> None:
    study = MAPPED + (
        "  - file: wide.csv\n    domain: rf\n"
        '    columns: {usubjid: ID, rflnkid: No, rfdy: {value: "0"}}\n'
        f"    {entry}\n"
    )
    workspace.write({"wide.csv": "ID,No,volume_mm3\nA,7,350\n"}, study)
    with pytest.raises(LesionsError, match=message):
        workspace.load()


def test_features_belong_to_the_domain_rf(workspace: Workspace) -> None:
    entry = "  - file: wide.csv\n    domain: tr\n    features: all\n    columns: {usubjid: ID}\n"
    workspace.write({"wide.csv": "ID,No\nA,7\n"}, MAPPED + entry)
    with pytest.raises(LesionsError, match="'features' goes with 'domain: rf', not with tr"):
        workspace.load()


def test_a_feature_is_named_by_the_columns_or_by_the_mapping(workspace: Workspace) -> None:
    entry = (
        "  - file: wide.csv\n    domain: rf\n    features: all\n"
        "    columns: {usubjid: ID, rflnkid: No, rforres: V}\n"
    )
    workspace.write({"wide.csv": "ID,No,V\nA,7,1\n"}, MAPPED + entry)
    with pytest.raises(LesionsError, match="'features' makes rforres"):
        workspace.load()


def test_the_lesion_must_be_found(workspace: Workspace) -> None:
    workspace.write({"wide.csv": "patient,a_mm\nP,1\n"}, SHORT + "  - file: wide.csv\n")
    with pytest.raises(LesionsError, match=r"no column for lesion.*'lesion: NAME'"):
        workspace.load()
