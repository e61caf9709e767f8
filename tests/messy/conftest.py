"""Messy and clean simulated projects, built once, and what was planted in the messy one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from messy.trials import Planted, read_truth
from projects import copy_of_clean, copy_of_messy
from sqlkit import SqlKit

from warehouse.project import Project


@pytest.fixture(scope="session")
def messy(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return copy_of_messy(tmp_path_factory)


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return copy_of_clean(tmp_path_factory)


@pytest.fixture(scope="session")
def truth(messy: Project) -> dict[str, Planted]:
    return read_truth(messy.root)


@pytest.fixture
def kit() -> Iterator[SqlKit]:
    """Study s1 (SDTM days) with subject 1, first dose on 2020-01-01."""
    with SqlKit() as kit:
        kit.study("s1")
        kit.subject("1")
        yield kit
