"""Sizes: from the text of TR to core.measurement."""

from __future__ import annotations

import pytest
from sqlkit import SqlKit

from warehouse.sources.wording import NO_ID, names_subject


def sizes(kit: SqlKit, columns: str = "day, diameter_mm") -> list[tuple]:
    kit.build("core.measurement")
    return kit.rows("core.measurement", columns)


def rejected(kit: SqlKit, columns: str = "column_name, value, reason_id, defect_id") -> list[tuple]:
    kit.build("quality.quarantine")
    return kit.rows("quality.quarantine", columns)


@pytest.mark.parametrize(
    ("text", "unit", "expected_mm"),
    [
        ("12", "mm", 12.0),
        (" 17.2 ", "mm", 17.2),
        ("1,7", "cm", 17.0),
        ("1.2", "cm", 12.0),
        ("0.012", "m", 12.0),
        ("0.5", "in", 12.7),
        ("1.2 cm", "mm", 12.0),
        ("12mm", None, 12.0),
        ("0", "mm", 0.0),
        ("ABSENT", "mm", 0.0),
        ("12", None, 12.0),
    ],
)
def test_a_size_in_any_known_unit_becomes_mm(kit, text, unit, expected_mm):
    kit.size(1, text, trorresu=unit)
    ((_, diameter),) = sizes(kit)
    assert diameter == pytest.approx(expected_mm, rel=1e-12)


def test_a_blank_unit_is_taken_as_mm_and_said_so(kit):
    kit.size(1, 12, trorresu=None)
    kit.build("staging.tumor_result")
    assert kit.rows("staging.tumor_result", "size_mm, is_unit_assumed") == [(12.0, True)]


@pytest.mark.parametrize(
    ("text", "unit", "column", "value", "reason_id", "defect_id"),
    [
        ("NOT EVALUABLE", "mm", "trorres", "NOT EVALUABLE", "not_evaluable", "sizes.1b"),
        (None, "mm", "trorres", None, "no_result", "sizes.1c"),
        (" ", "mm", "trorres", None, "no_result", "sizes.1c"),
        (".", "mm", "trorres", ".", "missing_sign", "sizes.1f"),
        ("140", "mm2", "trorresu", "MM2", "area_unit", "sizes.4c"),
        ("87", "%", "trorresu", "%", "percent_unit", "sizes.4d"),
        ("12", "furlong", "trorresu", "FURLONG", "unknown_unit", None),
        ("12", "mm3", "trorresu", "MM3", "unknown_unit", None),
        ("about 12", "mm", "trorres", "about 12", "not_a_number", None),
        ("-3", "mm", "trorres", "-3", "impossible_size", None),
        ("1e308", "mm", "trorres", "1e308", "too_large_size", None),
        ("1000.1", "mm", "trorres", "1000.1", "too_large_size", None),
        ("101", "cm", "trorres", "101", "too_large_size", None),
        ("nan", "mm", "trorres", "nan", "missing_sign", "sizes.1f"),
        ("inf", "mm", "trorres", "inf", "not_a_number", None),
        ("1e400", "mm", "trorres", "1e400", "not_a_number", None),
        ("1_2", "mm", "trorres", "1_2", "not_a_number", None),
    ],
)
def test_what_is_no_size_is_quarantined_with_its_value(
    kit, text, unit, column, value, reason_id, defect_id
):
    kit.size(1, text, trorresu=unit)
    assert sizes(kit) == []
    assert rejected(kit) == [(column, value, reason_id, defect_id)]
    ((source_file, source_row, reason, remedy),) = kit.rows(
        "quality.quarantine", "source_file, source_row, reason, remedy"
    )
    assert (source_file, source_row) == ("tr.csv", 2)
    assert reason
    assert remedy


def test_the_largest_size_is_the_setting_s():
    for largest, days in ((1000.0, [0]), (1001.0, [0, 41])):
        with SqlKit(settings={"measurement.largest_mm": largest}) as kit:
            kit.study("s1")
            kit.subject("1")
            kit.size(1, "1000")
            kit.size(42, "1001")
            assert sizes(kit, "day") == [(day,) for day in days]


def test_a_volume_is_too_large_where_no_lesion_of_the_largest_diameter_has_it(kit):
    """At 1 m the ellipsoid with equal axes has 1000^3 / 2 mm3; 1e308 would overflow further on."""
    for day, volume in enumerate(("500000000", "500000001", "1e308"), start=1):
        kit.size(day, volume, trtestcd="VOLUME", trorresu="mm3")
    assert sizes(kit, "day, isfinite(volume_mm3)") == [(0, True)]
    assert [reason for _, _, reason, _ in rejected(kit)] == ["too_large_size"] * 2


