"""Reference answers: in tests/data with the script that made each, and more beside the checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

DATA = Path(__file__).with_name("data")
HERE_AND_SHARED = ("tests/data", "../shared")
"""Parameters of a fixture whose tests run on the answers of both places."""


def folder_of(request: pytest.FixtureRequest, here: str, shared: str) -> Path:
    """The folder that the fixture's parameter names; skips where that is ../shared, not there."""
    if request.param == HERE_AND_SHARED[0]:
        return DATA / here
    return Path(request.getfixturevalue("shared")) / shared


def folder_with(request: pytest.FixtureRequest, file: str, here: str, shared: str) -> Path:
    """The folder here if it has the file, else the one of ../shared; skips without it."""
    if (DATA / here / file).exists():
        return DATA / here
    return Path(request.getfixturevalue("shared")) / shared
