"""The environment that Prefect is given, before it is imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows import prefect_home
from flows.prefect_home import (
    local_timezone,
    own_server_environment,
    quiet_prefect,
    refuse_broken_versions,
)
from warehouse.errors import LesionsError


def test_own_server_is_on_the_loopback_address_with_its_files_in_the_project() -> None:
    made = own_server_environment(Path("/p/.lesions/prefect"), 4321, {"NO_PROXY": "a.example"})
    assert made["PREFECT_API_URL"] == "http://127.0.0.1:4321/api"
    assert made["PREFECT_SERVER_API_HOST"] == "127.0.0.1"
    assert made["PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS"] == "http://127.0.0.1:4321"
    assert made["PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED"] == "true"
    assert made["PREFECT_HOME"] == "/p/.lesions/prefect"
    assert made["NO_PROXY"] == made["no_proxy"] == "a.example,127.0.0.1"


def test_proxy_exceptions_in_lower_case_are_kept() -> None:
    made = own_server_environment(Path("/p"), 1, {"no_proxy": "b.example"})
    assert made["NO_PROXY"] == "b.example,127.0.0.1"


def test_telemetry_is_off_before_prefect_is_imported_and_stays_off() -> None:
    code = (
        "import os, sys\n"
        "import flows.schedule\n"
        "assert 'prefect' not in sys.modules\n"
        "import flows.orchestration\n"
        "from prefect.settings import get_current_settings\n"
        "settings = get_current_settings()\n"
        "print(settings.server.analytics_enabled, settings.logging.level,\n"
        "      os.environ['DO_NOT_TRACK'])\n"
    )
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PREFECT") and name != "DO_NOT_TRACK"
    }
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "WARNING", "1"]


def test_log_level_of_the_user_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_LOGGING_LEVEL", "DEBUG")
    monkeypatch.setenv("DO_NOT_TRACK", "0")
    monkeypatch.setenv("PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT", "true")
    monkeypatch.setenv("PREFECT_SERVER_LOGGING_LEVEL", "INFO")
    quiet_prefect()
    assert os.environ["PREFECT_LOGGING_LEVEL"] == "DEBUG"
    assert os.environ["DO_NOT_TRACK"] == "1"


@pytest.mark.parametrize(
    ("package", "installed", "remedy"),
    [
        ("fastapi", "0.151.0", "pip install 'fastapi<0.151'"),
        ("fastapi", "0.163.0", "pip install 'fastapi<0.151'"),
        ("sqlalchemy", "2.0.55", "pip install 'sqlalchemy<2.0.55'"),
        ("sqlalchemy", "2.1.9", "pip install 'sqlalchemy<2.0.55'"),
    ],
)
def test_versions_with_which_schedules_do_not_work_are_refused(
    monkeypatch: pytest.MonkeyPatch, package: str, installed: str, remedy: str
) -> None:
    good = {"fastapi": "0.150.0", "sqlalchemy": "2.0.54"}
    monkeypatch.setattr(prefect_home, "version", {**good, package: installed}.get)
    with pytest.raises(LesionsError) as caught:
        refuse_broken_versions()
    assert f"{package} {installed}" in str(caught.value)
    assert remedy in str(caught.value)


def test_last_versions_that_work_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    good = {"fastapi": "0.150.99", "sqlalchemy": "2.0.54"}
    monkeypatch.setattr(prefect_home, "version", good.get)
    refuse_broken_versions()


def test_time_zone_is_that_of_tz_or_of_the_machine(tmp_path: Path) -> None:
    zone = tmp_path / "zoneinfo" / "Europe" / "Paris"
    zone.parent.mkdir(parents=True)
    zone.touch()
    link = tmp_path / "localtime"
    link.symlink_to(zone)
    assert local_timezone({}, link) == "Europe/Paris"
    assert local_timezone({"TZ": ":Asia/Tokyo"}, link) == "Asia/Tokyo"
    assert local_timezone({"TZ": "Moon/Base"}, link) == "UTC"
    assert local_timezone({}, tmp_path / "nothing") == "UTC"
