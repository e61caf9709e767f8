"""Where Prefect keeps its files and what it may not do. Nothing here imports Prefect."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from zoneinfo import ZoneInfo

from packaging.version import Version

from warehouse.errors import LesionsError

QUIET = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
}
"""Switches off all that Prefect sends or offers of its own accord; read when it is imported."""

LOG_LEVELS = {"PREFECT_LOGGING_LEVEL": "WARNING", "PREFECT_SERVER_LOGGING_LEVEL": "WARNING"}
"""Prefect's log levels where the user sets none."""

TOO_NEW = {
    "fastapi": ("0.151", "Prefect's server does not start"),
    "sqlalchemy": ("2.0.55", "Prefect's schedules never fire, and nothing says so"),
}
"""By package: the first version that Prefect 3.8 does not work with, and what happens then."""

LOCAL_TIME = Path("/etc/localtime")


def quiet_prefect() -> None:
    """Switches Prefect's telemetry off in this process and those it starts.

    To be called before Prefect is imported.
    """
    os.environ.update(QUIET)
    for name, value in LOG_LEVELS.items():
        os.environ.setdefault(name, value)


def own_server_environment(home: Path, port: int, environment: Mapping[str, str]) -> dict[str, str]:
    """Variables for a Prefect server of the project's own and for all that talks to it.

    Args:
        home: folder for Prefect's files.
        port: the server's port, on the loopback address.
        environment: the variables as they are now.
    """
    # A proxy is never right for the loopback address, but clients ask it unless told so.
    named = environment.get("NO_PROXY") or environment.get("no_proxy") or ""
    bypassed = [*filter(None, named.split(",")), "127.0.0.1"]
    return {
        "PREFECT_HOME": str(home),
        "PREFECT_PROFILES_PATH": str(home / "profiles.toml"),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_API_HOST": "127.0.0.1",
        "PREFECT_SERVER_API_PORT": str(port),
        # Any page that the user's browser shows could otherwise drive this server.
        "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS": f"http://127.0.0.1:{port}",
        "PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED": "true",
        "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "true",
        "PREFECT_SERVER_UI_STATIC_DIRECTORY": str(home / "ui"),
        "NO_PROXY": ",".join(bypassed),
        "no_proxy": ",".join(bypassed),
    }


def refuse_broken_versions() -> None:
    """Refuses packages with which Prefect seems to work but does not.

    Raises:
        LesionsError: with the package and the remedy.
    """
    for package, (first_bad, consequence) in TOO_NEW.items():
        found = version(package)
        if Version(found) >= Version(first_bad):
            raise LesionsError(
                f"{package} {found} is installed. With {package} {first_bad} or newer "
                f"{consequence}. Install an older one: pip install '{package}<{first_bad}'."
            )


def local_timezone(environment: Mapping[str, str], local_time: Path = LOCAL_TIME) -> str:
    """Name of this machine's time zone, such as Europe/Paris; UTC where it cannot be told.

    Args:
        environment: its TZ takes precedence over the machine's setting.
        local_time: link into the folder of zones.
    """
    named = environment.get("TZ", "").removeprefix(":")
    if not named and local_time.is_symlink():
        named = str(local_time.resolve()).partition("zoneinfo/")[2]
    try:
        return ZoneInfo(named).key if named else "UTC"
    except (ValueError, OSError, KeyError):  # an odd name, or no such zone
        return "UTC"