def test_not_done_is_counted_and_no_measurement(kit):
    kit.size(1, None, trstat="NOT DONE", trreasnd="scan lost")
    kit.size(2, "NOT DONE")
    assert sizes(kit) == []
    kit.build("quality.row_disposition", "quality.quarantine")
    assert kit.rows("quality.quarantine", "reason_id") == []
    step = "step = 'staging.tumor_result -> core.measurement'"
    assert kit.rows("quality.row_disposition", "disposition, reason_id, n_rows", step) == [
        ("excluded", "not_done", 2)
    ]


def test_too_small_becomes_the_default_of_the_setting():
    with SqlKit(settings={"too_small.default_mm": 4.0}) as kit:
        kit.study("s1")
        kit.subject("1")
        kit.size(1, "TOO SMALL TO MEASURE")
        assert sizes(kit, "diameter_mm, is_imputed, value_raw") == [
            (4.0, True, "TOO SMALL TO MEASURE")
        ]


def test_too_small_becomes_what_the_study_says_also_beside_a_number_of_its_own():
    with SqlKit() as kit:
        kit.study("s1", too_small_mm=2.0, too_small_values=["tiny"])
        kit.subject("1")
        kit.size(1, "Tiny", trstresn="5", trstresu="mm")
        kit.size(2, "4")
        assert sizes(kit, "day, diameter_mm, is_imputed") == [(0, 2.0, True), (1, 4.0, False)]


def test_the_standard_result_goes_before_the_original_one(kit):
    kit.size(1, "1.2", trorresu="cm", trstresc="12", trstresn="12", trstresu="mm")
    kit.size(2, "1.3", trorresu="cm", trstresc="13")
    assert sizes(kit) == [(0, 12.0), (1, 13.0)]


def test_volume_is_that_of_an_ellipsoid_of_axis_ratio_1_31(kit):
    kit.size(1, 39)
    kit.size(43, 0)
    # 39 x (39 / 1.31)^2 / 2, as in the first row of the data that Zhou 2023 published.
    assert sizes(kit, "day, round(volume_mm3, 5), volume_source, is_below_limit") == [
        (0, 17283.08374, "derived", False),
        (42, 0.0, "derived", True),
    ]


@pytest.mark.parametrize("ratio", [1.0, 1.31, 1.6])
def test_the_axis_ratio_rules_every_volume_that_comes_from_a_diameter(ratio):
    """d x (d / ratio)^2 / 2: 5 mm are 62.5 mm3 as spheroids with equal axes, 36.4 at 1.31."""
    with SqlKit(settings={"volume.axis_ratio": ratio, "too_small.default_mm": 5.0}) as kit:
        kit.study("s1")
        kit.subject()
        for label in ("T01", "T02", "T03"):
            kit.lesion(label)
        kit.size(1, 20, label="T01")
        kit.size(1, "TOO SMALL TO MEASURE", label="T02", trtestcd="VOLUME", trorresu="mm3")
        kit.size(1, 10, label="T03", trtestcd="LPERP")
        assert kit.query("SELECT tumor_volume_mm3(5), tumor_volume_mm3(20, 12)") == [
            (pytest.approx(5 * (5 / ratio) ** 2 / 2), 1440.0)
        ]
        kit.build("core.measurement", "analysis.baseline_lesion")
        derived = 20 * (20 / ratio) ** 2 / 2
        assert kit.rows("core.measurement", "right(lesion_id, 3), volume_mm3") == [
            ("T01", pytest.approx(derived)),
            ("T02", pytest.approx(5 * (5 / ratio) ** 2 / 2)),
            ("T03", pytest.approx(10 * ratio * 10**2 / 2)),
        ]
        assert kit.rows("analysis.baseline_lesion", "right(lesion_id, 3), volume_mm3")[0] == (
            "T01",
            pytest.approx(derived),
        )


def test_the_limit_of_quantification_lies_between_8_and_9_mm(kit):
    kit.size(1, 8)
    kit.size(2, 9)
    assert sizes(kit, "diameter_mm, is_below_limit") == [(8.0, True), (9.0, False)]


def test_a_measured_volume_goes_before_a_derived_one(kit):
    kit.size(1, 20)
    kit.size(1, "2.5", trtestcd="VOLUME", trorresu="cm3")
    assert sizes(kit, "diameter_mm, volume_mm3, volume_source, n_source_rows") == [
        (20.0, 2500.0, "measured", 2)
    ]


