"""Dockerfile and compose.yml as far as they can be looked at without a container engine."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from bi.other_pythons import ENVIRONMENTS
from packaging.specifiers import SpecifierSet

import warehouse.settings as settings
from warehouse.cli import lesions

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
DOCS = (ROOT / "docs/running.md").read_text(encoding="utf-8")
PINS = dict(
    line.split("==")
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if "==" in line
)


def instructions(text: str) -> list[tuple[str, str]]:
    """The instructions of a Dockerfile, continued lines joined."""
    joined = re.sub(r"\\\n\s*", "", re.sub(r"(?m)^#.*\n", "", text))
    return [(line.split()[0], line.partition(" ")[2]) for line in joined.splitlines() if line]


def test_the_image_is_made_by_the_commands_of_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (demo,) = re.findall(r"^(python3 -m venv .*) && \.venv/bin/lesions demo$", readme, re.MULTILINE)
    (run,) = [text for name, text in instructions(DOCKERFILE) if name == "RUN"]
    assert run.startswith(demo)
    assert "-e '.[postgres,openlineage]'" in run


def test_the_image_has_a_supported_python_and_no_root() -> None:
    made = instructions(DOCKERFILE)
    (base,) = [text for name, text in made if name == "FROM"]
    python = re.fullmatch(r"python:(\d\.\d+)-slim", base)
    assert python is not None
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (wanted,) = re.findall(r'^requires-python = "(.*)"$', project, re.MULTILINE)
    assert python[1] in SpecifierSet(wanted)
    assert [text for name, text in made if name == "USER"] == ["lesions"]
    assert made[-2:] == [("ENTRYPOINT", '["lesions"]'), ("CMD", '["--help"]')]


def test_what_the_image_is_made_of_is_not_left_out() -> None:
    left_out = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    needed = ("warehouse", "flows", "udfs", "sql", "expectations", "README.md", "LICENSE",
              "constraints.txt", "pyproject.toml")  # fmt: skip
    for name in needed:
        assert (ROOT / name).exists()
        assert name not in left_out


def test_the_schedule_is_a_command_that_there_is() -> None:
    name, *arguments = SERVICES["warehouse"]["command"]
    arguments = [re.sub(r"\$\{\w+:-(.*)\}", r"\1", argument) for argument in arguments]
    context = lesions.commands[name].make_context(name, arguments)
    assert context.params["cron"] == "0 2 * * *"


def test_settings_in_the_environment_are_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {n: v for n, v in SERVICES["warehouse"]["environment"].items() if "__" in n}
    values = settings._of_environment(given)
    assert values["schedule.report"] is True
    assert values["schedule.postgres"].startswith("postgresql://publisher@postgres:5432/trials")


def test_the_mirror_is_the_database_that_is_started() -> None:
    made = SERVICES["postgres"]["environment"]
    url = SERVICES["warehouse"]["environment"]["LESIONS_SCHEDULE__POSTGRES"]
    assert url == f"postgresql://{made['POSTGRES_USER']}@postgres:5432/{made['POSTGRES_DB']}"
    assert made["POSTGRES_PASSWORD"] == SERVICES["warehouse"]["environment"]["PGPASSWORD"]


def test_versions_are_those_that_are_tested() -> None:
    assert SERVICES["prefect"]["image"].startswith(f"prefecthq/prefect:{PINS['prefect']}-")
    (superset,) = [one for one in ENVIRONMENTS["superset"] if one.startswith("apache-superset==")]
    inline = SERVICES["superset"]["build"]["dockerfile_inline"]
    assert f"FROM apache/superset:{superset.partition('==')[2]}\n" in inline


def test_no_password_stands_in_the_file_and_each_that_is_asked_for_is_in_the_docs() -> None:
    text = (ROOT / "compose.yml").read_text(encoding="utf-8")
    for service in SERVICES.values():
        for name, value in service["environment"].items():
            if re.search("PASSWORD|SECRET", name):
                assert value.startswith("${"), name
    asked = set(re.findall(r"\$\{(\w+):\?", text))
    (block,) = re.findall(r"```text\n(LESIONS_PROJECT=.*?)```", DOCS, re.DOTALL)
    assert asked == {line.partition("=")[0] for line in block.splitlines()}


def test_ports_are_open_on_this_machine_only_and_services_that_are_waited_for_say_when() -> None:
    for name, service in SERVICES.items():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), name
        for other, how in service.get("depends_on", {}).items():
            assert how == {"condition": "service_healthy"}
            assert "healthcheck" in SERVICES[other]
        for volume in service["volumes"]:
            source = volume.partition(":")[0]
            assert source.startswith("${LESIONS_PROJECT") or source in COMPOSE["volumes"]


def test_commands_in_the_docs_are_commands() -> None:
    (line,) = re.findall(r"^docker compose exec warehouse lesions (.*)$", DOCS, re.MULTILINE)
    name, *arguments = shlex.split(line)
    assert lesions.commands[name].make_context(name, arguments).params["superset"]
