"""What joint models refuse."""

from __future__ import annotations


class JointDataError(ValueError):
    """The data cannot be fitted as they are; the message says why and what to do."""
