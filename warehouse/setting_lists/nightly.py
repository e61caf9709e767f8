"""Settings of what `lesions schedule` does besides building: copies, notices, lineage events."""

from __future__ import annotations

from typing import Any

from warehouse.setting_lists.setting import Setting


def _nightly(name: str, default: Any, comment: str, **more: Any) -> Setting:
    """A setting that changes no result and that no reader of the published file needs."""
    return Setting(name, default, comment, is_operational=True, is_private=True, **more)


SETTINGS: tuple[Setting, ...] = (
    _nightly(
        "schedule.report",
        False,
        "lesions schedule writes report.html after each publish",
    ),
    _nightly(
        "schedule.catalogue",
        False,
        "lesions schedule writes catalogue.html after each publish",
    ),
    _nightly(
        "schedule.manifest",
        False,
        "lesions schedule writes manifest.json, in dbt's form, after each publish",
    ),
    _nightly(
        "schedule.parquet",
        "",
        "folder or s3://bucket/prefix to which lesions schedule publishes Parquet files after each "
        "publish; a relative folder begins at the project; empty for none",
    ),
    _nightly(
        "schedule.postgres",
        "",
        "PostgreSQL database to which lesions schedule publishes the marts, "
        "postgresql://user@host:port/database; its password comes from PGPASSWORD or ~/.pgpass",
    ),
    _nightly("schedule.postgres_schema", "mart", "schema of that mirror"),
    _nightly("schedule.postgres_reader", "lesions_reader", "role that may read that mirror"),
    _nightly("notify.failures", True, "tell the addresses below of a run that failed"),
    _nightly("notify.findings", True, "tell them of critical findings not told before"),
    _nightly(
        "notify.error_text",
        False,
        "notices of a failure hold the error's words, which may quote what stands in a file",
    ),
    _nightly(
        "notify.url", "", "address (http or https) to which notices are posted as JSON; empty: none"
    ),
    _nightly(
        "notify.command",
        "",
        "command that gets notices as JSON on its standard input, with arguments as in a shell, "
        "which is not used; empty: none",
    ),
    _nightly("notify.mail_to", "", "e-mail addresses of notices, with commas between; empty: none"),
    _nightly("notify.mail_from", "", "sender's e-mail address"),
    _nightly("notify.mail_server", "", "SMTP server, host or host:port"),
    _nightly(
        "notify.mail_security",
        "starttls",
        "how the connection to it is encrypted: starttls (port 587 unless stated), tls (465), none "
        "(25; then without a password)",
        choices=("starttls", "tls", "none"),
    ),
    _nightly(
        "notify.mail_user",
        "",
        "user at the SMTP server, with the password of LESIONS_SMTP_PASSWORD in the environment; "
        "empty: no login",
    ),
    _nightly(
        "openlineage.to",
        "",
        "file, or address (http or https) of an OpenLineage server, to which lesions schedule "
        "writes events of lineage; a key comes from OPENLINEAGE_API_KEY; empty: none",
    ),
    _nightly("openlineage.namespace", "lesions", "namespace of jobs and tables in these events"),
)
