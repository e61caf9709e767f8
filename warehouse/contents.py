"""Where the SQL models, seeds and expectation suites are: in the wheel, or beside the package."""

from __future__ import annotations

from pathlib import Path

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
