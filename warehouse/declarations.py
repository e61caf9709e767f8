"""Tables that no query makes, declared as SQL: ``sql/<schema>/<table>.sql``.

Such a file is the statement that would create the table, with a comment behind each column, below
the same header that models have and a line that says what fills it::

    /* One population fit of the growth of target lesions.
       Filled by: step growth
       Grain: one row per fit_id
       Key: fit_id
    */
    CREATE TABLE analysis.growth_fit (
        fit_id VARCHAR, -- subset and model
        n_lesions BIGINT -- lesions fitted
    )
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from warehouse.contents import content_folder, table_file, table_of
from warehouse.errors import LesionsError
from warehouse.registry import TableDoc

LABELS = ("Filled by", "Grain", "Key", "Tags")
_HEADER = re.compile(r"\s*/\*(.*?)\*/", re.DOTALL)
_LABEL = re.compile(rf"\s*({'|'.join(LABELS)}):\s*(.+)")
_COLUMN = re.compile(r"(\w+|\"[^\"]+\") ([A-Z][A-Z0-9 ]*(?:\[\])?),? -- (.+)")
_FILLED = re.compile(r"^\s*Filled by:", re.MULTILINE)


@cache
def declared(name: str) -> TableDoc:
    """The shipped declaration of a table.

    Args:
        name: schema.table.

    Raises:
        LesionsError: there is none, or it cannot be read.
    """
    path = table_file(content_folder("sql"), name)
    if path is None:
        missing = f"sql/{name.replace('.', '/')}.sql"
        raise LesionsError(f"{name} is declared nowhere: {missing} is missing.")
    return read_declaration(path)


def is_declaration(text: str) -> bool:
    """The text of a file declares a table, where others hold a query."""
    header = _HEADER.match(text)
    return header is not None and _FILLED.search(header[1]) is not None


def read_declaration(path: Path) -> TableDoc:
    """A table from its file; its name is ``<schema>.<file name>``.

    Raises:
        LesionsError: a part of the header is missing, or a line is no column with a comment.
    """
    name = table_of(path)
    text = path.read_text(encoding="utf-8")
    description, labelled = read_header(name, text, LABELS[:3])
    body = text[text.index("*/") + 2 :].strip().splitlines()
    if (body[0], body[-1].rstrip(";")) != (f"CREATE TABLE {name} (", ")"):
        raise LesionsError(
            f"{path.name}: what is filled by {labelled['Filled by']} is declared as "
            f"'CREATE TABLE {name} (', a column a line, and ')'."
        )
    comments: dict[str, str] = {}
    types: dict[str, str] = {}
    for line in map(str.strip, body[1:-1]):
        column = _COLUMN.fullmatch(line)
        if column is not None:
            last = column[1].strip('"')
            types[last], comments[last] = column[2], column[3]
        elif comments and line.startswith("-- "):
            comments[last] += line.removeprefix("--")
        else:
            raise LesionsError(
                f"{path.name}: {line!r} is no column. Write: name TYPE, -- what it is"
            )
    return TableDoc(
        name=name,
        description=description,
        grain=labelled["Grain"],
        key=words(labelled["Key"]),
        columns=comments,
        tags=words(labelled.get("Tags", "")),
        types=types,
    )


def read_header(name: str, text: str, needed: tuple[str, ...]) -> tuple[str, dict[str, str]]:
    """The prose and the labelled lines of the comment that a file begins with.

    Prose comes first; what follows a label, up to the next one, belongs to it.

    Args:
        name: the table, for errors.
        text: the file's text.
        needed: labels that must be there.

    Raises:
        LesionsError: no such comment, or a label is missing.
    """
    header = _HEADER.match(text)
    if header is None:
        raise LesionsError(f"{name}: its file begins with no /* header comment */.")
    labelled: dict[str, str] = {}
    prose: list[str] = []
    last = None
    for line in header[1].strip().splitlines():
        label = _LABEL.match(line)
        if label:
            last = label[1]
            labelled[last] = label[2].strip()
        elif last is not None:
            labelled[last] = f"{labelled[last]} {line.strip()}".strip()
        else:
            prose.append(line.strip())
    for one in needed:
        if one not in labelled:
            raise LesionsError(f"{name}: the header of its file has no line '{one}: ...'.")
    return "\n".join(prose).strip(), labelled


def words(text: str) -> tuple[str, ...]:
    """Words between commas."""
    return tuple(word.strip() for word in text.split(",") if word.strip())
