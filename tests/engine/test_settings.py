"""lesions.toml: defaults, typed values, and one clear error for each mistake."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from warehouse.errors import LesionsError
from warehouse.settings import FILE_NAME, as_text, default_values, read_settings, template


def settings_of(tmp_path: Path, text: str) -> dict[str, object]:
    path = tmp_path / FILE_NAME
    path.write_text(text)
    return read_settings(path)


def test_the_template_changes_nothing(tmp_path: Path) -> None:
    assert settings_of(tmp_path, template()) == default_values()


def test_the_template_uncommented_gives_the_defaults(tmp_path: Path) -> None:
    lines = [
        line.removeprefix("# ") if " = " in line and line.startswith("# ") else line
        for line in template().splitlines()[1:]
    ]
    assert settings_of(tmp_path, "\n".join(lines)) == default_values()


def test_a_whole_number_serves_where_a_number_is_wanted(tmp_path: Path) -> None:
    value = settings_of(tmp_path, "[too_small]\ndefault_mm = 2")["too_small.default_mm"]
    assert value == 2.0
    assert isinstance(value, float)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[rules]\nrule_sett = 'zhou2023'", "Did you mean rules.rule_set?"),
        ("[survival]\ngower_unit = nan", "is not a finite number"),
        ("[phases]\nrelapse_ratio = inf", "is not a finite number"),
        ("[hazards]\nleast_known_percent = 150", "is above 100"),
        ("[hazards]\nconfidence = 95", "is above 0.999999. The default is 0.95."),
        ("[survival]\nconfidence = 0.9999999999999999", "is above 0.999999"),
        ("[hazards]\nphenotype_probability = 1.5", "is above 1"),
        ("[rules]\nrule_set = 3", "is not a text"),
        ("[run]\nthreads = 1.5", "is not an integer"),
        ("[run]\nthreads = true", "is not an integer"),
        ("[volume]\naxis_ratio = 0.5", "below 1"),
        ("[volume]\naxis_ratio = nan", "is not a finite number"),
        ("[too_small]\ndefault_mm = inf", "is not a finite number"),
        ("[run]\nthreads = 100000", "above 1024"),
        ("[run]\nseed = 9223372036854775808", "is above"),
        ("[run]\nmemory_limit = 'abc'", "cannot be used: DuckDB's memory limit, such as '8GB'"),
        ("[run]\nmemory_limit = '-1GB'", "cannot be used"),
        ("[baseline]\nlatest_day = 99999999999", "above 36525"),
        ("[progression]\nfewest_patients = 99999999999", "above 2147483647"),
        ("[progression]\nhalf_life_days = inf", "is not a finite number"),
        ("[sequences]\nk = 3", "sequences.k is called progression.k now"),
        ("seed = 4", "outside a section"),
        ("[rules\n", "not valid TOML"),
        ("x = " + 20000 * "[", "nested too deeply"),
        ("[run]\nthreads = " + 6000 * "9", "not valid TOML"),
        ("[volume]\naxis_ratio = 1" + 400 * "0", "is not a"),
        ("[run]\npublished_mode = '0000'", "cannot be used"),
    ],
)
def test_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(LesionsError) as caught:
        settings_of(tmp_path, text)
    assert words in str(caught.value)
    assert FILE_NAME in str(caught.value)


def test_numbers_as_text_read_back_exactly() -> None:
    assert float(as_text(1.31)) == 1.31
    assert as_text(0.1 + 0.2) == "0.30000000000000004"
    assert as_text(True) == "true"


def test_a_byte_order_mark_does_not_matter(tmp_path: Path) -> None:
    assert settings_of(tmp_path, "\ufeff[run]\nthreads = 3")["run.threads"] == 3


@pytest.mark.parametrize("limit", ["", "8GB", "512MB", "1.5 GB", "16GiB"])
def test_memory_limits_that_duckdb_takes(tmp_path: Path, limit: str) -> None:
    assert settings_of(tmp_path, f"[run]\nmemory_limit = '{limit}'")["run.memory_limit"] == limit
    if limit:
        duckdb.connect(config={"memory_limit": limit}).close()