def test_a_volume_alone_gives_no_diameter(kit):
    kit.size(1, "2500", trtestcd="VOLUME", trorresu="mm3")
    assert sizes(kit, "diameter_mm, volume_mm3") == [(None, 2500.0)]


def test_a_lymph_node_counts_by_its_short_axis(kit):
    kit.lesion("T01", tuloc="Lymph nodes")
    kit.size(1, 20)
    kit.size(1, 12, trtestcd="LPERP")
    kit.size(1, 12, trtestcd="DIAMETER")
    # 20 x 12^2 / 2
    assert sizes(kit, "diameter_mm, long_axis_mm, short_axis_mm, volume_mm3") == [
        (12.0, 20.0, 12.0, 1440.0)
    ]


def test_a_node_without_short_axis_on_one_day_counts_by_its_long_axis_throughout(kit):
    kit.lesion("T01", tuloc="Lymph nodes")
    kit.size(1, 20)
    kit.size(1, 12, trtestcd="LPERP")
    kit.size(43, 21)
    assert sizes(kit, "day, diameter_mm, short_axis_mm") == [(0, 20.0, 12.0), (42, 21.0, None)]
    volumes = [row[0] for row in kit.rows("core.measurement", "volume_mm3")]
    assert volumes == pytest.approx([20 * (20 / 1.31) ** 2 / 2, 21 * (21 / 1.31) ** 2 / 2])


def test_a_node_that_is_gone_or_too_small_needs_no_short_axis(kit):
    kit.lesion("T01", tuloc="Lymph nodes")
    kit.size(1, 20)
    kit.size(1, 12, trtestcd="LPERP")
    kit.size(43, 0)
    kit.size(85, "TOO SMALL TO MEASURE")
    assert sizes(kit) == [(0, 12.0), (42, 0.0), (84, 5.0)]


def test_another_lesion_counts_by_its_long_axis(kit):
    kit.lesion("T01", tuloc="LIVER")
    kit.size(1, 20)
    kit.size(1, 12, trtestcd="LPERP")
    assert sizes(kit, "diameter_mm, volume_mm3") == [(20.0, 1440.0)]


def test_diameter_and_longest_diameter_of_one_day_are_one_measurement(kit):
    kit.size(1, 16, trtestcd="DIAMETER")
    kit.size(1, 17, trtestcd="LDIAM")
    assert sizes(kit, "diameter_mm, n_source_rows, has_conflict") == [(17.0, 2, False)]


def test_sums_never_become_a_size(kit):
    kit.size(1, 12)
    kit.size(1, 73, trtestcd="SUMDIAM")
    kit.size(1, 73, trtestcd="SUMDIAM", label=None)
    assert sizes(kit) == [(0, 12.0)]
    kit.build("core.lesion")
    assert kit.rows("core.lesion", "lesion_label") == [("T01",)]


def test_exact_duplicates_collapse_whatever_their_sequence_number(kit):
    kit.size(1, 12, trseq="1")
    kit.size(1, 12, trseq="2")
    assert sizes(kit, "diameter_mm, n_source_rows, source_row") == [(12.0, 1, 2)]
    assert kit.query(
        "SELECT disposition, reason_id, source_row FROM staging.tumor_result_screen ORDER BY ALL"
    ) == [("collapsed", "exact_duplicate", 3), ("kept", "kept", 2)]


def test_of_two_sizes_on_one_day_the_larger_counts_and_both_are_told(kit):
    kit.size(57, 12)
    kit.size(57, 41)
    assert sizes(kit, "diameter_mm, has_conflict, conflicting_values") == [
        (41.0, True, "LDIAM 12, LDIAM 41")
    ]


def test_of_two_sizes_on_one_day_the_accepted_record_counts_first(kit):
    kit.size(57, 12, tracptfl="Y")
    kit.size(57, 41)
    assert sizes(kit, "diameter_mm, has_conflict") == [(12.0, True)]


def test_of_two_sizes_on_one_day_a_measured_one_counts_before_an_imputed_one(kit):
    kit.size(57, 3)
    kit.size(57, "TOO SMALL TO MEASURE")
    assert sizes(kit, "diameter_mm, is_imputed, has_conflict") == [(3.0, False, True)]


def test_readers_are_kept_apart(kit):
    kit.size(1, 12, treval="INVESTIGATOR")
    kit.size(1, 14, treval="Independent Assessor", trevalid="Radiologist 1")
    assert sizes(kit, "lesion_id, reader, diameter_mm") == [
        (
            "s1/1/INDEPENDENT_ASSESSOR.RADIOLOGIST_1/T01",
            "INDEPENDENT ASSESSOR / RADIOLOGIST 1",
            14.0,
        ),
        ("s1/1/INVESTIGATOR/T01", "INVESTIGATOR", 12.0),
    ]


