"""What the simulated cohorts are to look like: published counts, arms, organs and effects.

A preset is data. Counts are those of the full size; a smaller simulation scales them.

Sources: Zhou et al., Nat Commun 2023, 'Mapping lesion-specific response and progression dynamics',
Table 1, Figs. 1 to 4 and text (colorectal; head and neck: text and the growth model that its code
publishes); Zhou et al., Cancer Res 2021, Table 1 (performance status, LDH, body surface area). The
paper gives organ effects as pictures and in words only: the numbers here follow their order.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from udfs.progression.simulation import PROTOTYPES, SHARE
from udfs.simulate.messages import Messages

CHEMOTHERAPY = "chemotherapy"
ANTIBODY = "antibody plus chemotherapy"


@dataclass(frozen=True)
class Arm:
    """One treatment: its label, class, drugs and effects on the growth parameters."""

    label: str
    armcd: str
    backbone: str
    has_bevacizumab: bool = False
    has_panitumumab: bool = False

    @property
    def treatment_class(self) -> str:
        """Chemotherapy alone, or with an antibody."""
        return ANTIBODY if self.has_bevacizumab or self.has_panitumumab else CHEMOTHERAPY


@dataclass(frozen=True)
class Schedule:
    """Planned scans: every ``first_days`` for ``n_first`` scans, then every ``later_days``."""

    first_days: int
    n_first: int
    later_days: int


@dataclass(frozen=True)
class Trial:
    """One trial: arms with their numbers of patients, and what its files record."""

    study_id: str
    title: str
    arms: tuple[tuple[str, int], ...]
    line_of_therapy: int
    schedule: Schedule
    first_year: int
    n_unknown_radiation: int = 0
    has_kras: bool = False
    has_resection_sites: bool = True
    has_two_readers: bool = False
    has_short_axis: bool = True
    has_ctdna: bool = False
    has_second_criterion: bool = False
    """RS has responses by RECIST 1.0 too: as by RECIST 1.1, but 20 % alone is progression."""

    @property
    def n_patients(self) -> int:
        """Patients of the trial at full size."""
        return sum(count for _, count in self.arms)


@dataclass(frozen=True)
class Organ:
    """One organ: how often it bears lesions, how large they are, how they grow and shrink.

    ``log_kg``, ``log_kd`` and ``logit_f`` are shifts of the parameters (natural logarithm and
    logit); the simulator centres them over the target lesions.
    """

    organ: str
    weight: float
    multiplicity: float
    measurable: float
    diameter_mm: float
    logit_f: float
    log_kg: float
    log_kd: float
    new_weight: float
    is_nodal: bool = False


@dataclass(frozen=True)
class Population:
    """Typical growth parameters of a lesion and how they vary (totals of all levels)."""

    kg_per_day: float
    kd_per_day: float
    f: float
    omega_kg: float
    omega_kd: float
    omega_f: float
    b: float
    share_patient: float = 0.42
    share_patient_organ: float = 0.13
    """Parts of the variance left by the fixed effects; the rest is the lesion's own."""


@dataclass(frozen=True)
class FollowUp:
    """Hazards (per day) and probabilities that make scans, drop-out and death."""

    missed_visit: float
    withdrawal: float
    early_stop: float
    continue_after_progression: float
    new_lesion: float
    new_lesion_spread: float
    """Standard deviation of a patient's log hazard of new lesions."""
    death_before: float
    death_after: float
    censor_first_day: float
    censor_last_day: float
    nontarget_ratio: float
    gone_mm: float
    cleared: float
    """Share of patients, the deepest responders, in whom readers call what is left of a lesion a
    scar, once it is below the limit of quantification."""


@dataclass(frozen=True)
class Mix:
    """Baseline covariates: counts at full size, or means and standard deviations."""

    age: tuple[float, float]
    male: int
    race: dict[str, int]
    bmi: tuple[float, float]
    primary_site: dict[str, int]
    n_surgery: int
    n_primary_resected: int
    resected: dict[str, int]
    n_radiation: int
    kras: dict[str, int]
    adjuvant_share: float
    ecog: dict[str, float]
    ldh_high_share: float
    organ_number: dict[int, float]


@dataclass(frozen=True)
class SequenceGroups:
    """Groups of patients whose organs progress in an order of their own."""

    separation: float
    """0 (organs at random) to 1 (every patient as the group's prototype); 0.98 is clear."""
    names: tuple[str, ...] = ("one organ", "liver first", "lung first", "peritoneum first", "many")
    prototypes: tuple[tuple[str, ...], ...] = PROTOTYPES
    shares: tuple[float, ...] = SHARE


