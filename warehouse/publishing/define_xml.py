"""define.xml 2.1 of one study's analysis datasets: variables, codelists, derivations, places.

Derivations are the column comments of the layer ``adam`` and the columns that the lineage finds
behind them. Source: CDISC, Define-XML Version 2.1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

from warehouse.publishing.adam_datasets import Dataset, StudyDataset, Variable

ODM = "http://www.cdisc.org/ns/odm/v1.3"
DEF = "http://www.cdisc.org/ns/def/v2.1"
XLINK = "http://www.w3.org/1999/xlink"
_XML = "http://www.w3.org/XML/1998/namespace"
STANDARD = "STD.ADAMIG"

CLASSES = {"ADSL": "SUBJECT LEVEL ANALYSIS DATASET", "ADLES": "ADAM OTHER"}
"""Class of each dataset; of all others BASIC DATA STRUCTURE."""
CODED = frozenset(
    (
        "SEX",
        "RACE",
        "ETHNIC",
        "AGEU",
        "AGEGR1",
        "TRTCLASS",
        "DTHFL",
        "DTHDTF",
        "DTHDOM",
        "PARAMCD",
        "PARAMTYP",
        "PARCAT1",
        "PARCAT2",
        "AVISIT",
        "CRIT1",
        "CRIT2",
        "ADTF",
        "LESORG",
        "LESTYPE",
        "CNSR",
        "CNSDTDSC",
        "RULEID",
        "SRCDOM",
        "SRCVAR",
        "GRMODEL",
        "RSPCNSR",
        "PRGCNSR",
        "PHENOTYP",
        "KRASSTAT",
    )
)
"""Variables with a codelist, beside all flags: the values that the study has, with their words."""
_WORDS = {
    "Y": "Yes",
    "N": "No",
    "M": "Male",
    "F": "Female",
    "D": "Day imputed",
}
_CNSR_WORDS = {"0": "Event", "1": "Censored"}
_MAX_CODELIST = 1000
"""A variable with more values has no codelist: it is no code."""


def write_define_xml(
    contents: Sequence[StudyDataset],
    target: Path,
    *,
    study: Mapping[str, str],
    suffix: str,
    decodes: Mapping[str, Mapping[str, str]],
) -> None:
    """Writes the description of a study's datasets.

    Args:
        contents: the datasets, in order.
        target: the file.
        study: ``oid``, ``name``, ``title``, ``created`` (ISO 8601), ``version`` of the warehouse.
        suffix: of the dataset files, such as ``xpt``.
        decodes: words for coded values, by variable.
    """
    for prefix, uri in (("", ODM), ("def", DEF), ("xlink", XLINK)):
        ElementTree.register_namespace(prefix, uri)
    root = _add(
        None,
        "ODM",
        FileType="Snapshot",
        FileOID=f"{study['oid']}.define",
        ODMVersion="1.3.2",
        CreationDateTime=study["created"],
        SourceSystem="lesion-warehouse",
        SourceSystemVersion=study["version"],
        **{_d("Context"): "Submission"},
    )
    about = _add(root, "Study", OID=study["oid"])
    names = _add(about, "GlobalVariables")
    _add(names, "StudyName").text = study["name"]
    _add(names, "StudyDescription").text = study["title"]
    _add(names, "ProtocolName").text = study["name"]
    version = _add(
        about,
        "MetaDataVersion",
        OID=metadata_oid(study["oid"]),
        Name=f"{study['name']}, analysis datasets",
        Description="Analysis datasets of lesion-warehouse",
        **{_d("DefineVersion"): "2.1.0"},
    )
    standards = _add(version, _d("Standards"))
    _add(
        standards,
        _d("Standard"),
        OID=STANDARD,
        Name="ADaMIG",
        Type="IG",
        Version="1.3",
        Status="Final",
    )
    for content in contents:
        _value_list(version, content)
    for content in contents:
        _where_clauses(version, content)
    for content in contents:
        _item_group(version, content, suffix)
    for content in contents:
        for variable in content.dataset.variables:
            _item(version, content, variable)
        _value_items(version, content)
    for content in contents:
        for variable in content.dataset.variables:
            _codelist(version, content, variable, decodes)
    for content in contents:
        for variable in content.dataset.variables:
            _method(version, content.dataset, variable)
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    target.write_text(f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n', encoding="utf-8")


def metadata_oid(study_oid: str) -> str:
    """Identifier of the description of a study's datasets."""
    return f"MDV.{study_oid}.ADaM"


