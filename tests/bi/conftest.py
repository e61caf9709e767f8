"""Fixtures of the tests of BI."""

from __future__ import annotations

from postgres_server import database, postgres

__all__ = ["database", "postgres"]
