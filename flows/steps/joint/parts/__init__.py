"""Parts of the step ``joint``."""
