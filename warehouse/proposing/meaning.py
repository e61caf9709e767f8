"""Which concept each column of a table holds: by name, label and values, with reasons."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from warehouse.contents import content_folder
from warehouse.proposing.profile import Profile, date_format
from warehouse.proposing.vocabulary import Concept, compact, vocabulary, words_of

NAME, LABEL, WORDS, WEAK, VALUES = 4.0, 4.0, 3.0, 1.0, 1.0
LEAST = 3.0
"""Score below which a column is not taken for a concept."""
_HIGH, _MEDIUM = 5.0, 4.0


@dataclass(frozen=True)
class Meaning:
    """A concept for a column.

    Attributes:
        concept: the concept's name.
        column: the column.
        score: sum of the weights of what speaks for it.
        reasons: what does, in words.
    """

    concept: str
    column: str
    score: float
    reasons: tuple[str, ...]

    @property
    def confidence(self) -> str:
        """'sure', 'likely' or 'a guess'."""
        if self.score >= _HIGH:
            return "sure"
        return "likely" if self.score >= _MEDIUM else "a guess"

    @property
    def because(self) -> str:
        """Confidence and reasons in one line."""
        return f"{self.confidence}: {'; '.join(self.reasons)}"


def all_meanings(profiles: Mapping[str, Profile]) -> list[Meaning]:
    """Every concept that a column may hold, best first."""
    found = []
    for profile in profiles.values():
        if profile.is_blank:
            continue
        for concept in vocabulary().concepts.values():
            meaning = _judge(concept, profile)
            if meaning is not None and meaning.score >= LEAST:
                found.append(meaning)
    order = list(profiles)
    return sorted(found, key=lambda m: (-m.score, order.index(m.column)))


def assign(meanings: list[Meaning]) -> dict[str, Meaning]:
    """Concept -> its column: the best first, one column for each and one each for a column."""
    taken: dict[str, Meaning] = {}
    columns: set[str] = set()
    for meaning in meanings:
        if meaning.concept not in taken and meaning.column not in columns:
            taken[meaning.concept] = meaning
            columns.add(meaning.column)
    return taken


def rivals(meanings: list[Meaning], chosen: Meaning, taken: Mapping[str, Meaning]) -> list[Meaning]:
    """Other free columns for a concept that come near the chosen one."""
    used = {meaning.column for meaning in taken.values()}
    return [
        meaning
        for meaning in meanings
        if meaning.concept == chosen.concept
        and meaning.column not in used
        and meaning.score > chosen.score - 1
    ]


def _judge(concept: Concept, profile: Profile) -> Meaning | None:
    words, label = words_of(profile.name), profile.label.lower()
    bare = profile.name.lower()
    if concept.never is not None and (concept.never.search(words) or concept.never.search(label)):
        return None
    score, reasons = 0.0, []
    # The last part of a name under several header rows is the column's own.
    own = compact(profile.name.split("|")[-1])
    if compact(profile.name) in concept.names or own in concept.names:
        score += NAME
        reasons.append("its name")
    elif concept.words is not None and (concept.words.search(words) or concept.words.search(bare)):
        score += WORDS
        reasons.append("words of its name")
    elif concept.weak is not None and concept.weak.search(words):
        score += WEAK
        reasons.append("its name, weakly")
    if concept.label is not None and label and concept.label.search(label):
        score += LABEL
        reasons.append(f"its label {profile.label!r}")
    if not score:
        return None
    fits, why = VALUE_TESTS[concept.values](profile)
    if not fits:
        return None
    return Meaning(
        concept.name,
        profile.name,
        score + (VALUES if why else 0),
        (*reasons, *([why] if why else [])),
    )


def _shown(profile: Profile, number: int = 3) -> str:
    return ", ".join(repr(value) for value, _ in profile.values[:number])


@cache
def seed_words(name: str, column: str) -> frozenset[str]:
    """The words of a column of a seed, in lower case."""
    file = content_folder("sql") / "seeds" / f"{name}.csv"
    with file.open(encoding="utf-8", newline="") as handle:
        return frozenset(row[column].lower() for row in csv.DictReader(handle))


@cache
def site_patterns() -> tuple[re.Pattern[str], ...]:
    """The patterns by which the warehouse reads a site's words."""
    file = content_folder("sql") / "seeds" / "staging.site_map.csv"
    with file.open(encoding="utf-8", newline="") as handle:
        return tuple(re.compile(row["site_raw_pattern"]) for row in csv.DictReader(handle))


def is_known_site(text: str) -> bool:
    """Whether the warehouse finds an organ for a site, by CDISC's terms or by its words."""
    upper = text.strip().upper()
    return upper.lower() in seed_words("staging.site_term", "term") or any(
        pattern.search(upper) for pattern in site_patterns()
    )


def _id(profile: Profile) -> tuple[bool, str]:
    # Several patients, none of them a fraction, and no measurement: such a number is whole.
    fits = profile.distinct >= 2 or profile.rows <= 3
    whole = profile.numeric < 0.5 or profile.whole >= profile.numeric - 1e-9
    why = f"{profile.distinct:,} different values in {profile.filled:,} rows"
    return fits and whole, why if profile.distinct > 1 else ""