@pytest.mark.parametrize("text", ["nan", "NaN", "inf", "-inf", "1e400"])
def test_no_number_of_staging_is_nan_or_infinite_whatever_the_source_writes(kit, text):
    kit.size(1, text, trstresn=text)
    kit.size(43, "12", trstresn=text)
    kit.add("tr", {"usubjid": "1", "trtestcd": "SUMDIAM", "trorres": text, "trdy": "1"})
    kit.add("lb", {"usubjid": "1", "lbtestcd": "CEA", "lborres": text, "lblloq": text})
    kit.add("ex", {"usubjid": "1", "extrt": "x", "exdose": text, "exstdy": "1"})
    kit.add("adtte", {"usubjid": "1", "paramcd": "OS", "aval": text, "cnsr": text})
    kit.add("dm", {"usubjid": "2", "age": text, "rfstdtc": "2020-01-01"})
    names = [
        *("staging.tumor_result_screen", "staging.laboratory_result", "staging.exposure"),
        *("staging.time_to_event", "staging.subject"),
    ]
    kit.build(*names)
    for name in names:
        doubles = [
            column
            for column, kind in kit.rows(
                "duckdb_columns()",
                "column_name, data_type",
                f"schema_name || '.' || table_name = '{name}'",
            )
            if kind == "DOUBLE"
        ]
        assert doubles
        for column in doubles:
            assert kit.rows(name, column, f"NOT isfinite({column})") == [], (name, column)
    # The size that the original states stands where the standard one is no number.
    assert kit.rows("staging.tumor_result_screen", "size_mm", "day = 42") == [(12.0,)]


@pytest.mark.parametrize("text", ["nan", "NA", ".", "\t", "None"])
def test_a_word_for_a_missing_lesion_id_is_no_lesion(kit, text):
    kit.size(1, "20", trlnkid=text)
    kit.build("core.lesion", "staging.tumor_result_screen")
    assert kit.rows("core.lesion", "lesion_id") == []
    assert kit.rows("staging.tumor_result_screen", "reason_id") == [("no_lesion_id",)]


@pytest.mark.parametrize("word", [*NO_ID, " nan ", "None\t"])
def test_words_for_no_id_are_the_same_at_load_and_in_sql(word: str) -> None:
    with SqlKit() as kit:
        found = kit.connection.execute(
            f"SELECT known_id($word), {names_subject('$word')}", {"word": word}
        ).fetchone()
    assert found is not None
    assert not found[0]
    assert found[1] is False


def test_stated_sums_pass_the_checks_of_sizes(kit):
    """Each row is kept or quarantined with a reason; sums of other things keep their units."""
    rows = [
        ("10", "cm", None),
        ("-45.5", "mm", "impossible_size"),
        ("10001", "mm", "too_large_size"),
        (None, "mm", "no_result"),
        ("abc", "mm", "not_a_number"),
        ("TOO SMALL TO MEASURE", "mm", "not_a_number"),
        ("NE", "mm", "not_evaluable"),
        ("80", "kg", "unknown_unit"),
        ("80", "mm2", "area_unit"),
        ("80", "%", "percent_unit"),
        ("70.5", None, None),
    ]
    for place, (value, unit, _) in enumerate(rows):
        kit.add(
            "tr",
            {
                "usubjid": "1",
                "trtestcd": "SUMDIAM",
                "trorres": value,
                "trorresu": unit,
                "trdy": str(1 + 42 * place),
            },
        )
    for code, unit in (("SUMPPD", "mm2"), ("SUMVOL", "mm3")):
        row = {"usubjid": "1", "trtestcd": code, "trorres": "900", "trorresu": unit, "trdy": "1"}
        kit.add("tr", row)
    kit.build("staging.tumor_result_screen", "quality.quarantine", "quality.row_audit")
    reasons = kit.query("SELECT reason_id FROM staging.tumor_result_screen ORDER BY source_row")
    assert [row[0] for row in reasons] == [
        *(reason or "kept" for *_, reason in rows),
        "kept",
        "kept",
    ]
    kit.build("analysis.stated_sum")
    assert kit.rows("analysis.stated_sum", "day, sum_of_diameters_mm") == [(0, 100), (420, 70.5)]
    assert kit.query("SELECT count(*) FROM quality.quarantine") == [(9,)]
    assert kit.rows("quality.row_audit", "step", "NOT is_balanced") == []
