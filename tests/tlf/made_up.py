"""A study of two arms made by arithmetic, so that R can make it too.

i <- 0:119; arm <- ifelse(i %% 2 == 0, "A", "B"); sex <- ifelse(i %% 3 == 0, "F", "M")
t <- (i * 37) %% 101 * ifelse(arm == "B", 9, 6) + 20
e <- as.integer(i %% 4 != 0 & i %% 7 != 0)
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from flows.tlf.study import Study

N = 120
BEST = ("CR", "PR", "PR", "SD", "SD", "PD", "NE")


def made_up_study() -> Study:
    i = np.arange(N)
    arm = np.where(i % 2 == 0, "A", "B")
    subject = [f"{k:03}" for k in i]
    days = (i * 37) % 101 * np.where(arm == "B", 9, 6) + 20
    event = (i % 4 != 0) & (i % 7 != 0)
    best = np.array([BEST[k % 7] for k in i])
    adsl = pd.DataFrame(
        {"usubjid": subject, "trt01p": arm, "ittfl": "Y", "saffl": np.where(i == 3, "N", "Y"),
         "lesfl": np.where(i % 10 == 0, "N", "Y"),
         "exclrsn": np.where(i % 10 == 0, "No lesion has a baseline.", None),
         "dthfl": np.where(event, "Y", None), "age": 40.0 + i % 50,
         "agegr1": np.where(40 + i % 50 < 65, "<65", ">=65"),
         "sex": np.where(i % 3 == 0, "F", "M")}
    )  # fmt: skip
    for name in ("bmibl", "bsabl", "ldhratbl", "ecogbl"):
        adsl[name] = np.nan
    adsl[["nles", "ntgtles"]] = 2.0
    for name in ("race", "krasstat", "primsite", "lineth", "prsurgfl", "prradfl", "pradjfl"):
        adsl[name] = None
    screened = pd.concat(
        [adsl, pd.DataFrame({"usubjid": ["x1", "x2"], "ittfl": "N"})], ignore_index=True
    )
    adtte = pd.DataFrame(
        {"usubjid": subject, "paramcd": "OS", "aval": days + 1.0, "cnsr": 1.0 - event}
    )
    assessed = i != 5
    responses = [
        pd.DataFrame({"usubjid": np.array(subject)[assessed], "paramcd": parameter,
                      "avalc": best[assessed], "anl01fl": "Y", "ady": 43.0})
        for parameter in ("BOR", "CBOR")
    ]  # fmt: skip
    scans = pd.DataFrame(
        [
            {"usubjid": subject[k], "paramcd": "SDIAM", "anl01fl": "Y",
             "ablfl": "Y" if day < 0 else None, "ady": day,
             "pchg": np.nan if day < 0 else change}
            for k in range(8)
            for day, change in ((-5, 0), (43, -10.0 * k), (85, 8.0 - 12 * k))
        ]
    )  # fmt: skip
    adles = pd.DataFrame(
        {"usubjid": ["000", "001"], "aseq": [1, 1], "lnkid": ["T01", "T01"],
         "lestype": "TARGET", "lesorg": "liver", "bldiam": [30.0, 20.0], "nadrat": [0.5, np.nan],
         "lastrat": [0.8, np.nan], "rspdays": [43.0, 300.0], "rspcnsr": [0.0, 1.0],
         "prgdays": [127.0, 300.0], "prgcnsr": [0.0, 1.0]}
    )  # fmt: skip
    return Study(
        "made", "A study made up", ("A", "B"), adsl, screened, scans, pd.concat(responses), adtte,
        adles, 0.95, "log", "2026-01-02 03:04", "0.1.0",
    )  # fmt: skip
