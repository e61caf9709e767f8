"""Tables of radiomic features, by the names of their columns or by what is left of them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from warehouse.proposing.proposal import Derived, Entry, Line, Proposal
from warehouse.proposing.written import columns_used, with_values
from warehouse.sources.radiomics import is_no_feature, is_pyradiomics

if TYPE_CHECKING:
    from warehouse.proposing.tables import View

_CLASS = r"(?:firstorder|shape2D|shape|glcm|glrlm|glszm|gldm|ngtdm)_\w+"
_IMAGE = re.compile(
    rf"(?:(.+)_)?((?:original|log-sigma[\w.-]*|wavelet[\w.-]*|square|squareroot|logarithm|"
    rf"exponential|gradient|lbp[\w.-]*)_{_CLASS})"
)
_MEASURE = re.compile(
    r"(_mm[23]?|_cm[23]?|_hu|volume|surface|elong|flat|spher|circ|margin|texture)"
)


def feature_entry(view: View, proposal: Proposal, *, with_dm: bool) -> Entry:
    """A table of features: the features, the lesions and the patients."""
    named = [name for name in view.table.stage.columns if is_pyradiomics(name)]
    lines = list(view.subject)
    if view.has("lesion"):
        lines.append(view.line("rflnkid", "lesion", view.lesion_rule))
    else:
        taken = view.line("rflnkid", "subject") if view.has("subject") else None
        if taken is None:
            proposal.ask(f"{view.name}: which column is the lesion?", "none found")
        else:
            lines.append(Line("rflnkid", {"value": "L1"}, "no column names it: one per patient"))
    if view.has("reader_role"):
        lines.append(view.line("rfsegm", "reader_role"))
    first = "0" if proposal.day_convention == "zero_based" else "1"
    day = view.line("rfdy", "day") if view.has("day") else None
    if day is None and view.has("date"):
        day = view.line("rfdtc", "date")
    lines.append(day or Line("rfdy", {"value": first}, "no column with a day or a date"))
    source = view.table.source
    entry = Entry(
        file=source.path.name,
        domain="rf",
        lines=tuple(lines),
        derived=tuple(_derived(view, lines, with_dm=with_dm)),
        options=source.options,
        reasons=dict(source.reasons),
        features=_features(view, named, lines),
        title=f"{source.title}: {view.why}.",
    )
    entry = with_values(view, entry, proposal)
    if named:
        used = columns_used(entry)
        left = [c for c in view.profiles if c not in used]
        entry = replace(entry, unused=tuple(left))
    return entry


def _features(view: View, named: list[str], lines: list[Line]) -> object:
    if named:
        found = [_IMAGE.fullmatch(name) for name in named]
        regions = sorted({match[1] for match in found if match is not None and match[1]})
        return {"names": "pyradiomics", "regions": regions} if regions else "pyradiomics"
    used = {line.rule for line in lines if isinstance(line.rule, str)}
    used |= {view.column(c) for c in ("subject", "lesion", "reader_role") if view.has(c)}
    columns = [
        name
        for name, profile in view.profiles.items()
        if name not in used
        and profile.numeric > 0.9
        and profile.distinct > 3
        and not is_no_feature(name)
        and not re.search(r"(?i)(^|_)(id|no|nr|c[xyz]|x|y|z|spacing|thickness|slices?)(_|$)", name)
    ]
    return {"columns": columns}


def _derived(view: View, lines: list[Line], *, with_dm: bool) -> list[Derived]:
    by_variable = {line.variable: line for line in lines}
    lesion = by_variable.get("rflnkid")
    derived = []
    if lesion is not None:
        tumor = [
            *view.subject,
            Line("tulnkid", lesion.rule),
            Line("tutestcd", {"value": "TUMIDENT"}),
            Line("tutest", {"value": "Tumor Identification"}),
            Line("tuorres", {"value": "NON-TARGET"}, "segmented, and never measured"),
            *view.lines({"tuloc": "site"}),
        ]
        for variable in ("rfdy", "rfdtc"):
            if variable in by_variable:
                tumor.append(Line(variable.replace("rf", "tu"), by_variable[variable].rule))
        keys = ("usubjid", "tulnkid") if view.has("subject") else ("tulnkid",)
        derived.append(Derived("tu", tuple(tumor), keys))
    if with_dm and view.has("subject"):
        derived.append(Derived("dm", tuple(view.subject), ("usubjid",)))
    return derived
