"""Calls the ``lesions`` command within the process of the tests."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from warehouse.cli import main


@dataclass(frozen=True)
class Called:
    """Outcome of one call of the command."""

    status: int
    out: str
    err: str


@pytest.fixture
def call(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Called]:
    """Runs ``lesions`` with arguments in this process; what ``main`` does not catch is raised."""

    def run(*arguments: object) -> Called:
        monkeypatch.setattr(sys, "argv", ["lesions", *map(str, arguments)])
        capfd.readouterr()
        try:
            main()
            status = 0
        except SystemExit as end:
            status = int(end.code or 0)
        captured = capfd.readouterr()
        return Called(status, captured.out, captured.err)

    return run
