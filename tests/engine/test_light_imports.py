"""Answering 'nothing to do' must not wait for libraries that only a run needs."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("pandas", "scipy.stats", "sklearn", "lifelines", "great_expectations", "prefect",
         "pyreadstat", "openpyxl", "matplotlib")  # fmt: skip


def test_planning_imports_no_heavy_library() -> None:
    code = (
        "import sys; import warehouse.run; from warehouse.registry import installed_steps; "
        "assert installed_steps(); "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
