"""How much of the mappings written by hand for real sources is proposed from the files alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from proposing.agreement import agreement

from warehouse.proposing.make import propose
from warehouse.proposing.write import study_text

STUDIES = Path(__file__).parents[1] / "data" / "studies"
LALEH = "laleh2022_fir_poplar_imvigor"
# Study, folder, files, and the share of the hand-written facts that the proposal found when this
# was written: it may grow. What is missing is in each study's hand-written comments: constants that
# no file holds, conversions that the values do not prove.
CASES = [
    ("pharmaverse_onco", "pharmaverse_sdtm_onco/xpt", "*", 1.0),
    ("laleh_fir", LALEH, "s006_Study1.csv", 0.94),
    ("laleh_poplar", LALEH, "s006_Study2.csv", 1.0),
    ("laleh_imvigor210", LALEH, "s006_Study5.csv", 1.0),
    ("poplar_clinical", LALEH, "poplar_clinical.csv", 0.95),
    ("hnscc265", "hnscc265_zhou2023", "265*.csv", 0.86),
    ("openbtai_mets", "openbtai_mets", "*.xlsx", 0.77),
    ("openbtai_radiomics", "openbtai_mets", "morph*.csv", 0.28),
    ("ffcd_colorectal", "ffcd_colorectal", "c*.csv", 0.90),
    ("lidc_nodules", "lidc_nodules", "annot*.csv", 0.88),
    ("deeplesion_dls", "deeplesion_dls", "lesion_tracks.csv", 0.78),
    ("crlm_regions", "radmlbench_mets", "Col*", 0.91),
    ("ocana_tienda", "radmlbench_mets", "Oc*", 1.0),
]


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_a_proposal_finds_what_was_mapped_by_hand(tmp_path, shared, case):
    study, folder, pattern, least = case
    for name in ("hand", "proposed"):
        (tmp_path / name).mkdir()
        for file in sorted(shared.joinpath("data", folder).glob(pattern)):
            if file.is_file() and file.name != "PROVENANCE.md":
                (tmp_path / name / file.name).symlink_to(file)
    shutil.copy(STUDIES / study / "study.yml", tmp_path / "hand")
    proposal = propose([tmp_path / "proposed"], study)
    (tmp_path / "proposed" / "study.yml").write_text(study_text(proposal), encoding="utf-8")
    found = agreement(tmp_path / "hand", tmp_path / "proposed")
    assert found.share >= least, found.missing
