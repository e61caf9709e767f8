"""A model written down as plain JSON: no pickle, so that reading one can run no code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from udfs.progression.prediction.boosting import PlainBoosting
from udfs.progression.prediction.design import Design, Features, FloatArray

FORMAT = "lesion-warehouse progression model 1"


@dataclass(frozen=True)
class SavedModel:
    """What is needed to predict, and where the model comes from."""

    classes: tuple[str, ...]
    design: Design
    boosting: PlainBoosting
    metadata: Mapping[str, Any]
    """How it was trained: patients, parameters, settings, versions, figures."""

    def probability(self, features: Features) -> FloatArray:
        """(n, k) probabilities."""
        return self.boosting.probability(self.design.matrix(features))

    def to_text(self) -> str:
        """JSON with the SHA-256 of its content."""
        content = {
            "format": FORMAT,
            "classes": list(self.classes),
            "kind": dict(self.design.kind),
            "numbers": list(self.design.numbers),
            "levels": {name: list(words) for name, words in self.design.levels.items()},
            "boosting": self.boosting.to_dict(),
            "metadata": dict(self.metadata),
        }
        return json.dumps({"sha256": _digest(content), **content}, allow_nan=False)

    @classmethod
    def from_text(cls, text: str) -> SavedModel:
        """Reads what ``to_text`` wrote.

        Raises:
            ValueError: no such model, or changed since it was written.
        """
        try:
            content = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"it is no JSON ({error})") from error
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise ValueError(f"it is not of the format '{FORMAT}'")
        stated = content.pop("sha256", None)
        if stated != _digest(content):
            raise ValueError("its content was changed after it was written")
        levels = {name: tuple(words) for name, words in content["levels"].items()}
        design = Design(content["kind"], levels, tuple(content["numbers"]))
        boosting = PlainBoosting.from_dict(content["boosting"])
        return cls(tuple(content["classes"]), design, boosting, content["metadata"])


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
