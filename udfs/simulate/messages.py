"""What the papers found, as effects of stated size that the simulation plants.

Zhou et al., Cancer Res 2021 (Z21) and Nat Commun 2023 (Z23). A message whose size is 0 is not
there, and the analyses must not find it. Sizes are chosen so that the published contrast comes out
at the published number of patients; they are no estimates.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from udfs.simulate.sampling import FloatArray, IntArray

BoolArray = NDArray[np.bool_]

REFRACTORY_STREAM = 90
"""The stream of refractory patients: a child of the seed by this number."""
LOW_HIGH_ORGANS = ("bone", "brain_cns")
"""Z23, Fig. 3c: few responses and many progressions."""
UNSLOWED_ORGANS = ("skin", "brain_cns", "spleen", "kidney")
"""Z23, Fig. 3f: organs in which antibodies did not slow progression."""
FIRST_ORGANS = {
    "liver": float(np.log(1.75)),
    "lung": float(np.log(0.62)),
    "bone": float(np.log(1.5)),
    "brain_cns": float(np.log(1.9)),
}
"""Log hazard of death after progression by the organ that progressed first, others 0 (Z23, 4b)."""
FULL_DEPTH, NO_DEPTH = -2.9, -1.8
"""An antibody deepens a response in full where logit F is below the first (F = 0.05), not at all
above the second (F = 0.14), in part between: it makes no responses of its own."""
BALANCE = 0.35
"""Part of its effect that works the other way above: else slower growth, and lesions just above the
second bound, would make responses."""
REFRACTORY_SHIFT = {"logit_f": 3.2, "log_kg": 2.3, "log_kd": 0.0}
"""What sets refractory patients apart, on the scale of each parameter."""


@dataclass(frozen=True)
class Messages:
    """Sizes; all 0 by default. ``presets.MESSAGES`` are those that are planted when asked for."""

    refractory: float = 0.0
    """Part of the patients most of whose lesions grow under treatment: progression as best response
    is of target lesions then (Z23, Fig. S3)."""
    antibody_deepens: float = 0.0
    """1: antibodies deepen responses and make none (Z23, Fig. 3e); 0: they shift F of all lesions,
    and with it the number of responses. Parts are allowed."""
    unslowed_organs: float = 0.0
    """1: antibodies leave kg as it is in ``UNSLOWED_ORGANS`` (Z23, Fig. 3f)."""
    antibody_alike: float = 0.0
    """By how much of itself the spread between a patient's lesions is smaller under an antibody
    (Z21, Fig. 2H)."""
    kras_panitumumab: float = 0.0
    """Panitumumab's effects are 1 + 0.3 times this large where KRAS is wild type, 1 - 0.7 times
    this where it is mutant (Z21, Fig. 5)."""
    kras_death: float = 0.0
    """Log hazard of death, mutant KRAS against all others (Z21, Results)."""
    low_high_death: float = 0.0
    """Log hazard of death with a lesion in bone or brain at baseline (Z23, Fig. S5a)."""
    liver_death: float = 0.0
    """Log hazard of death after progression where the liver's target lesions had not shrunk by
    30 % (Z21, Fig. 6)."""
    heterogeneity_death: float = 0.0
    """Log hazard of death after progression per 0.1 Gower distance (Z21, Fig. 2C and D)."""
    first_organ_death: float = 0.0
    """Times ``FIRST_ORGANS`` (Z23, Fig. 4b)."""
    further_organ_death: float = 0.0
    """Log hazard of death after progression per further organ that progressed with the first
    (Z23, Fig. 4b)."""
    liver_first_spread: float = 0.0
    """Log odds that a later new lesion of a patient, seen after the first progression, is one of a
    patient whose liver progressed first (Z23, Fig. 4c)."""


NAMES = tuple(field.name for field in fields(Messages))


def messages_without(messages: Messages, names: tuple[str, ...]) -> Messages:
    """The messages with some set to zero.

    Raises:
        ValueError: there is no such message.
    """
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        raise ValueError(f"no message is called {unknown[0]!r}: they are {', '.join(NAMES)}")
    return replace(messages, **dict.fromkeys(names, 0.0))


REFRACTORY_LESIONS = 0.75
"""Part of their lesions that are: the others respond as anybody's, so that these patients' lesions
are unlike each other."""


def draw_refractory(messages: Messages, n: int, seed: int) -> BoolArray:
    """(n,) patients most of whose lesions grow under treatment."""
    rng = np.random.default_rng([seed, REFRACTORY_STREAM])
    return np.asarray(rng.random(n) < messages.refractory)


def draw_refractory_lesions(is_refractory: BoolArray, patient: IntArray, seed: int) -> BoolArray:
    """(lesions,) lesions that grow under treatment, of the refractory patients."""
    rng = np.random.default_rng([seed, REFRACTORY_STREAM, 1])
    return np.asarray(is_refractory[patient] & (rng.random(len(patient)) < REFRACTORY_LESIONS))


def deepened(logit_f: FloatArray, effect: FloatArray, deepens: float) -> FloatArray:
    """logit F under an antibody that shifts it by ``effect``: of all lesions with ``deepens`` 0;
    with 1 of those that respond in any case, and of the others by ``BALANCE`` of it the other way.
    With an effect below 0 lesions with one effect keep their order.
    """
    part = np.clip((NO_DEPTH - logit_f) / (NO_DEPTH - FULL_DEPTH), 0.0, 1.0)
    return logit_f + effect * (deepens * (part - BALANCE * (1 - part)) + 1 - deepens)
