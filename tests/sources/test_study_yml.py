"""study.yml: what it may say, and the message for everything else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from warehouse.errors import LesionsError
from warehouse.sources.expressions import ExpressionError, expression_columns
from warehouse.sources.spec import Arm, ColumnRule
from warehouse.studies import find_studies, links_out, read_study

MAPPED = """\
study_id: trial
layout: mapped
files:
  - file: sizes.csv
    domain: tr
    columns:
      usubjid: ID
      trlnkid: {value: T1}
      trtestcd: {value: LDIAM}
      trorres: SIZE
      trorresu: {value: mm}
      trdy: {sql: CAST(DAY AS INTEGER) - 1}
"""


def test_a_full_study_yml_is_read_as_it_says(workspace):
    folder = workspace.write(
        {"sizes.csv": "ID,SIZE,DAY,ARM\n1,2,3,4\n", "notes.csv": "x\n"},
        MAPPED
        + """\
    derive:
      - domain: dm
        distinct_on: [usubjid]
        columns: {usubjid: ID, arm: ARM, sex: {column: SEX, map: {"1": M, N: "", 2: F}}}
title: "A: trial"
tumor_type: mCRC
phase: 1e5
sponsor: ~
registry_id: NCT02142244
day_convention: zero_based
day_zero_rule: first dose
patients: known
readers: ["INDEPENDENT ASSESSOR / RADIOLOGIST 1", INVESTIGATOR]
too_small: {values: [TOO SMALL TO MEASURE, "<5"], becomes_mm: 2.5}
local_treatment: kept
line_of_therapy: 2
primary_site: colon
arms: {FOLFOX4: {treatment: FOLFOX, treatment_class: chemotherapy, has_bevacizumab: false}}
sites: {"CODE 7": liver}
""",
    )
    study = read_study(folder)
    assert (study.study_id, study.title, study.phase, study.sponsor) == (
        *("trial", "A: trial", "1e5"),
        None,
    )
    assert study.registry_id == "NCT02142244"
    assert study.too_small_values == ("TOO SMALL TO MEASURE", "<5")
    assert (study.too_small_mm, study.line_of_therapy) == (2.5, 2)
    assert study.local_treatment == "kept"
    assert study.arms == (Arm("FOLFOX4", "FOLFOX", "chemotherapy", has_bevacizumab=False),)
    assert study.sites == (("CODE 7", "liver"),)
    assert study.domains == ("dm", "tr")
    assert study.ignored == ("notes.csv",)
    # Keys and values are texts, whatever YAML makes of 'N' and 2 elsewhere.
    assert study.entries[0].derive[0].columns[2] == ColumnRule(
        "sex", column="SEX", mapping=(("1", "M"), ("N", ""), ("2", "F"))
    )


WRONG = {
    "no file": (None, "holds no study.yml"),
    "no id": ("title: x\n", "'study_id' is missing"),
    "id with slash": ("study_id: a/b\n", "'study_id' cannot be 'a/b'"),
    "registry number": (
        "study_id: trial\nregistry_id: NCT2142244\n",
        "line 2: 'registry_id' cannot be 'NCT2142244'.*NCT and eight digits",
    ),
    "typo at the top": (
        "study_id: trial\ntumour_type: x\n",
        r"line 2: unknown key 'tumour_type'. Did you mean 'tumor_type'\?",
    ),
    "typo in a file": (
        MAPPED.replace("domain: tr", "domain: tr\n    collumns: {}"),
        r"line 6 \(files\[1\]\): unknown key 'collumns'. Did you mean 'columns'\?",
    ),
    "typo in too_small": (
        "study_id: trial\ntoo_small: {value: [x]}\n",
        r"line 2 \(too_small\): unknown key 'value'. Did you mean 'values'\?",
    ),
    "key twice": (
        "study_id: trial\ntitle: a\nphase: 1\ntitle: b\n",
        "line 4: the key 'title' is there twice, first on line 2",
    ),
    "variable twice": (
        MAPPED.replace("trorres: SIZE", "trorres: SIZE\n      trorres: X"),
        r"\(files\[1\].columns\): the key 'trorres' is there twice",
    ),
    "a list as a key": (
        "study_id: trial\n[a, b]: c\n",
        "line 2: a list stands where a key must. Write one text",
    ),
    "a mapping as a key": (
        "study_id: trial\nsites: {{LIVER: liver}: liver}\n",
        r"line 2 \(sites\): a mapping stands where a key must",
    ),
    "a list as a key of a file": (
        MAPPED.replace("trorres: SIZE", "? [trorres]\n      : SIZE"),
        r"\(files\[1\].columns\): a list stands where a key must",
    ),
    "not YAML": ("study_id: trial\ntitle: [a\n", "line 3: this is not YAML"),
    "a list": ("- study_id\n", "must hold 'name: value' lines"),
    "not UTF-8": (b"study_id: trial\ntitle: \xe9\n", r"study.yml is not UTF-8 \(byte 23\)"),
    "unknown layout": (
        "study_id: trial\nlayout: sdtn\n",
        r"'layout' cannot be 'sdtn'. Did you mean 'sdtm'\?",
    ),
    "unknown convention": (
        "study_id: trial\nday_convention: zero\n",
        "'day_convention' cannot be 'zero'.*sdtm, zero_based",
    ),
    "unknown organ": (
        "study_id: trial\nsites: {LIVER: livr}\n",
        r"study.yml, line 2 \(sites\): the site 'LIVER' cannot be the organ 'livr'."
        r" Did you mean 'liver'\?",
    ),
    "organ by another word": (
        "study_id: trial\nsites: {LIVER: hepatic}\n",
        r"'LIVER' cannot be the organ 'hepatic'. Did you mean 'liver'\? It may be: liver, lung",
    ),
    "unknown domain": (
        MAPPED.replace("domain: tr", "domain: trr"),
        r"unknown domain 'trr'. Did you mean 'tr'\?",
    ),
    "unknown domain of a stem": (
        "study_id: trial\ndomains: {sizes: xx}\n",
        "unknown domain 'xx'",
    ),
    "stem without file": (
        "study_id: trial\ndomains: {size: tr}\n",
        r"no data file is named 'size'. Did you mean 'sizes'\?",
    ),
    "unknown variable": (
        MAPPED.replace("trlnkid", "trlinkid"),
        r"tr has no variable 'trlinkid'. Did you mean 'trlnkid'\?",
    ),
    "unknown unit": (
        MAPPED.replace("value: mm", "value: milimeter"),
        "unknown unit 'milimeter' for trorresu.*Units: %, cm, cm2, cm3, mL, mm, mm2, mm3",
    ),
    "two sources": (
        MAPPED.replace("{value: T1}", "{value: T1, column: L}"),
        "'trlnkid' needs exactly one of 'column', 'value' and 'sql'",
    ),
    "map without column": (
        MAPPED.replace("{value: T1}", "{value: T1, map: {a: b}}"),
        "'map' goes with 'column' only",
    ),
    "bad expression": (
        MAPPED.replace("CAST(DAY AS INTEGER) - 1", "CAST(DAY AS"),
        r"columns.trdy\): the expression 'CAST\(DAY AS' cannot be used: it does not parse",
    ),
    "query as expression": (
        MAPPED.replace("CAST(DAY AS INTEGER) - 1", "(SELECT 1)"),
        "a query is not an expression",
    ),
    "missing file": (
        MAPPED.replace("sizes.csv", "size.csv"),
        r"the file 'size.csv' is not in .*Did you mean 'sizes.csv'\?",
    ),
    "file elsewhere": (MAPPED.replace("sizes.csv", "../x.csv"), "must lie in the study's folder"),
    "unknown format": (MAPPED.replace("sizes.csv", "study.yml"), "is of no known format"),
    "no columns": (
        "study_id: trial\nlayout: mapped\nfiles:\n  - {file: sizes.csv, domain: tr}\n",
        "'columns' is missing",
    ),
    "nothing to load": ("study_id: trial\n", "no file to load.*Data files there: sizes.csv"),
    "derived key": (
        MAPPED
        + "    derive:\n      - {domain: dm, distinct_on: [subjid], columns: {usubjid: ID}}\n",
        r"'distinct_on' names 'subjid'.*Did you mean 'usubjid'\?",
    ),
    "number": ("study_id: trial\nline_of_therapy: first\n", "must be a whole number from 1"),
    "huge number": (
        "study_id: trial\nline_of_therapy: 99999999999\n",
        "must be a whole number from 1",
    ),
    "power": ("study_id: trial\nline_of_therapy: \u00b2\n", "must be a whole number from 1"),
    "reader twice": ("study_id: trial\nreaders: [A, B, A]\n", "'readers' names 'A' twice"),
    "arm without words": ("study_id: trial\narms: {A: }\n", "the arm 'A' says nothing"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_study_yml(workspace, case):
    content, message = WRONG[case]
    workspace.write({"sizes.csv": "ID,SIZE,DAY\n1,2,3\n"}, content or "")
    if content is None:
        (workspace.folder / "study.yml").unlink()
    with pytest.raises(LesionsError, match=f"(?s){message}") as told:
        read_study(workspace.folder)
    assert str(workspace.folder) in str(told.value)


def test_one_table_in_two_formats_is_refused(workspace):
    workspace.write({"dm.csv": "USUBJID\n1\n", "dm.tsv": "USUBJID\n1\n"})
    with pytest.raises(LesionsError, match=r"both dm\.csv and dm\.tsv hold dm"):
        read_study(workspace.folder)


def test_find_studies_follows_links_and_refuses_an_id_used_twice(tmp_path: Path):
    studies, elsewhere = tmp_path / "studies", tmp_path / "elsewhere"
    for folder in (studies / "b", studies / "not_a_study", elsewhere):
        folder.mkdir(parents=True)
    (studies / "b" / "study.yml").write_text("study_id: two\n")
    (elsewhere / "study.yml").write_text("study_id: one\n")
    (studies / "a").symlink_to(elsewhere, target_is_directory=True)
    assert [study.study_id for study in find_studies(studies)] == ["one", "two"]
    assert find_studies(tmp_path / "nothing") == []
    (elsewhere / "study.yml").write_text("study_id: TWO\n")
    with pytest.raises(LesionsError, match=r"study_id 'two' is used twice") as told:
        find_studies(studies)
    assert str(studies / "a") in str(told.value)
    assert str(studies / "b") in str(told.value)


def test_files_that_are_links_out_of_the_folder_are_told_from_those_within(workspace, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "tr.csv").write_text("USUBJID\n1\n")
    (workspace.folder / "real").mkdir()
    workspace.write({"dm.csv": "USUBJID\n1\n", "real/ds.csv": "USUBJID\n1\n"})
    (workspace.folder / "tr.csv").symlink_to(elsewhere / "tr.csv")
    (workspace.folder / "ds.csv").symlink_to(Path("real") / "ds.csv")
    assert links_out(read_study(workspace.folder)) == {"tr.csv": elsewhere / "tr.csv"}
    # A folder that is a link itself, as 'lesions load' makes it, is no link out of itself.
    (tmp_path / "study").symlink_to(workspace.folder, target_is_directory=True)
    assert links_out(read_study(tmp_path / "study")) == {"tr.csv": elsewhere / "tr.csv"}


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("'T1'", ()),
        ("lpad(PATIENT, 6, '0')", ("PATIENT",)),
        ("\"TIME POINT\"::DATE - DATE '1900-01-01'", ("TIME POINT",)),
        ("min(a) OVER (PARTITION BY b)", ("a", "b")),
        ("list_transform([a], lambda x: x || b)[1]", ("a", "b")),
    ],
)
def test_columns_of_an_expression(text, columns):
    assert expression_columns(text) == columns


@pytest.mark.parametrize(
    "text",
    [
        *("a, b", "a FROM t", "a; DROP TABLE t", "(SELECT 1)", "sum(a)", "count(*)", "*", "t.a"),
        *("random()", "now()", "current_date", "uuid()", "getenv('HOME')", "a AS b", "$1", ""),
        *("read_text('x')", "a IN (SELECT b FROM t)", "EXISTS (SELECT 1)", "a) FROM (SELECT 1"),
    ],
)
def test_what_is_no_expression_over_one_record(text):
    with pytest.raises(ExpressionError):
        expression_columns(text)


@pytest.mark.parametrize(
    "sql",
    [
        *("range(100000000)::VARCHAR", "len(generate_series(1, 3000000000))"),
        *("repeat('x', 1000000000)", "'x'.repeat(1000000000)", "len(list_resize([1], 1000000000))"),
    ],
)
def test_an_expression_of_any_length_is_refused(sql):
    with pytest.raises(ExpressionError, match="of any length"):
        expression_columns(sql)


BOMB = "study_id: trial\na0: &a0 [x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 11)
)
UNBOUNDED = {
    "aliases of aliases": (BOMB, r"line 3: '\*a0' repeats another part"),
    "recursion": ("study_id: trial\ntitle: &a [*a]\n", r"line 2: '\*a' repeats another part"),
    "brackets": ("study_id: trial\ntitle: " + "[" * 20_000, "line 2: more than 20 levels"),
    "mappings": ("study_id: trial\ntitle: " + "{a: " * 20_000, "line 2: more than 20 levels"),
}


@pytest.mark.parametrize("case", UNBOUNDED)
def test_a_file_made_to_grow_without_bound_is_one_error(workspace, case):
    text, message = UNBOUNDED[case]
    workspace.write({"dm.csv": "USUBJID\n1\n"}, text)
    with pytest.raises(LesionsError, match=message):
        workspace.load()


@pytest.mark.parametrize(
    "sql",
    [
        *("unnest([age, '2'])", "transaction_timestamp()", "uuidv7()", "uuidv4()"),
        *("current_query()", "current_user", "current_database()", "pg_sleep(1)"),
        *("unlist([age])", "current_localtime()", "system.main.today()", "write_log('x')"),
        *("regexp_split_to_table(age, ',')", "ago(INTERVAL 1 DAY)", "age(CAST(d AS TIMESTAMP))"),
        *("current_connection_id()", "current_setting('threads')", "mad(age)", "sleep_ms(1)"),
    ],
)
def test_an_expression_that_reaches_beyond_its_record_is_refused(sql):
    with pytest.raises(ExpressionError, match=r"another value at each load|reads elsewhere"):
        expression_columns(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "COLUMNS('a.*')",
        "COLUMNS(*)",
        "#1",
        "*COLUMNS(*)",
        "list_transform([1], lambda user: 1)[1] || user",
    ],
)
def test_an_expression_of_several_columns_or_places_is_refused(sql):
    with pytest.raises(ExpressionError):
        expression_columns(sql)


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("age(DATE '2020-03-01', DATE '2020-02-01')::VARCHAR", "1 month"),
        ("nullif(split_part('a-b', '-', 2), '')", "b"),
        ("list_max(list_transform(string_split('1,5', ','), lambda x: x::INTEGER + 1))", "6"),
        ("if('x' LIKE '%x' AND 'x' SIMILAR TO '[a-z]', fmod(7, 4)::INTEGER, 0)", "3"),
        ("count(ID) OVER ()", "1"),
    ],
)
def test_functions_of_the_record_are_taken(workspace, sql, value):
    text = MAPPED.replace("SIZE", "{sql: " + json.dumps(sql) + "}", 1)
    workspace.write({"sizes.csv": "ID,SIZE,DAY\n1,2,3\n"}, text)
    workspace.load()
    assert workspace.table("tr", "trorres") == [(value,)]


def test_a_control_character_in_a_text_is_one_error_that_names_the_key(workspace):
    for text, place in (
        ('title: "a\\0b"\n', r"line 2 \(title\): .*U\+0000"),
        ('sites: {"a\\x1b": liver}\n', r"line 2 .*U\+001B"),
        ('too_small_values: [x, "a\\x85"]\n', r"line 2 \(too_small_values\[2\]\): .*U\+0085"),
    ):
        workspace.write({"dm.csv": "USUBJID\n1\n"}, "study_id: trial\n" + text)
        with pytest.raises(LesionsError, match=place):
            workspace.load()
    workspace.write({"dm.csv": "USUBJID\n1\n"}, 'study_id: trial\ntitle: "a\\tb\\nc"\n')
    workspace.load()
    assert workspace.table("study", "title") == [("a\tb\nc",)]
