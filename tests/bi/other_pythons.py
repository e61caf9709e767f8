"""Python environments with other libraries than ours, made once by pip below ``.venvs``.

``LESIONS_VENVS`` names another folder for them. Making them needs a package index; a test that
finds neither skips and says so.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

ENVIRONMENTS = {
    "duckdb-1.5": ("duckdb==1.5.6", "sqlalchemy==2.0.54", "duckdb-engine==0.17.0", "pandas<3"),
    "sqlalchemy": ("duckdb==2.0.0", "sqlalchemy==2.0.54", "duckdb-sqlalchemy==1.5.6.4",
                   "pandas<3"),
    # rich, cachetools and an older flask-caching: what Superset 6.1 needs and does not declare.
    "superset": ("apache-superset==6.1.0", "duckdb==2.0.0", "duckdb-engine==0.17.0",
                 "flask-caching<2.4", "rich", "cachetools", "psycopg2-binary", "sqlalchemy<2"),
    # Only its copy of axe-core's script is used.
    "axe": ("--no-deps", "axe-playwright-python==0.1.8"),
    "moto": ("moto[server,s3]>=5,<6",),
    "dbt-artifacts": ("dbt-artifacts-parser==0.15.0",),
}  # fmt: skip


def python_of(name: str) -> Path:
    """Python of an environment, made now where it is not there.

    Skips the test where it cannot be made.
    """
    folder = Path(os.environ.get("LESIONS_VENVS", ROOT / ".venvs")) / name
    python = folder / "bin" / "python"
    done = folder / "complete"
    if not done.is_file():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        made = subprocess.run(
            [str(python), "-m", "pip", "install", "--quiet", *ENVIRONMENTS[name]],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if made.returncode != 0:
            last = made.stderr.strip().splitlines()[-1:]
            pytest.skip(f"the environment {name} cannot be made here: {last}")
        done.touch()
    return python
