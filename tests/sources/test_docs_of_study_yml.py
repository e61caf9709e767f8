"""docs/study_yml.md: each of its examples is loaded, each of its lists is the code's."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pyreadstat
import pytest
import yaml
from pandas import DataFrame
from sources.studykit import Workspace

from warehouse.sources import file_entries, parse
from warehouse.sources.domains import DOMAIN_COLUMNS, UNITS
from warehouse.sources.formats import _OPTIONS
from warehouse.sources.spec import TEST_MEANINGS

PAGE = Path(__file__).parents[2] / "docs" / "study_yml.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)

DM = "USUBJID,ARM\n1,A\n"
TU = "USUBJID,TULNKID,TUORRES,TUEVAL,TUEVALID\n1,T1,TARGET,INVESTIGATOR,\n"
TU += "1,T1,TARGET,INDEPENDENT ASSESSOR,RADIOLOGIST 1\n"
TR = "USUBJID,TRLNKID,TRTESTCD,TRORRES,TRORRESU,TRDY\n1,T1,LDIAM,20,mm,1\n"
FEATURES = "Patient,Label,original_glcm_Contrast,wavelet-LLH_ngtdm_Busyness\n1,L1,0.5,0.7\n"


def write_horizon(folder: Path) -> None:
    """Two patients of a table that the page maps; pyreadstat writes no sas7bdat, so a CSV."""
    (folder / "rdprcist.csv").write_text(
        "RANDCODE,LESNO,SIZE,ORDYTRT,EVAL,SEX,OSTIM,OSEVENT\n7,1,2.5,0,1,1,400,1\n"
        "7,1,2.0,56,2,1,400,1\n8,1,3.0,0,1,2,,0\n"
    )


def write_clinical(folder: Path) -> None:
    """A workbook with its names in rows 13 and 14, and a last row that ends the table."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Lesions"
    sheet["A1"] = "a legend"
    for column, (above, below) in enumerate((("Patient", "ID"), ("Lesion", "Number")), 1):
        sheet.cell(13, column, above)
        sheet.cell(14, column, below)
        sheet.cell(15, column, f"{column}")
    sheet["C13"], sheet["C14"], sheet["C15"] = "Lesion", "Type", "TARGET"
    sheet["A16"] = "End of table"
    book.save(folder / "clinical.xlsx")


def texts(**files: str) -> Callable[[Path], None]:
    """Writes text files; '__' in a name stands for the point."""

    def write(folder: Path) -> None:
        for name, content in files.items():
            encoding = "cp1252" if name.startswith("messungen") else "utf-8"
            (folder / name.replace("__", ".")).write_text(content, encoding=encoding)

    return write


def write_prime(folder: Path) -> None:
    """SDTM files, one of each format that the page names and that can be written here."""
    texts(dm__csv=DM)(folder)
    pyreadstat.write_xport(
        DataFrame(
            {
                "USUBJID": ["1"],
                "TRLNKID": ["T1"],
                "TRTESTCD": ["LDIAM"],
                "TRORRES": ["20"],
                "TRDY": [1.0],
                "TREVAL": ["INDEPENDENT ASSESSOR"],
                "TREVALID": ["RADIOLOGIST 1"],
            }
        ),
        str(folder / "tr.xpt"),
        file_format_version=5,
        table_name="TR",
    )
    texts(tu__csv=TU)(folder)


SDTM = "study_id: t\nlayout: sdtm\n"
MAPPED = "study_id: t\nlayout: mapped\nday_convention: zero_based\nfiles:\n"
# A word of the block -> what the block needs around it, the tables it reads, rows that it makes.
EXAMPLES = {
    "study_id: prime": ("", write_prime, {"dm": 1, "tr": 1, "tu": 2}),
    "tu_onco: tu": (SDTM, texts(tu_onco__csv=TU, tr_onco__csv=TR, suppds__csv="A\n1\n"),
                    {"tu": 2, "tr": 1}),
    "study_id: my_study": (
        "", texts(measurements__csv="subject,lesion,day,diameter_mm\n1,T1,0,20\n1,T1,9,10\n"),
        {"tr": 2, "tu": 1, "dm": 1},
    ),
    "study_id: my_radiomics": (
        "", texts(pyradiomics_output__csv=FEATURES), {"rf": 2, "tu": 1, "dm": 1},
    ),
    "annotations.csv": (
        MAPPED,
        texts(annotations__csv="patient_id,scan_id,nodule,reader,volume_mm3,long_axis_mm\n"
              "1,5,2,1,100,9\n"),
        {"rf": 2},
    ),
    "study_id: horizon": ("", write_horizon, {"tr": 3, "dm": 2, "adtte": 1}),
    "study_id: klinik": (
        "",
        texts(messungen__csv="Patient;Herd;Datum;Durchmesser;Therapiebeginn\n"
              "ü1;H1;31.01.2020;12,5;01.02.2020\n"),
        {"tr": 1, "tu": 1, "dm": 1},
    ),
    "study_id: changes": (
        "",
        texts(lesion__csv="SUBJID,LSNO,DOSREFDY,CHANGE\n001,1,56,-50\n",
              baseline__csv="PATIENT,LSNO,LSLD\n1,1,40\n"),
        {"tr": 1},
    ),
    "clinical.xlsx": (MAPPED, write_clinical, {"tu": 1}),
    "test_codes:": (SDTM, texts(tr__csv=TR.replace("LDIAM", "MYLONG")), {"tr": 1}),
}  # fmt: skip


