"""The same SDTM through this warehouse and through admiral and admiralonco.

All 306 subjects of ADSL and ADTTE (``subjects.csv``), and the eight of pharmaverse's RECIST cases;
what admiral derives is in ``tests/data/pharmaverseadam``. Two things are known to differ in tumor
results, and are counted: a scan with a date of which the day is missing (admiral imputes it, here
it is set aside), and sums in which a lesion is missing (here they are partial, and no change is
worked out from them).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest
from sqlkit import SqlKit

from warehouse.studies import load_study

ROOT = Path(__file__).resolve().parents[2]

STUDY = """study_id: onco
layout: sdtm
day_convention: sdtm
readers: [INVESTIGATOR]
"""
SUBJECTS = ROOT / "tests" / "data" / "pharmaverseadam" / "subjects.csv"
THEIRS = ROOT / "tests" / "data" / "pharmaverseadam" / "derived.csv"


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory, shared: Path) -> Iterator[SqlKit]:
    data = shared / "data" / "pharmaverse_sdtm_onco" / "csv"
    root = tmp_path_factory.mktemp("pharmaverse")
    place = root / "onco"
    place.mkdir()
    (place / "study.yml").write_text(STUDY)
    for name in ("dm", "ds", "ex", "ae"):
        (place / f"{name}.csv").symlink_to(data / f"{name}.csv")
    for name in ("tu", "tr", "rs"):
        (place / f"{name}.csv").symlink_to(data / f"{name}_onco_recist.csv")
    load_study(place, root / "raw", loaded_at=datetime(2026, 1, 2))
    with SqlKit() as kit:
        yield kit.take(root / "raw").build("adam.adtr", "adam.adrs", "adam.adtte")


@pytest.fixture(scope="module")
def theirs() -> pd.DataFrame:
    return pd.read_csv(THEIRS, parse_dates=["adt"])


@pytest.fixture(scope="module")
def subjects() -> pd.DataFrame:
    dates = ["trtsdt", "trtedt", "dthdt"]
    return pd.read_csv(SUBJECTS, parse_dates=dates).set_index("usubjid")


def test_subjects_are_the_same(ours: SqlKit, subjects: pd.DataFrame) -> None:
    got = ours.connection.sql("FROM adam.adsl").df().set_index("usubjid").loc[subjects.index]
    assert len(got) == len(subjects) == 306

    def differing(name: str) -> list[str]:
        mine, want = got[name], subjects[name]
        same = (mine == want) | (mine.isna() & want.isna())
        return subjects.index[~same].tolist()

    for name in ("age", "sex", "trt01a", "saffl", "trtsdt", "dthdt"):
        assert differing(name) == [], name
    # Their last dose has a start and no end: here that start counts, with admiral the last end.
    open_ended = ["01-704-1233", "01-705-1018", "01-705-1031", "01-705-1303", "01-705-1377",
                  "01-705-1382"]  # fmt: skip
    assert differing("trtedt") == differing("trtdurd") == open_ended


@pytest.mark.parametrize(
    ("endpoint", "n", "n_same_event", "n_same"),
    # OS: censored at the last record of any domain here, at the last assessment there. PFS: two who
    # died without an assessment are censored at day 1 here and events there.
    [("OS", 254, 254, 192), ("PFS", 254, 252, 252), ("DOR", 4, 4, 4)],
)
def test_times_of_all_subjects(
    endpoint: str, n: int, n_same_event: int, n_same: int, ours: SqlKit, subjects: pd.DataFrame
) -> None:
    want = subjects[[endpoint.lower(), f"{endpoint.lower()}_cnsr"]].dropna()
    got = ours.connection.sql(f"FROM adam.adtte WHERE paramcd = '{endpoint}'").df()
    got = got.set_index("usubjid")
    assert set(got.index) == set(want.index)
    got = got.loc[want.index]
    same_event = (got["cnsr"] == want.iloc[:, 1]).to_numpy()
    same = same_event & (got["aval"] == want.iloc[:, 0]).to_numpy()
    assert (len(want), same_event.sum(), same.sum()) == (n, n_same_event, n_same)
    # What differs is censored here.
    assert (got["cnsr"][~same] == 1).all()


def test_sums_nadirs_and_changes_are_the_same(ours: SqlKit, theirs: pd.DataFrame) -> None:
    want = theirs[theirs["dataset"] == "ADTR"].set_index(["usubjid", "adt"])
    got = ours.connection.sql(
        "SELECT usubjid, adt, aval, nadir, pchg, sumcfl, ablfl FROM adam.adtr "
        "WHERE paramcd = 'SDIAM' AND parcat2 = 'INVESTIGATOR'"
    ).df()
    got = got.set_index(["usubjid", "adt"])
    both = want.join(got, how="inner", lsuffix="_theirs")
    # The 25th is of a scan in '2014-02', day unknown.
    assert (len(want), len(both)) == (25, 24)
    assert (both["aval_theirs"] == both["aval"]).all()
    after = both[both["ablfl"].isna()]
    whole = after[after["sumcfl"] == "Y"]
    assert (len(after), len(whole)) == (18, 16)
    assert (whole["nadir_theirs"] == whole["nadir"]).all()
    assert (whole["pchg_theirs"] - whole["pchg"]).abs().max() < 5e-7  # theirs is rounded to 1e-6


@pytest.mark.parametrize("basis", ["derived", "stated"])
def test_responses_are_the_same_on_the_same_days(
    basis: str, ours: SqlKit, theirs: pd.DataFrame
) -> None:
    prefix = "S" if basis == "stated" else ""
    want = theirs[theirs["dataset"] == "ADRS"]
    got = ours.connection.sql("SELECT * FROM adam.adrs WHERE anl01fl = 'Y'").df()
    n_days = 0
    for name, rows in want.groupby("paramcd"):
        own = got[got["paramcd"] == prefix + str(name)].set_index("usubjid")
        own = own.loc[rows["usubjid"]]
        assert own["avalc"].tolist() == rows["avalc"].tolist(), name
        dated = (rows["avalc"] != "N").to_numpy()
        assert (own["adt"].to_numpy()[dated] == rows["adt"].to_numpy()[dated]).all(), name
        n_days += int(dated.sum())
    # 8 best responses, 8 confirmed ones, 3 progressions, 4 responses, 1 confirmed one.
    assert (len(want), n_days) == (40, 24)


def test_progression_free_survival_is_the_same(ours: SqlKit, theirs: pd.DataFrame) -> None:
    want = theirs[theirs["dataset"] == "ADTTE"].set_index("usubjid")
    got = ours.connection.sql("SELECT * FROM adam.adtte WHERE paramcd = 'PFS'").df()
    got = got.set_index("usubjid").loc[want.index]
    assert len(want) == len(got) == 8
    assert got["aval"].tolist() == want["aval"].tolist()
    assert got["cnsr"].tolist() == want["cnsr"].tolist()