@dataclass(frozen=True)
class Habits:
    """How trials depart from one clean scan per visit; rates are chosen to be plausible.

    Missed visits are ``FollowUp.missed_visit``; two readers are the trial's.
    """

    spread_visits: float = 0.8
    """Part of the visits whose scans lie on several days."""
    spread_days: int = 6
    """Days from the first to the last scan of such a visit, at most: a window of +-3 days."""
    liver_by_mri: float = 0.4
    """Part of the patients whose liver is scanned by MRI, apart from the CT of the rest."""
    unscheduled: float = 0.06
    """Part of the patients with a scan between two visits, of non-target lesions only."""
    equivocal_confirmed: float = 0.3
    """Part of the new lesions with a later scan that are equivocal when first seen."""
    equivocal_gone: float = 0.015
    """Part of the patients in whom an equivocal new lesion is gone at the next scan."""
    prior_response: float = 0.25
    """Part of the patients in second line whose response to the earlier therapy is in RS."""
    local_treatment: float = 0.03
    """Part of the patients in whom a target lesion is resected or irradiated between two scans."""
    resected: float = 0.35
    """Part of those that are resections."""
    unnamed_lesion: float = 0.3
    """Part of those, where it is the only lesion of its organ, that name the organ only."""
    partial_date: float = 0.12
    """Part of the earlier procedures with a month or a year for a date."""


HABITS = Habits()


@dataclass(frozen=True)
class Markers:
    """How ctDNA follows the tumor; values are chosen to be plausible (a tenth of a percent and more
    from some cubic centimetres on), not estimated.
    """

    trials: tuple[str, ...]
    """Trials that draw samples between the scans."""
    interval_days: int = 28
    percent_per_cm3: float = 0.05
    """Variant allele fraction per volume of tumor, typical patient."""
    shedding_sd: float = 0.8
    """Standard deviation of its logarithm between patients."""
    noise_sd: float = 0.2
    """Of the logarithm of a result."""
    delay_days: float = 7.0
    """The blood shows the volume of so many days before."""
    limit_percent: float = 0.1
    most_percent: float = 90.0
    rise: float = 1.2
    rise_percent: float = 0.1
    """True progression: so many times the nadir and so many points above it."""


MARKERS = Markers(("MCRC01", "MCRC04"))


@dataclass(frozen=True)
class Preset:
    """A cohort to simulate."""

    name: str
    tumor_type: str
    trials: tuple[Trial, ...]
    arms: dict[str, Arm]
    organs: tuple[Organ, ...]
    population: Population
    follow_up: FollowUp
    mix: Mix
    n_target: int
    n_nontarget: int
    n_new: int
    n_measurements: int
    target_weights: tuple[float, ...]
    nontarget_shape: tuple[float, float]
    """Shape and dispersion of the negative binomial of non-target lesions, tilted to its mean."""
    excluded_share: float = 0.0112
    arm_effects: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    """Drug -> (logit_f, log_kg, log_kd)."""
    covariate_effects: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    messages: Messages = field(default_factory=Messages)
    """Findings of the papers that are planted, each with its size."""
    habits: Habits | None = None
    """None: every visit on one day, and none of the rest. ``HABITS`` are the usual ones."""
    markers: Markers | None = None
    """None: no samples of ctDNA between scans. ``MARKERS`` are the usual ones."""
    sequence_groups: SequenceGroups | None = None
    """Where given, lesions present at baseline shrink for good and new lesions in planted organs
    are the only progressions; numbers of new lesions and scans are then not the published ones."""

    @property
    def n_patients(self) -> int:
        """Included patients at full size."""
        return sum(trial.n_patients for trial in self.trials)


# Every six or eight weeks at first, then every twelve, as the published numbers demand: with scans
# every six weeks to the end, a median progression-free survival of 247 days would give seven sizes
# per lesion, not the published 4.9 (mean) and 4 (median). Here the median is 5: 49 % of the lesions
# have four or fewer.
_SIX_WEEKLY_FIRST = Schedule(42, 2, 84)
_EIGHT_THEN_TWELVE = Schedule(56, 1, 84)

