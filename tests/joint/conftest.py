"""Reference answers of joint models."""

from __future__ import annotations

from pathlib import Path

import pytest
from joint.cases import Trial


@pytest.fixture(scope="session")
def joint_reference(shared: Path) -> Path:
    """Folder of the reference answers; skips without it."""
    folder = shared / "reference" / "joint"
    if not folder.is_dir():
        pytest.skip("no reference answers of joint models beside this checkout")
    return folder


@pytest.fixture(scope="session")
def trial(joint_reference: Path) -> Trial:
    """The simulated trial with known truth."""
    return Trial.load(joint_reference)