def test_every_example_has_its_tables():
    for block in BLOCKS:
        assert sum(word in block for word in EXAMPLES) == 1, block
    assert len(BLOCKS) == len(EXAMPLES)


@pytest.mark.parametrize("word", EXAMPLES)
def test_an_example_loads_and_makes_its_rows(workspace: Workspace, word: str):
    block = next(block for block in BLOCKS if word in block)
    around, write, wanted = EXAMPLES[word]
    text = around + block
    if word == "clinical.xlsx":
        text = text.replace(
            "tulnkid: Lesion | Number}", "tulnkid: Lesion | Number, tuorres: Lesion | Type}"
        )
    text = text.replace("rdprcist.sas7bdat", "rdprcist.csv")
    workspace.write({}, text)
    write(workspace.folder)
    report = workspace.load()
    assert report.study_id
    for domain, rows in wanted.items():
        assert len(workspace.table(domain, "1")) == rows, domain
    for file in report.files:
        assert file.rows_quarantined == 0


def test_inline_rules_are_what_a_study_yml_takes():
    """The rules that stand in a line of text: each is YAML, and of known keys."""
    found = re.findall(r"`((?:[a-z_]+: )?\{[^`]*\})`", TEXT)
    assert len(found) >= 5
    for text in found:
        value = yaml.safe_load(text)
        assert isinstance(value, dict), text
        keys = set(value) if text.startswith("{") else set(next(iter(value.values())))
        rule = {"column", "value", "sql", "map", "optional"}
        roles = {"subject", "lesion", "diameter"}
        features = {"columns", "except", "names", "regions"}
        assert keys <= rule | roles | features, text


def test_the_table_of_keys_is_the_codes():
    section = TEXT.split("## Keys", 1)[1].split("## ", 1)[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    assert set(re.findall(r"`(\w+)`", " ".join(cells))) == set(parse._TOP_KEYS)
    entry = re.search(r"\| `files` \| entries: (.*?) \|", section)
    assert entry is not None
    named = set(re.findall(r"`(\w+)`", entry[1]))
    assert named == {
        *("file", "optional", "domain", "columns", "derive", "features"), *file_entries._VALUE_KEYS,
    }  # fmt: skip
    options = re.search(r"Options of a file: (.*?)\n\n", section, re.DOTALL)
    assert options is not None
    known = {
        name.replace("stop_column", "stop_at") for names in _OPTIONS.values() for name in names
    }
    assert set(re.findall(r"`(\w+)`", options[1])) == known - {"stop_value"}


def test_lists_of_domains_units_and_meanings_are_the_codes():
    domains = re.search(r"Domains that are read: (.*?)\. Baseline", TEXT, re.DOTALL)
    assert domains is not None
    named = set(
        re.findall(r"\b([a-z]{2,6})\b", re.sub(r"\(.*?\)", "", domains[1], flags=re.DOTALL))
    )
    assert named - {"and"} == set(DOMAIN_COLUMNS) - {"sim"}
    lengths = re.search(r"Units known: (.*?) for lengths; (.*?) for volumes", TEXT)
    assert lengths is not None
    assert {"mm", "cm"} <= set(lengths[1].split(", ")) <= {*UNITS["trorresu"], "m", "in"}
    assert set(lengths[2].split(", ")) == {"mm3", "cm3", "mL"}
    section = TEXT.split("## Test codes", 1)[1]
    meanings = {name for name in TEST_MEANINGS if f"`{name}`" in section}
    assert meanings == set(TEST_MEANINGS)


def test_covariates_of_the_page_are_those_that_the_warehouse_reads():
    sql = (PAGE.parents[1] / "sql" / "staging" / "subject_characteristic.sql").read_text("utf-8")
    read = set(re.findall(r"qualifier = '(\w+)'", sql))
    named = re.search(r"come from suppdm by QNAM:\n(.*?)\n\n", TEXT, re.DOTALL)
    assert named is not None
    assert set(re.findall(r"\b[A-Z]{3,}\b", named[1])) == read


def test_links_of_the_page_lead_somewhere():
    heads = {
        re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-")
        for head in re.findall(r"^#+ (.*)$", TEXT, re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)]+)\)", TEXT):
        file, _, anchor = target.partition("#")
        assert not file or (PAGE.parent / file).is_file(), target
        assert file or anchor in heads, target
