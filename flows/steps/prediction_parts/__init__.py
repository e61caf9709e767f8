"""Parts of the step ``progression_prediction`` and of ``lesions predict``."""