def _d(name: str) -> str:
    return f"{{{DEF}}}{name}"


def _add(parent: ElementTree.Element | None, tag: str, **attributes: str) -> ElementTree.Element:
    name = tag if tag.startswith("{") else f"{{{ODM}}}{tag}"
    if parent is None:
        return ElementTree.Element(name, attributes)
    return ElementTree.SubElement(parent, name, attributes)


def _describe(parent: ElementTree.Element, text: str, tag: str = "Description") -> None:
    words = _add(_add(parent, tag), "TranslatedText", **{f"{{{_XML}}}lang": "en"})
    words.text = _legal(text)


def _legal(text: str) -> str:
    """Text without characters that XML 1.0 does not hold."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)


def _parameters(content: StudyDataset) -> list[tuple[str, str]]:
    """Codes and words of a dataset's parameters, in their order; none where it has no AVAL."""
    frame = content.frame
    if not {"PARAMCD", "AVAL"} <= set(frame.columns):
        return []
    pairs = frame[["PARAMCD", "PARAM"]].drop_duplicates("PARAMCD")
    return list(zip(pairs["PARAMCD"], pairs["PARAM"], strict=True))


def _value_list(version: ElementTree.Element, content: StudyDataset) -> None:
    name = content.dataset.name
    found = _parameters(content)
    if not found:
        return
    holder = _add(version, _d("ValueListDef"), OID=f"VL.{name}.AVAL")
    for at, (code, _) in enumerate(found, start=1):
        item = _add(
            holder,
            "ItemRef",
            ItemOID=f"IT.{name}.AVAL.{code}",
            OrderNumber=str(at),
            Mandatory="No",
        )
        _add(item, _d("WhereClauseRef"), WhereClauseOID=f"WC.{name}.{code}")


def _where_clauses(version: ElementTree.Element, content: StudyDataset) -> None:
    name = content.dataset.name
    for code, _ in _parameters(content):
        clause = _add(version, _d("WhereClauseDef"), OID=f"WC.{name}.{code}")
        check = _add(
            clause,
            "RangeCheck",
            Comparator="EQ",
            SoftHard="Soft",
            **{_d("ItemOID"): f"IT.{name}.PARAMCD"},
        )
        _add(check, "CheckValue").text = code


def _item_group(version: ElementTree.Element, content: StudyDataset, suffix: str) -> None:
    dataset = content.dataset
    file = f"{dataset.name.lower()}.{suffix}"
    leaf = f"LF.{dataset.name}"
    group = _add(
        version,
        "ItemGroupDef",
        OID=f"IG.{dataset.name}",
        Name=dataset.name,
        Repeating="No" if dataset.name == "ADSL" else "Yes",
        IsReferenceData="No",
        SASDatasetName=dataset.name,
        Purpose="Analysis",
        **{
            _d("Structure"): dataset.structure,
            _d("StandardOID"): STANDARD,
            _d("ArchiveLocationID"): leaf,
        },
    )
    _describe(group, dataset.label)
    for at, variable in enumerate(dataset.variables, start=1):
        is_key = variable.name in dataset.keys
        attributes = {
            "ItemOID": _item_oid(dataset, variable),
            "OrderNumber": str(at),
            "Mandatory": "Yes" if is_key else "No",
        }
        if is_key:
            attributes["KeySequence"] = str(dataset.keys.index(variable.name) + 1)
        if _origin(variable) == "Derived":
            attributes["MethodOID"] = _method_oid(dataset, variable)
        _add(group, "ItemRef", **attributes)
    kind = _add(group, _d("Class"), Name=CLASSES.get(dataset.name, "BASIC DATA STRUCTURE"))
    if dataset.name == "ADTTE":
        _add(kind, _d("SubClass"), Name="TIME-TO-EVENT")
    place = _add(group, _d("leaf"), ID=leaf, **{f"{{{XLINK}}}href": file})
    _add(place, _d("title")).text = file


def _item_oid(dataset: Dataset, variable: Variable) -> str:
    return f"IT.{dataset.name}.{variable.name}"


