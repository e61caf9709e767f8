"""Where the SQL models, seeds and expectation suites are: in the wheel, or beside the package.

The file of a table is ``<schema>/<table>`` or, by the analysis it belongs to,
``<schema>/<word>/<table>``, such as ``analysis/growth/growth_fit.sql``.
"""

from __future__ import annotations

from pathlib import Path

SCHEMAS = ("raw", "staging", "core", "analysis", "mart", "adam", "quality", "meta")
_PACKAGE = Path(__file__).resolve().parent


def content_folder(name: str) -> Path:
    """Folder ``sql`` or ``expectations``.

    An installed wheel carries them inside the package; a checkout has them beside it.

    Raises:
        FileNotFoundError: neither place has it (a broken installation).
    """
    for folder in (_PACKAGE / "content" / name, _PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"the folder {name!r} is missing from this installation of warehouse")


def table_of(path: Path) -> str:
    """The table that a file is of, ``schema.table``: the schema is the nearest folder named so."""
    schema = next((p.name for p in path.parents if p.name in SCHEMAS), path.parent.name)
    return f"{schema}.{path.stem}"


def shown_path(root: str, path: Path) -> str:
    """A table's file as people look for it: ``sql/analysis/growth/growth_fit.sql``."""
    schema = table_of(path).split(".")[0]
    parts = path.parts[len(path.parts) - 1 - path.parts[::-1].index(schema) :]
    return "/".join((root, *parts))


def table_file(folder: Path, table: str, suffix: str = ".sql") -> Path | None:
    """The file of a table in a folder ``sql`` or ``expectations``; None where it has none.

    Args:
        folder: holds a folder per schema.
        table: schema.table.
        suffix: of the file.
    """
    schema, name = table.split(".")
    return next((folder / schema).rglob(f"{name}{suffix}"), None)
