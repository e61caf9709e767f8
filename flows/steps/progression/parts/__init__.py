"""Parts of the steps of ``progression`` and of ``lesions predict``; none of them is a step."""

NO_PROGRESSION = "No progression"
"""Name of level 0."""
