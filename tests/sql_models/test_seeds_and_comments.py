"""Seeds mean what they say, and every model is documented down to its columns."""

from __future__ import annotations

import re

import pytest
from sqlglot import exp
from sqlglot.lineage import lineage
from sqlkit import SQL, SqlKit, model_names

from warehouse.lineage import ROWS, column_lineage
from warehouse.models import read_models
from warehouse.settings import BY_NAME


@pytest.fixture(scope="module")
def empty():
    """Every model of these layers on empty tables: a project without studies must build."""
    with SqlKit() as kit:
        names = [*model_names("staging", "core"), "core.organ"]
        kit.build(*names, "quality.row_audit", "quality.study_summary", "quality.unmapped_site")
        yield kit


def test_every_example_of_the_site_map_finds_its_own_row_first(empty):
    found = empty.query(
        """
        SELECT ours.example, ours.organ, arg_min(other.organ, other.priority), ours.priority
        FROM staging.site_map AS ours
        JOIN staging.site_map AS other
            ON regexp_matches(upper(ours.example), other.site_raw_pattern)
        GROUP BY ALL
        """
    )
    rows = empty.query("SELECT count(*) FROM staging.site_map")[0][0]
    assert len(found) == rows
    assert [row for row in found if row[1] != row[2]] == []


SITES = {
    "Liver": "liver",
    "LIVER SEGMENT VI": "liver",
    "liver, right lobe": "liver",
    "Hepatic metastasis": "liver",
    "HEP": "liver",
    "Leber": "liver",
    "Lungs": "lung",
    "LUNG RUL": "lung",
    "Right upper lobe": "lung",
    "PUL": "lung",
    "LYMPH NODE": "ln",
    "Lymph nodes": "ln",
    "LN": "ln",
    "Lymphknoten": "ln",
    "REGIONAL LYMPH NODE": "ln_regional",
    "DISTANT LYMPH NODE": "ln_distal",
    "Non-regional lymph nodes": "ln_distal",
    "Lymph node, para-aortic": "ln_distal",
    "MESENTERIC LYMPH NODES": "ln_regional",
    "PERITONEUM": "peritoneum",
    "RETROPERITONEUM": "abdomen",
    "Abdominal wall": "soft_tissue",
    "ABDOMINAL CAVITY": "abdomen",
    "Pelvis": "pelvis",
    "PELVIC BONE": "bone",
    "THORACIC VERTEBRA": "bone",
    "L4": "bone",
    "Sternum": "bone",
    "BRAIN": "brain_cns",
    "SPINAL CORD": "brain_cns",
    "Central Nervous System": "brain_cns",
    "Adrenal Gland, left": "adrenal",
    "KIDNEY": "kidney",
    "Perirenal": "kidney",
    "SPLEEN": "spleen",
    "Pancreas, head": "pancreas",
    "Hepatic flexure of colon": "gi_tract",
    "Rectosigmoid": "gi_tract",
    "STOMACH": "gi_tract",
    "BLADDER": "gr",
    "Gallbladder": "gi_tract",
    "Ovary": "gr",
    "UTERINE CERVIX": "gr",
    "SKIN": "skin",
    "Psoas muscle": "muscle",
    "CHEST WALL": "chest",
    "MEDIASTINUM": "chest",
    "Breast": "chest",
    "PLEURA": "pleura",
    "Pleural effusion": "pleura",
    "PERICARDIUM": "heart",
    "Subcutaneous": "soft_tissue",
    "OROPHARYNX": "head_neck",
    "Neck": "head_neck",
    "OTHER": "other",
    "N/A": "unknown",
    "BODY": None,
    "17": None,
    "Site 3": None,
}


@pytest.mark.parametrize("site", SITES)
def test_sites_in_the_words_of_sources_find_their_organ(empty, site):
    found = empty.connection.execute(
        "SELECT arg_min(organ, priority) FROM staging.site_map "
        "WHERE regexp_matches(upper(?), site_raw_pattern)",
        [site],
    ).fetchone()
    assert found == (SITES[site],)


