"""Checks of tables: suites from files, Great Expectations to run them, results to show.

``suites`` reads ``expectations/*/*.yml``, ``kinds`` says which checks exist and turns the ones of
SQL into queries, ``runner`` runs them with Great Expectations, ``results`` keeps and judges what
came out, ``summary`` and ``page`` show it. ``warehouse.checks`` is the door to all of it.
"""

from __future__ import annotations

import os

# Great Expectations must find these when it is first imported: it then asks no server anything.
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")
