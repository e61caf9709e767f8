"""A small simulated project whose names are such as careless code runs or breaks on."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from warehouse.project import create_project
from warehouse.simulate import write_trials

OWNED = "document.title='owned'"
WORDS = (
    f"<script>{OWNED}</script>",
    f"</script></style><img src=x onerror={OWNED}>",
    f"\"'><svg onload={OWNED}>--",
    "'; DROP SCHEMA core CASCADE; --",
    '"; DROP SCHEMA "core" CASCADE; --',
    "{{7*7}}${7*7}#{7*7}%s%(x)s{0}",
    '=HYPERLINK("http://x.invalid","a")',
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "[/bold][link=x]\\n\\",
    "%00\u202eabc\u2028\x1b[31m\u0007",
    "a,b;c\td|e",
)
"""Texts; each stands in each kind of place."""
FOLDER = f"a\"b'c <img src=x onerror={OWNED}>{{x}}[bold]%s;$HOME#"
"""The project's folder."""


def write_hostile_project(parent: Path, patients: int = 60) -> Path:
    """Writes the project's studies below ``parent``; patients, lesions, places, arms, readers,
    titles and tumor types have hostile names. Every patient's id stays its own."""
    folder = parent / FOLDER
    write_trials(folder, "mcrc", patients=patients, seed=11)
    create_project(folder)
    for place, study in enumerate(sorted((folder / "studies").iterdir())):
        _spoil(study, place)
    return folder


def word(number: int) -> str:
    return WORDS[number % len(WORDS)]


def _spoil(study: Path, place: int) -> None:
    arms: dict[str, str] = {}
    numbers: dict[str, int] = {}
    for path in sorted(study.glob("*.csv")):
        with path.open(newline="") as handle:
            rows = list(csv.DictReader(handle))
        for at, row in enumerate(rows):
            if subject := row.get("USUBJID"):
                number = numbers.setdefault(subject, len(numbers))
                row["USUBJID"] = f"{word(number + place)}{subject}"
            for name in ("ARM", "ACTARM"):
                if row.get(name):
                    row[name] = arms.setdefault(row[name], f"{word(place + len(arms))} {row[name]}")
            for name in ("TULNKID", "TRLNKID", "PRLNKID", "RFLNKID"):
                if row.get(name):
                    row[name] = f"{row[name]}{word(place)}"
            if row.get("TULOC") and at % 10 == 0:
                row["TULOC"] = word(at // 10 + place)
            for name in ("TREVAL", "TUEVAL", "RSEVAL"):
                if row.get(name) and place == 1:
                    row[name] = f"{word(place)} READER"
            for name in ("DSTERM", "EXTRT", "TRMETHOD", "VISIT", "SITEID", "COUNTRY", "RACE"):
                if row.get(name) and (at + place) % 3 == 0:
                    row[name] = word(at + place)
        with path.open("w", newline="") as handle:
            writer = csv.DictWriter(handle, list(rows[0]) if rows else [])
            writer.writeheader()
            writer.writerows(rows)
    # JSON is YAML, and quotes every text.
    described = {
        "study_id": study.name,
        "title": f"{word(place)} title",
        "tumor_type": f"{word(place + 1)} cancer",
        "sponsor": word(place + 2),
        "layout": "sdtm",
        "readers": [f"{word(1)} READER" if place == 1 else "INVESTIGATOR"],
        "arms": {
            arm: {"treatment": word(place + 3), "treatment_class": word(place + 4)}
            for arm in arms.values()
        },
    }
    (study / "study.yml").write_text(json.dumps(described), encoding="utf-8")