def test_every_organ_that_a_site_can_mean_is_an_organ(empty):
    strangers = "SELECT organ FROM staging.site_map ANTI JOIN core.organ USING (organ)"
    assert empty.query(strangers) == []
    assert empty.query("SELECT count(*) FROM core.organ WHERE is_nodal") == [(3,)]


def test_every_word_for_a_state_has_a_status_for_each_type_of_lesion(empty):
    assert (
        empty.query("SELECT word FROM staging.tumor_state_word GROUP BY word HAVING count(*) <> 3")
        == []
    )
    assert empty.query("SELECT DISTINCT status FROM staging.tumor_state_word ORDER BY 1") == [
        (status,) for status in ("CR", "NE", "PD", "PR", "SD")
    ]


def test_every_reason_of_the_screens_can_be_explained(empty):
    used = set()
    for name in model_names("staging"):
        text = (SQL / "staging" / f"{name.split('.')[1]}.sql").read_text("utf-8")
        if name.endswith("_screen"):
            used |= set(re.findall(r"(?:THEN|ELSE) '(\w+)'", text))
    explained = {row[0] for row in empty.query("SELECT reason_id FROM quality.reject_reason")}
    fates = {"kept", "collapsed", "quarantined", "exact_duplicate", "repeated"}
    fates |= {"excluded", "not_a_tumor"}
    kinds = {"size", "state", "sum", "other", "blank", "not_done", "response", "new_lesion"}
    kinds |= {"unknown_state", "derived"}
    words = {"too_small", "volume", "length", "BEFORE", "used", "unknown"}
    assert used - fates - kinds - words == explained


def test_macros_are_the_formulas_they_name(empty):
    assert empty.query("SELECT tumor_volume_mm3(39), tumor_volume_mm3(20, 12)") == [
        (pytest.approx(17283.08374, abs=1e-5), 1440.0)
    ]
    assert empty.query("SELECT days_in_unit('Months'), days_in_unit('fortnights')") == [
        (30.4375, None)
    ]
    assert empty.query("SELECT yes_no('y'), yes_no('0'), yes_no('?')") == [(True, False, None)]


OURS = [
    model
    for model in read_models(SQL, frozenset(BY_NAME))
    if model.name in model_names("staging", "core", "quality")
]


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.name)
def test_the_documented_columns_are_those_of_the_table_and_their_lineage_is_known(empty, model):
    empty.build(model.name)
    built = [row[0] for row in empty.query(f"DESCRIBE {model.name}")]
    assert built == list(model.doc.columns)
    assert all(model.doc.columns.values())
    assert set(model.doc.key) <= set(built)
    schema = {
        table: {row[0]: row[1] for row in empty.query(f"DESCRIBE {table}")}
        for table in (*model.reads, "meta.setting")
    }
    found = column_lineage(model, schema)
    feeds = {(edge.column_name, edge.from_table, edge.from_column) for edge in found.feeds}
    others = {(edge.column_name, edge.from_table, edge.from_column) for edge in found.influences}
    leaves = of_sqlglot(model, schema)
    assert feeds <= leaves
    # SQLGlot's lineage takes keys of windows for part of the value, and knows nothing of rows.
    assert all({leaf, (ROWS, *leaf[1:])} & (feeds | others) for leaf in leaves)


def of_sqlglot(model, schema):
    """Column, table and stored column, as SQLGlot's own lineage has them."""
    nested = {}
    for table, columns in schema.items():
        layer, name = table.split(".")
        nested.setdefault(layer, {})[name] = columns
    roots = lineage(None, model.text, nested, dialect="duckdb", trim_selects=False)
    return {
        (column, f"{node.expression.db}.{node.expression.name}", node.name.rpartition(".")[2])
        for column, root in roots.items()
        for node in root.walk()
        if not node.downstream and isinstance(node.expression, exp.Table) and node.expression.db
    }