_MCRC_ARMS = {
    "BEV+CHEMO": Arm("Bevacizumab plus chemotherapy", "BEVCHE", "chemotherapy", True),
    "BEV+FOLFOX": Arm("Bevacizumab plus FOLFOX", "BEVFOX", "FOLFOX", True),
    "FOLFIRI": Arm("FOLFIRI alone", "FOLFIRI", "FOLFIRI"),
    "FOLFOX": Arm("FOLFOX alone", "FOLFOX", "FOLFOX"),
    "PANI+BEV+CHEMO": Arm(
        "Panitumumab plus bevacizumab plus chemotherapy", "PANBEV", "chemotherapy", True, True
    ),
    "PANI+FOLFOX": Arm("Panitumumab plus FOLFOX", "PANFOX", "FOLFOX", False, True),
    "PANI+FOLFIRI": Arm("Panitumumab plus FOLFIRI", "PANIRI", "FOLFIRI", False, True),
}

_MCRC_TRIALS = (
    Trial("MCRC01", "Bevacizumab arm, first line", (("BEV+FOLFOX", 480),), 1,
          _SIX_WEEKLY_FIRST, 2006, has_short_axis=False),
    Trial("MCRC02", "FOLFIRI control arm, first line", (("FOLFIRI", 350),), 1,
          _EIGHT_THEN_TWELVE, 2005, has_resection_sites=False),
    Trial("MCRC03", "FOLFIRI control arm, second line", (("FOLFIRI", 500),), 2,
          _EIGHT_THEN_TWELVE, 2007, n_unknown_radiation=500),
    Trial("MCRC04", "FOLFOX control arm, second line, read twice", (("FOLFOX", 320),), 2,
          _SIX_WEEKLY_FIRST, 2001, n_unknown_radiation=18, has_resection_sites=False,
          has_two_readers=True),
    Trial("MCRC05", "Bevacizumab with or without panitumumab, first line",
          (("BEV+CHEMO", 376), ("PANI+BEV+CHEMO", 372)), 1, _SIX_WEEKLY_FIRST, 2005,
          has_kras=True),
    Trial("MCRC06", "FOLFOX with or without panitumumab, first line",
          (("FOLFOX", 442), ("PANI+FOLFOX", 441)), 1, _EIGHT_THEN_TWELVE, 2006),
    Trial("MCRC07", "FOLFIRI with or without panitumumab, second line",
          (("FOLFIRI", 453), ("PANI+FOLFIRI", 424)), 2, _EIGHT_THEN_TWELVE, 2006,
          has_kras=True),
    Trial("MCRC08", "Bevacizumab plus FOLFOX, first line", (("BEV+FOLFOX", 150),), 1,
          _SIX_WEEKLY_FIRST, 2009, has_ctdna=True, has_second_criterion=True),
)  # fmt: skip

# organ, weight, multiplicity, measurable, diameter_mm, logit_f, log_kg, log_kd, new_weight
_MCRC_ORGANS = (
    Organ("liver", 11.0, 4.2, 3.0, 36, -0.42, 0.24, 0.20, 9.0),
    Organ("lung", 1.70, 2.6, 1.3, 20, -0.10, -0.34, 0.05, 5.0),
    Organ("ln_regional", 0.95, 1.3, 1.5, 25, -0.12, -0.52, 0.04, 1.4, True),
    Organ("ln_distal", 0.95, 1.3, 1.5, 25, -0.10, -0.48, 0.04, 1.6, True),
    Organ("ln", 0.42, 1.2, 1.4, 24, -0.08, -0.42, 0.02, 0.5, True),
    Organ("peritoneum", 0.55, 1.2, 0.6, 30, -0.12, -0.10, 0.02, 1.2),
    Organ("abdomen", 0.60, 1.0, 1.2, 36, 0.10, -0.06, -0.05, 1.0),
    Organ("pelvis", 0.50, 0.9, 1.2, 38, 0.25, -0.02, -0.10, 0.6),
    Organ("bone", 0.26, 1.2, 0.25, 28, 1.70, 0.26, -0.34, 1.4),
    Organ("brain_cns", 0.055, 0.9, 0.8, 22, 1.20, 0.50, -0.34, 0.8),
    Organ("adrenal", 0.14, 0.4, 1.1, 26, 0.25, -0.06, -0.10, 0.35),
    Organ("spleen", 0.11, 0.5, 1.0, 28, -0.18, -0.14, 0.10, 0.20),
    Organ("kidney", 0.08, 0.5, 1.0, 28, 0.75, -0.06, -1.05, 0.12),
    Organ("pancreas", 0.06, 0.3, 1.0, 30, 0.40, 0.02, -0.20, 0.12),
    Organ("gi_tract", 0.34, 0.3, 0.7, 42, 0.80, -0.50, -0.32, 0.3),
    Organ("gr", 0.17, 0.4, 1.1, 42, 0.60, 0.76, -0.24, 0.6),
    Organ("skin", 0.06, 0.9, 0.9, 22, 0.80, -0.22, -0.28, 0.2),
    Organ("muscle", 0.06, 0.5, 1.0, 30, 0.75, -0.10, -0.30, 0.2),
    Organ("chest", 0.24, 1.0, 0.5, 26, 0.22, -0.12, -0.10, 0.5),
    Organ("other", 0.30, 0.8, 0.8, 28, 0.18, -0.04, -0.10, 0.7),
)

