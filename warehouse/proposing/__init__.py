"""Proposes a study.yml for files that nobody has described yet (``lesions map``)."""
