"""The text of a proposed study.yml: each line with its reason behind it."""

from __future__ import annotations

import re
from typing import Any

from warehouse.proposing.proposal import Derived, Entry, Line, Proposal
from warehouse.sources.spec import ReadOptions

_PLAIN = re.compile(r"[A-Za-zÀ-ÿ_][A-Za-zÀ-ÿ0-9_./-]*( [A-Za-zÀ-ÿ0-9_./|()-]+)*")
_WORDS = {"y", "n", "yes", "no", "true", "false", "null", "on", "off", "~"}
_WIDTH = 100


def yaml_text(value: str) -> str:
    """A text as YAML: bare where that is safe, else quoted.

    >>> yaml_text("a: b"), yaml_text("LDIAM")
    ("'a: b'", 'LDIAM')
    """
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS and not value.endswith(" "):
        return value
    return "'" + value.replace("'", "''") + "'"


def inline(value: Any) -> str:
    """A mapping, list or text in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{yaml_text(str(k))}: {inline(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(inline(item) for item in value) + "]"
    text = str(value)
    # A comma or a bracket would end a text inside a line.
    return yaml_text(text) if not re.search(r"[,\[\]{}#|]", text) else _quoted(text)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def study_text(proposal: Proposal) -> str:
    """The whole file."""
    lines = [
        "# Proposed by 'lesions map' from the files beside it: read it through, for it is a guess.",
        "# Behind each line: how sure it is, and why.",
    ]
    for number, question in enumerate(proposal.questions, 1):
        lines += _wrapped(f"# Question {number}: {question.text}")
        lines += _wrapped(f"#   taken: {question.taken}")
        lines += [part for c in question.candidates for part in _wrapped(f"#   or: {c}")]
    lines.append(f"study_id: {yaml_text(proposal.study_id)}")
    lines += ["# title: ...", "# tumor_type: ..."]
    lines.append(f"layout: {proposal.layout}")
    lines.append(_with(f"day_convention: {proposal.day_convention}", proposal.day_why))
    if proposal.day_zero_rule:
        lines.append(f"day_zero_rule: {yaml_text(proposal.day_zero_rule)}")
    if proposal.patients != "known":
        lines.append(_with(f"patients: {proposal.patients}", "no column names the patient"))
    if proposal.readers:
        lines.append(_with("readers:", proposal.readers_why))
        lines += [f"  - {yaml_text(reader)}" for reader in proposal.readers]
    if proposal.too_small:
        words = ", ".join(inline(word) for word in proposal.too_small)
        lines += ["too_small:", f"  values: [{words}]"]
    if proposal.arms:
        lines.append("# arms:   # what their labels stand for")
        lines += [f"#   {yaml_text(arm)}: {{treatment: {inline(arm)}}}" for arm in proposal.arms]
    lines += _sites(proposal)
    if proposal.domains:
        lines.append("domains:")
        for stem, domain, why in proposal.domains:
            lines.append(_with(f"  {yaml_text(stem)}: {domain}", why))
    if proposal.entries:
        lines.append("files:")
        for entry in proposal.entries:
            lines += _entry(entry)
    if proposal.not_read:
        lines.append("# Not read:")
        for name, why in proposal.not_read:
            lines += _wrapped(f"#   {name}: {' '.join(why.split())}")
    return "\n".join(lines) + "\n"


def _sites(proposal: Proposal) -> list[str]:
    if not proposal.sites:
        return []
    known = [site for site in proposal.sites if site[1]]
    lines = ["sites:" if known else "# sites:"]
    for site, organ, why in proposal.sites:
        mark = "" if organ else "# " if known else "#"
        lines.append(_with(f"{mark}  {yaml_text(site)}: {organ or '...'}", why))
    return lines


def _with(text: str, why: str) -> str:
    return f"{text}   # {' '.join(why.split())}" if why else text


def _wrapped(text: str) -> list[str]:
    """A long comment in lines that begin alike."""
    lines, line = [], ""
    indent = re.match(r"#\s*", text)
    begin = (indent[0] if indent else "# ") + "  "
    for word in text.split(" "):
        if line and len(line) + 1 + len(word) > _WIDTH:
            lines.append(line)
            line = begin + word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, line]


def _entry(entry: Entry) -> list[str]:
    lines = [f"  # {entry.title}"] if entry.title else []
    lines.append(f"  - file: {yaml_text(entry.file)}")
    lines += [f"    {text}" for text in _options(entry.options, entry.reasons)]
    if entry.date_format:
        shown = (
            inline(list(entry.date_format)) if len(entry.date_format) > 1 else entry.date_format[0]
        )
        lines.append(_with(f"    date_format: {shown}", entry.reasons.get("date_format", "")))
    if entry.decimal != ".":
        lines.append(_with('    decimal: ","', entry.reasons.get("decimal", "")))
    if entry.joins:
        lines.append("    join:")
        lines += [f"      - {inline(join)}" for join in entry.joins]
    if entry.domain is not None:
        lines.append(f"    domain: {entry.domain}")
    if entry.lines:
        lines.append("    columns:")
        lines += [f"      {text}" for text in _columns(entry.lines)]
    if entry.features is not None:
        lines.append(f"    features: {inline(entry.features)}")
    if entry.derived:
        lines.append("    derive:")
        for derived in entry.derived:
            lines += [f"      {text}" for text in _derived(derived)]
    if entry.unused:
        listed = ", ".join(entry.unused[:40])
        more = f" and {len(entry.unused) - 40} more" if len(entry.unused) > 40 else ""
        lines += [f"    {text}" for text in _wrapped(f"# not used: {listed}{more}")]
    return lines


def _options(options: ReadOptions, reasons: dict[str, str]) -> list[str]:
    lines = []
    default = ReadOptions()
    if options.encoding:
        lines.append(_with(f"encoding: {options.encoding}", reasons.get("encoding", "")))
    if options.delimiter:
        sign = "tab" if options.delimiter == "\t" else f'"{options.delimiter}"'
        lines.append(_with(f"delimiter: {sign}", reasons.get("delimiter", "")))
    if options.sheet:
        lines.append(f"sheet: {yaml_text(options.sheet)}")
    if options.header_rows:
        rows = ", ".join(map(str, options.header_rows))
        lines.append(_with(f"header_rows: [{rows}]", reasons.get("header_rows", "")))
    if options.header_join != default.header_join:
        lines.append(f"header_join: {_quoted(options.header_join)}")
    if options.stop_column and options.stop_value:
        stop = inline({"column": options.stop_column, "value": options.stop_value})
        lines.append(_with(f"stop_at: {stop}", reasons.get("stop_at", "")))
    return lines


def _columns(lines: tuple[Line, ...]) -> list[str]:
    return [_with(f"{line.variable}: {inline(line.rule)}", line.why) for line in lines]


def _derived(derived: Derived) -> list[str]:
    lines = [_with(f"- domain: {derived.domain}", derived.why)]
    if derived.distinct_on:
        lines.append(f"  distinct_on: [{', '.join(derived.distinct_on)}]")
    if derived.require:
        lines.append(f"  require: [{', '.join(derived.require)}]")
    lines.append("  columns:")
    lines += [f"    {text}" for text in _columns(derived.lines)]
    return lines