MCRC = Preset(
    name="mcrc",
    tumor_type="metastatic colorectal cancer",
    trials=_MCRC_TRIALS,
    arms=_MCRC_ARMS,
    organs=_MCRC_ORGANS,
    population=Population(0.0027, 0.018, 0.12, 0.90, 0.90, 1.80, 0.25, 0.52),
    follow_up=FollowUp(
        missed_visit=0.06,
        withdrawal=0.0001,
        early_stop=0.038,
        continue_after_progression=0.36,
        new_lesion=0.00042,
        new_lesion_spread=3.0,
        death_before=0.00017,
        death_after=0.0025,
        censor_first_day=300.0,
        censor_last_day=1700.0,
        nontarget_ratio=1.7,
        gone_mm=3.0,
        cleared=0.052,
    ),
    mix=Mix(
        age=(60.2, 10.8),
        male=2538,
        race={"WHITE": 3883, "BLACK OR AFRICAN AMERICAN": 104, "ASIAN": 142, "OTHER": 179},
        bmi=(26.2, 5.1),
        primary_site={"COLON": 2581, "RECTUM": 1359, "UNSPECIFIED": 368},
        n_surgery=2993,
        n_primary_resected=2663,
        resected={"liver": 261, "lung": 27, "ln": 206},
        n_radiation=445,
        kras={"WILD TYPE": 795, "MUTANT": 593},
        adjuvant_share=0.180,
        ecog={"0": 0.548, "1": 0.420, "2": 0.032},
        ldh_high_share=0.298,
        organ_number={1: 553, 2: 1159, 3: 1146, 4: 800, 5: 390, 6: 180, 7: 80},
    ),
    n_target=19180,
    n_nontarget=18594,
    n_new=2838,
    n_measurements=94174,
    target_weights=(0.09, 0.14, 0.16, 0.16, 0.14, 0.11, 0.08, 0.05, 0.04, 0.03),
    nontarget_shape=(2.6, 4.3),
    arm_effects={"bevacizumab": (-0.62, -0.20, 0.05), "panitumumab": (-0.66, -0.21, 0.05)},
    covariate_effects={
        "second_line": (0.35, 0.14, -0.06),
        "kras_mutant": (0.12, 0.06, 0.0),
        "race_black": (0.35, 0.0, -0.05),
        "race_asian": (-0.15, 0.0, 0.05),
        "no_surgery": (0.0, 0.12, 0.0),
    },
    messages=Messages(
        kras_panitumumab=1.0,
        heterogeneity_death=0.1,
        first_organ_death=1.0,
        further_organ_death=0.22,
    ),
)

MESSAGES = Messages(
    refractory=0.13,
    antibody_deepens=1.0,
    unslowed_organs=1.0,
    antibody_alike=0.15,
    kras_panitumumab=1.0,
    kras_death=0.4,
    low_high_death=0.35,
    liver_death=0.7,
    heterogeneity_death=0.25,
    first_organ_death=1.0,
    further_organ_death=0.5,
    liver_first_spread=3.0,
)

# The hazards and the typical F that leave responses and survival where they are published.
# Progression-free survival is the recorded one (``recorded``), censored as trials censor it.
MCRC_MESSAGES = replace(
    MCRC,
    messages=MESSAGES,
    population=replace(MCRC.population, f=0.18),
    arm_effects={"bevacizumab": (-1.00, -0.26, -0.05), "panitumumab": (-1.00, -0.27, -0.05)},
    follow_up=replace(
        MCRC.follow_up, new_lesion=0.0012, new_lesion_spread=1.0, death_after=0.00155
    ),
)

