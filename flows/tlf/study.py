"""One study's analysis datasets as the tables need them, and its arms in their order."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from warehouse.database import open_published
from warehouse.errors import LesionsError

if TYPE_CHECKING:
    import pandas as pd

DATASETS = {
    "adsl": "SELECT * FROM adam.adsl ORDER BY ALL",
    "adrs": "SELECT study_id, usubjid, paramcd, avalc, ady, anl01fl FROM adam.adrs "
    "WHERE anl01fl = 'Y' AND paramcd IN ('BOR', 'CBOR', 'RSP', 'PD') ORDER BY ALL",
    "adtte": "SELECT study_id, usubjid, paramcd, aval, cnsr FROM adam.adtte "
    "WHERE parcat1 = 'Patient' ORDER BY ALL",
    "adtr": "SELECT study_id, usubjid, paramcd, ady, pchg, ablfl, anl01fl FROM adam.adtr "
    "WHERE anl01fl = 'Y' AND paramcd = 'SDIAM' ORDER BY ALL",
    "adles": "SELECT * FROM adam.adles ORDER BY ALL",
}
"""What is read of each dataset: one query, for a view is worked out anew each time it is read."""
OF_TABLES = ("adsl", "adrs", "adtte")
"""What tables need; the others are for figures and listings."""


@dataclass(frozen=True)
class Study:
    """One study. Frames have lower-case ADaM variables; subjects are those who entered it."""

    study_id: str
    title: str
    arms: tuple[str, ...]
    """Planned arms; the first is the reference."""
    adsl: pd.DataFrame
    screened: pd.DataFrame
    """ADSL of all, screen failures among them."""
    adtr: pd.DataFrame
    adrs: pd.DataFrame
    adtte: pd.DataFrame
    adles: pd.DataFrame
    confidence: float
    interval: str
    """Scale of the limits of survival curves, the setting survival.interval."""
    finished_at: str
    version: str

    @property
    def size(self) -> dict[str, int]:
        """Subjects by arm."""
        return {arm: int((self.adsl["trt01p"] == arm).sum()) for arm in self.arms}

    def times(self, endpoint: str) -> pd.DataFrame:
        """ADTTE of one endpoint with the baseline variables of ADSL."""
        rows = self.adtte[self.adtte["paramcd"] == endpoint]
        return rows[["usubjid", "aval", "cnsr"]].merge(self.adsl, on="usubjid", how="inner")


def read_studies(
    published: Path,
    wanted: str | None,
    reference: str | None,
    datasets: Collection[str] = tuple(DATASETS),
) -> list[Study]:
    """The studies of a published warehouse that have arms; or the one that is wanted.

    Datasets that are not asked for have no rows.

    Raises:
        LesionsError: no warehouse or none with analysis datasets, a study or arm that is not there.
    """
    with open_published(published) as connection:
        there = connection.execute(
            "SELECT list(view_name) FROM duckdb_views() WHERE schema_name = 'adam'"
        ).fetchall()[0][0]
        if not set(DATASETS) <= set(there or ()):
            raise LesionsError(
                f"{published} has no analysis datasets: an older version or a run of selected "
                "models made it. 'lesions run' builds them."
            )
        named = connection.execute(
            "SELECT study_id, coalesce(title, study_id) FROM core.study ORDER BY study_id"
        ).fetchall()
        if wanted is not None and wanted not in {study for study, _ in named}:
            raise LesionsError(
                f"there is no study {wanted!r}. There are: {', '.join(s for s, _ in named)}."
            )
        order = dict(
            connection.execute(
                "SELECT subset || '/' || group_name, min(group_order) FROM analysis.patient_group "
                "WHERE grouping = 'arm' GROUP BY ALL"
            ).fetchall()
        )
        settings = dict(connection.execute("SELECT name, value FROM meta.setting").fetchall())
        finished_at, version = connection.execute(
            "SELECT strftime(finished_at, '%Y-%m-%d %H:%M'), version FROM meta.run "
            "ORDER BY finished_at DESC, run_id DESC LIMIT 1"
        ).fetchall()[0]
        read = {
            name: connection.sql(f"FROM ({query}) {'' if name in datasets else 'LIMIT 0'}").df()
            for name, query in DATASETS.items()
        }
        studies = []
        for study_id, title in named:
            if wanted is not None and study_id != wanted:
                continue
            frames = {
                name: rows[rows["study_id"] == study_id].reset_index(drop=True)
                for name, rows in read.items()
            }
            screened = frames.pop("adsl")
            adsl = screened[(screened["ittfl"] == "Y") & screened["trt01p"].notna()]
            arms = sorted(
                adsl["trt01p"].unique(),
                key=lambda arm: (order.get(f"study {study_id}/{arm}", 10**6), arm),
            )
            if not arms:
                if wanted is not None:
                    raise LesionsError(f"no subject of {study_id} has an arm (DM, ARM).")
                continue
            if reference is not None and reference in arms:
                arms = [reference, *(arm for arm in arms if arm != reference)]
            studies.append(
                Study(
                    study_id=study_id,
                    title=title,
                    arms=tuple(arms),
                    adsl=adsl.reset_index(drop=True),
                    screened=screened,
                    **frames,
                    confidence=float(settings["survival.confidence"]),
                    interval=settings["survival.interval"],
                    finished_at=finished_at,
                    version=version,
                )
            )
    if reference is not None and not any(reference == study.arms[0] for study in studies):
        arms_there = sorted({arm for study in studies for arm in study.arms})
        raise LesionsError(f"there is no arm {reference!r}. There are: {', '.join(arms_there)}.")
    return studies
