"""Settings of runs, and of what core tables hold."""

from __future__ import annotations

from warehouse.setting_lists.setting import Setting

RULE_SETS = ("recist_1_1", "zhou2023", "recist_volume")

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "run.threads",
        0,
        "worker threads; 0 means one per core",
        minimum=0,
        maximum=1024,
        is_operational=True,
    ),
    Setting(
        "run.memory_limit",
        "",
        "DuckDB's memory limit, such as '8GB'; empty for its default",
        pattern=r"(\d+(\.\d+)? ?[MGT]i?B)?",
        is_operational=True,
    ),
    Setting(
        "run.published_mode",
        "",
        "permissions of the published file, octal, such as '0440'; empty for those of the file "
        "before it without writing, at first 0444; the owner must be able to read it",
        pattern=r"(0?[4-7][0-7]{2})?",
        is_operational=True,
    ),
    Setting(
        "run.engine",
        "duckdb",
        "what makes the tables of models: duckdb, or spark (docs/scaling.md)",
        choices=("duckdb", "spark"),
        is_operational=True,
    ),
    Setting("run.seed", 20230607, "seed of every random step", minimum=0, maximum=2**63 - 1),
    Setting(
        "spark.master",
        "local[2]",
        "where Spark is: local[2], spark://host:port of a standalone cluster, yarn, or "
        "sc://host:port of Spark Connect",
        pattern=r"\S+",
        is_operational=True,
    ),
    Setting(
        "spark.driver_memory",
        "2g",
        "memory of Spark's driver",
        pattern=r"\d+[mg]",
        is_operational=True,
    ),
    Setting(
        "spark.executor_memory",
        "1500m",
        "memory of each of Spark's executors",
        pattern=r"\d+[mg]",
        is_operational=True,
    ),
    Setting(
        "spark.options",
        "",
        "options of Spark's own, such as 'spark.cores.max=8 spark.sql.shuffle.partitions=64'",
        pattern=r"([\w.]+=\S+( [\w.]+=\S+)*)?",
        is_operational=True,
    ),
    Setting(
        "project.steps",
        "",
        "module with Python steps of the project's own, a file beside this one, without .py",
        pattern=r"([A-Za-z_]\w*)?",
        is_operational=True,
    ),
    Setting(
        "rules.rule_set",
        "recist_1_1",
        "rule set of the events that later analyses use, of those in staging.rule_set "
        f"({', '.join(RULE_SETS)}, and the project's own); all are always computed",
        pattern=r"\w+",
    ),
    Setting(
        "rules.censoring",
        "last_scan",
        "where lesions without the event are censored: last_scan, at their last assessment (events "
        "on curves, at growth.event_horizon_days after the patient's last scan); last_day, at the "
        "patient's last day in the trial, as in Zhou 2023",
        choices=("last_scan", "last_day"),
    ),
    Setting(
        "volume.axis_ratio",
        1.31,
        "long over short axis where no short axis was measured (Zhou 2023)",
        minimum=1.0,
        maximum=100.0,
    ),
    Setting(
        "volume.limit_of_quantification_mm3",
        200.0,
        "volumes below it are flagged as below the limit (Zhou 2023)",
        minimum=0.0,
        maximum=1e9,
    ),
    Setting(
        "measurement.largest_mm",
        1000.0,
        "a larger size is quarantined as a mistake, and so is a larger volume than that of such a "
        "lesion, and a sum of more than ten",
        minimum=1.0,
        maximum=1e6,
    ),
    Setting(
        "too_small.default_mm",
        5.0,
        "diameter given to a lesion 'too small to measure' (RECIST 1.1, section 4.2), "
        "unless study.yml says otherwise",
        minimum=0.0,
        maximum=1000.0,
    ),
    Setting(
        "baseline.rule",
        "last_before_first_dose",
        "which measurement is a lesion's baseline",
        choices=("last_before_first_dose", "first"),
    ),
    Setting(
        "baseline.latest_day",
        1,
        "last day, from the first dose, on which a baseline counts",
        minimum=-36525,
        maximum=36525,
    ),
    Setting(
        "time_point.visit_days",
        21,
        "most days from the first to the last scan of one visit; a label that spans more is split "
        "(half of RECIST's usual interval of six weeks)",
        minimum=0,
        maximum=36525,
    ),
    Setting(
        "time_point.window_days",
        7,
        "most days from the first to the last scan of an assessment that names no visit; also the "
        "most between two measurements of one lesion at one visit (protocols allow a week)",
        minimum=0,
        maximum=36525,
    ),
    Setting(
        "time_point.screening_days",
        28,
        "the same as both, for scans up to baseline.latest_day: RECIST 1.1 asks for a baseline of "
        "the four weeks before treatment",
        minimum=0,
        maximum=36525,
    ),
    Setting(
        "dates.partial",
        "unknown",
        "day of an assessment, treatment, procedure or disposition whose date is partial and "
        "which no visit dates: unknown, the first of the month (or year), or its middle",
        choices=("unknown", "first", "middle"),
    ),
    Setting(
        "dates.partial_death",
        "unknown",
        "day of a death whose date is partial: unknown, the first of the month (or year), or its "
        "middle; not before the last contact",
        choices=("unknown", "first", "middle"),
    ),
    Setting(
        "last_contact.participation_end",
        "when_nothing_else",
        "whether DM's end of participation or of the reference period (RFPENDTC, RFENDTC) counts "
        "as a day on which the patient was alive",
        choices=("when_nothing_else", "always", "never"),
    ),
    Setting(
        "exclusion.baseline_max_days_before",
        84,
        "a baseline measured more days than this before the first dose excludes (Zhou 2023)",
        minimum=0,
        maximum=36525,
    ),
    Setting(
        "local_treatment.policy",
        "not_evaluable",
        "what becomes of a lesion that is operated on, irradiated or ablated during the trial "
        "(staging.local_treatment_policy: ICH E9(R1) while on treatment, hypothetical, treatment "
        "policy)",
        choices=("not_evaluable", "censored", "kept"),
    ),
    Setting(
        "local_treatment.unnamed_lesion",
        "all",
        "lesions taken to be treated where the procedure names an organ that bears several: all "
        "of them or none",
        choices=("all", "none"),
    ),
)