# Head and neck. Published: 393 patients, 1,892 lesions, eleven organs, and the growth fit of the
# group's demo data (777 target lesions, 3,574 sizes; Monolix). How the other lesions divide into
# non-target and new, the organs' shares and the demographics are in supplements that were not to
# hand: those numbers are chosen to be plausible, not taken from the paper.
_HNSCC_ARMS = {
    "CHEMO": Arm("Chemotherapy alone", "CHEMO", "cisplatin plus fluorouracil"),
    "PANI+CHEMO": Arm(
        "Panitumumab plus chemotherapy", "PANCHE", "cisplatin plus fluorouracil", False, True
    ),
}

_HNSCC_ORGANS = (
    Organ("head_neck", 3.2, 1.6, 1.4, 36, 0.15, -0.05, -0.05, 2.0),
    Organ("ln", 3.0, 2.0, 1.5, 26, -0.35, -0.35, 0.10, 2.0, True),
    Organ("lung", 3.4, 2.8, 1.3, 22, -0.15, 0.02, 0.05, 4.0),
    Organ("liver", 0.9, 2.6, 2.0, 30, 0.05, 0.35, 0.05, 1.6),
    Organ("bone", 0.6, 1.5, 0.3, 28, 0.9, 0.10, -0.30, 1.0),
    Organ("brain_cns", 0.12, 1.0, 0.7, 22, 1.2, 0.55, -0.40, 0.4),
    Organ("skin", 0.35, 1.2, 0.9, 24, 0.4, 0.05, -0.15, 0.4),
    Organ("soft_tissue", 0.45, 1.0, 1.1, 32, 0.35, 0.05, -0.10, 0.4),
    Organ("pleura", 0.40, 1.0, 0.5, 24, 0.3, 0.00, -0.10, 0.5),
    Organ("chest", 0.55, 1.0, 0.8, 28, 0.1, -0.05, 0.00, 0.5),
    Organ("other", 0.45, 1.0, 0.8, 28, 0.2, 0.00, -0.05, 0.5),
)

HNSCC = Preset(
    name="hnscc",
    tumor_type="metastatic head and neck squamous cell carcinoma",
    trials=(
        Trial(
            "HNSCC01",
            "Chemotherapy with or without panitumumab, first line",
            (("CHEMO", 196), ("PANI+CHEMO", 197)),
            1,
            Schedule(42, 3, 42),
            2007,
        ),
    ),
    arms=_HNSCC_ARMS,
    organs=_HNSCC_ORGANS,
    population=Population(0.0047, 0.029, 0.051, 1.11, 1.19, 3.29, 0.366),
    follow_up=FollowUp(
        missed_visit=0.03,
        withdrawal=0.0009,
        early_stop=0.03,
        continue_after_progression=0.30,
        new_lesion=0.0007,
        new_lesion_spread=1.3,
        death_before=0.0006,
        death_after=0.0030,
        censor_first_day=300.0,
        censor_last_day=1300.0,
        nontarget_ratio=2.0,
        gone_mm=3.0,
        cleared=0.03,
    ),
    mix=Mix(
        age=(58.0, 9.6),
        male=341,
        race={"WHITE": 328, "ASIAN": 41, "BLACK OR AFRICAN AMERICAN": 9, "OTHER": 15},
        bmi=(22.6, 4.3),
        primary_site={"OROPHARYNX": 130, "ORAL CAVITY": 98, "LARYNX": 92, "HYPOPHARYNX": 73},
        n_surgery=244,
        n_primary_resected=200,
        resected={"lung": 8, "ln": 60},
        n_radiation=315,
        kras={},
        adjuvant_share=0.20,
        ecog={"0": 0.30, "1": 0.68, "2": 0.02},
        ldh_high_share=0.15,
        organ_number={1: 110, 2: 147, 3: 92, 4: 34, 5: 10},
    ),
    n_target=777,
    n_nontarget=900,
    n_new=215,
    n_measurements=3574,
    target_weights=(0.35, 0.30, 0.20, 0.09, 0.04, 0.02),
    nontarget_shape=(2.0, 1.5),
    arm_effects={"panitumumab": (-0.80, -0.22, 0.05)},
    covariate_effects={"race_asian": (-0.3, 0.0, 0.05)},
    messages=Messages(first_organ_death=1.0, further_organ_death=0.22),
)