def _short(profile: Profile) -> tuple[bool, str]:
    return profile.numeric == 0 or profile.whole >= profile.numeric - 1e-9, ""


def _few(profile: Profile) -> tuple[bool, str]:
    return profile.distinct <= max(60, profile.rows // 20), ""


def _group(profile: Profile) -> tuple[bool, str]:
    return profile.distinct <= 30, f"{profile.distinct} different values"


def _lesion_type(profile: Profile) -> tuple[bool, str]:
    words = re.compile(r"^(target|index|non|new|equivocal new|unequivocal|t$|tl$|nt$|ntl$|meas)")
    others = frozenset(w for listed in vocabulary().words["lesion_type"].values() for w in listed)
    known = sum(
        n
        for value, n in profile.values
        if words.search(value.strip().lower()) or value.strip().lower() in others
    )
    share = known / max(1, sum(n for _, n in profile.values))
    return share > 0.5, f"values as {_shown(profile)}"


def _site(profile: Profile) -> tuple[bool, str]:
    if profile.numeric > 0.5:
        return False, ""
    values = profile.values
    known = sum(n for value, n in values if is_known_site(value))
    share = known / max(1, sum(n for _, n in values))
    return share > 0.3, f"{share:.0%} of the values are known sites"


def _state(profile: Profile) -> tuple[bool, str]:
    words = seed_words("staging.tumor_state_word", "word")
    others = frozenset(w for listed in vocabulary().words["state"].values() for w in listed)
    return profile.share_of(words | others) > 0.6, f"values as {_shown(profile)}"


def _in_words(name: str, least: float = 0.6) -> Callable[[Profile], tuple[bool, str]]:
    def test(profile: Profile) -> tuple[bool, str]:
        share = profile.share_of(vocabulary().set_of(name))
        return share >= least, f"values as {_shown(profile)}"

    return test


def _size(profile: Profile) -> tuple[bool, str]:
    words = seed_words("staging.size_word", "word")
    spoken = profile.share_of(words)
    fits = profile.numeric + spoken > 0.85 and profile.numeric > 0.5
    # Sizes are not negative; a transformed one may be, which is asked.
    why = f"numbers from {profile.low:g} to {profile.high:g}" if profile.low >= 0 else ""
    return fits, why


def _day(profile: Profile) -> tuple[bool, str]:
    fits = profile.numeric > 0.8 and profile.whole > 0.95 * profile.numeric
    fits = fits and profile.low > -5000 and profile.high < 20000
    return fits, f"whole numbers from {profile.low:g} to {profile.high:g}" if fits else ""


def _time(profile: Profile) -> tuple[bool, str]:
    fits = profile.numeric > 0.8 and profile.high < 50000
    return fits, f"numbers from {profile.low:g} to {profile.high:g}" if fits else ""


def _date(profile: Profile) -> tuple[bool, str]:
    form, _, proof = date_format(profile)
    return form is not None, proof


def _time_or_date(profile: Profile) -> tuple[bool, str]:
    fits, why = _date(profile)
    return (fits, why) if fits else _time(profile)


def _flag(profile: Profile) -> tuple[bool, str]:
    return profile.distinct <= 4, f"values {_shown(profile, 4)}"


def _sex(profile: Profile) -> tuple[bool, str]:
    sexes = vocabulary().words["sex"]
    words = frozenset(str(word).lower() for listed in sexes.values() for word in listed)
    share = profile.share_of(words | {"u", "unknown", "1", "2", "0"})
    return share > 0.9, f"values {_shown(profile)}"


def _age(profile: Profile) -> tuple[bool, str]:
    fits = profile.numeric > 0.8 and profile.low >= 0 and profile.high <= 120
    return fits, f"numbers from {profile.low:g} to {profile.high:g}" if fits else ""


def _response(profile: Profile) -> tuple[bool, str]:
    words = seed_words("staging.response_word", "word")
    share = profile.share_of(words | {"."})
    if share > 0.6:
        return True, f"values as {_shown(profile)}"
    codes = profile.whole > 0.95 and profile.distinct <= 12
    return codes, f"codes {_shown(profile, 4)}" if codes else ""


def _number(profile: Profile) -> tuple[bool, str]:
    return profile.numeric > 0.8, ""


def _positive(profile: Profile) -> tuple[bool, str]:
    return profile.numeric > 0.8 and profile.low >= 0, ""


def _count(profile: Profile) -> tuple[bool, str]:
    return profile.whole > 0.9 and profile.low >= 0 and profile.high <= 15, ""


VALUE_TESTS: Mapping[str, Callable[[Profile], tuple[bool, str]]] = {
    "id": _id,
    "short": _short,
    "few": _few,
    "group": _group,
    "lesion_type": _lesion_type,
    "state": _state,
    "site": _site,
    "side": _in_words("side"),
    "unit": _in_words("unit"),
    "method": _in_words("method", 0.4),
    "size": _size,
    "day": _day,
    "time": _time,
    "date": _date,
    "time_or_date": _time_or_date,
    "flag": _flag,
    "sex": _sex,
    "age": _age,
    "response": _response,
    "number": _number,
    "positive": _positive,
    "count": _count,
}
"""What the values must be for a concept: whether they fit, and what speaks for it in words."""