def _method_oid(dataset: Dataset, variable: Variable) -> str:
    return f"MT.{dataset.name}.{variable.name}"


def _origin(variable: Variable) -> str:
    """Predecessor where a variable is another one as it is; else derived."""
    return "Predecessor" if re.fullmatch(r"AD[A-Z]+\.\w+", variable.derivation) else "Derived"


def _types(content: StudyDataset, variable: Variable) -> dict[str, str]:
    if variable.kind == "text":
        return {"DataType": "text", "Length": str(content.lengths[variable.name])}
    if variable.kind == "date":
        return {"DataType": "integer", "Length": "8", _d("DisplayFormat"): "DATE9."}
    if variable.kind == "integer":
        return {"DataType": "integer", "Length": "8"}
    return {"DataType": "float", "Length": "8"}


def _item(version: ElementTree.Element, content: StudyDataset, variable: Variable) -> None:
    dataset = content.dataset
    item = _add(
        version,
        "ItemDef",
        OID=_item_oid(dataset, variable),
        Name=variable.name,
        SASFieldName=variable.name,
        **_types(content, variable),
    )
    _describe(item, variable.label)
    if _codes(content, variable):
        _add(item, "CodeListRef", CodeListOID=_codelist_oid(dataset, variable))
    origin = _origin(variable)
    if origin == "Predecessor":
        _describe(_add(item, _d("Origin"), Type=origin), variable.derivation)
    else:
        _add(item, _d("Origin"), Type=origin, Source="Sponsor")
    if variable.name == "AVAL" and _parameters(content):
        _add(item, _d("ValueListRef"), ValueListOID=f"VL.{dataset.name}.AVAL")


def _value_items(version: ElementTree.Element, content: StudyDataset) -> None:
    for code, words in _parameters(content):
        item = _add(
            version,
            "ItemDef",
            OID=f"IT.{content.dataset.name}.AVAL.{code}",
            Name="AVAL",
            SASFieldName="AVAL",
            DataType="float",
            Length="8",
        )
        _describe(item, words)
        _add(item, _d("Origin"), Type="Derived", Source="Sponsor")


def _codelist_oid(dataset: Dataset, variable: Variable) -> str:
    return f"CL.{dataset.name}.{variable.name}"


def _codes(content: StudyDataset, variable: Variable) -> list[str]:
    """The values of a coded variable; none where it is no code or has too many."""
    is_flag = variable.name.endswith("FL") and variable.kind == "text"
    if not is_flag and variable.name not in CODED:
        return []
    values = content.frame[variable.name].dropna().unique()
    if len(values) > _MAX_CODELIST:
        return []
    texts = [f"{v:g}" if variable.kind == "float" else str(v) for v in values]
    return sorted(text for text in texts if text)


def _codelist(
    version: ElementTree.Element,
    content: StudyDataset,
    variable: Variable,
    decodes: Mapping[str, Mapping[str, str]],
) -> None:
    codes = _codes(content, variable)
    if not codes:
        return
    words: Mapping[str, str] = decodes.get(variable.name, {})
    if variable.name == "PARAMCD":
        words = dict(_parameters(content))
    elif variable.name.endswith("CNSR"):
        words = _CNSR_WORDS
    holder = _add(
        version,
        "CodeList",
        OID=_codelist_oid(content.dataset, variable),
        Name=f"{variable.label} ({content.dataset.name})",
        DataType="text" if variable.kind == "text" else variable.kind,
        **{_d("IsNonStandard"): "Yes"},
    )
    for code in codes:
        item = _add(holder, "CodeListItem", CodedValue=_legal(code))
        _describe(item, words.get(code) or _WORDS.get(code) or code, tag="Decode")


def _method(version: ElementTree.Element, dataset: Dataset, variable: Variable) -> None:
    if _origin(variable) != "Derived":
        return
    method = _add(
        version,
        "MethodDef",
        OID=_method_oid(dataset, variable),
        Name=f"{dataset.name}.{variable.name}",
        Type="Computation",
    )
    words = f"{variable.derivation or variable.label}."
    words = words[0].upper() + words[1:]
    if variable.sources:
        words += f" Computed from {', '.join(variable.sources)}."
    _describe(method, words)
