"""Superset itself imports the dashboards, and every chart gives data over its REST API.

Run with: pytest -m external tests/bi/test_superset.py
The first time, pip makes Superset's environment (about 700 MB) below .venvs.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from bi.other_pythons import python_of
from bi.test_clients_while_publishing import make_project
from postgres_server import free_port

from warehouse.project import Project, open_project
from warehouse.publishing.postgres import publish_to_postgres
from warehouse.publishing.superset import dashboards_for
from warehouse.run import run_project

psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed (extra: postgres)")

pytestmark = pytest.mark.external

CONFIG = """
import os
SECRET_KEY = os.environ["TEST_KEY"]
SQLALCHEMY_DATABASE_URI = "sqlite:///" + os.environ["TEST_METADATA"]
WTF_CSRF_ENABLED = False
TALISMAN_ENABLED = False
PREVENT_UNSAFE_DB_CONNECTIONS = False
"""
N_CHARTS = 25


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    found = open_project(make_project(tmp_path_factory.mktemp("superset") / "demo"))
    run_project(found)
    return found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict[str, str]]:
    """Superset's programs, a folder with fresh metadata, and the environment of its processes.

    The metadata are made once, which takes a minute, and kept beside the programs.
    """
    programs = python_of("superset").parent
    folder = tmp_path_factory.mktemp("home")
    (folder / "superset_config.py").write_text(CONFIG)
    environment = {
        **os.environ, "SUPERSET_HOME": str(folder), "FLASK_APP": "superset",
        "SUPERSET_CONFIG_PATH": str(folder / "superset_config.py"), "TEST_KEY": uuid.uuid4().hex,
        "TEST_METADATA": str(folder / "fresh.db"),
    }  # fmt: skip
    kept = programs.parent / "fresh-metadata.db"
    if kept.is_file():
        shutil.copyfile(kept, folder / "fresh.db")
        return programs, folder, environment
    for arguments in (
        ["db", "upgrade"],
        ["fab", "create-admin", "--username", "admin", "--firstname", "a", "--lastname", "b",
         "--email", "a@example.org", "--password", "admin"],
        ["init"],
    ):  # fmt: skip
        subprocess.run([programs / "superset", *arguments], env=environment, check=True,
                       capture_output=True)  # fmt: skip
    shutil.copyfile(folder / "fresh.db", kept)
    return programs, folder, environment


class Api:
    """Superset's REST API as its administrator."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.token = ""
        login = {"username": "admin", "password": "admin", "provider": "db", "refresh": True}
        self.token = self.ask("POST", "security/login", json.dumps(login).encode())["access_token"]

    def ask(
        self, method: str, path: str, body: bytes = b"", kind: str = "application/json"
    ) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        headers = {"Content-Type": kind} if body else {}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        connection.request(method, f"/api/v1/{path}", body, headers)
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status == 200, f"{path}: {answer.status} {text[:500]!r}"
        found: dict[str, Any] = json.loads(text)
        return found

    def import_dashboards(self, file: Path, passwords: dict[str, str]) -> dict[str, Any]:
        mark = uuid.uuid4().hex
        parts = [
            f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in (("overwrite", "true"), ("passwords", json.dumps(passwords)))
        ]
        parts.append(
            f'--{mark}\r\nContent-Disposition: form-data; name="formData"; filename="d.zip"\r\n'
            "Content-Type: application/zip\r\n\r\n".encode()
            + file.read_bytes()
            + f"\r\n--{mark}--\r\n".encode()
        )
        return self.ask(
            "POST", "dashboard/import/", b"".join(parts), f"multipart/form-data; boundary={mark}"
        )


@contextmanager
def server(home: tuple[Path, Path, dict[str, str]]) -> Iterator[Api]:
    """Superset on loopback with metadata of its own, ended with the block."""
    programs, folder, environment = home
    metadata = folder / f"{uuid.uuid4().hex}.db"
    shutil.copyfile(folder / "fresh.db", metadata)
    port = free_port()
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(
            [programs / "gunicorn", "-w", "1", "--threads", "4", "-t", "120", "-b",
             f"127.0.0.1:{port}", "superset.app:create_app()"],
            env={**environment, "TEST_METADATA": str(metadata)}, stdout=log, stderr=log,
        )  # fmt: skip
        try:
            for _ in range(240):
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).read()
                    break
                except OSError:
                    assert process.poll() is None, (folder / "server.log").read_text()[-2000:]
                    time.sleep(0.5)
            yield Api(port)
        finally:
            process.terminate()
            process.wait(60)


def chart_values(api: Api) -> dict[str, list[dict[str, Any]]]:
    """Rows of every chart, by its name."""
    found = {}
    for chart in api.ask("GET", "chart/?q=(page_size:100)")["result"]:
        (result,) = api.ask("GET", f"chart/{chart['id']}/data/")["result"]
        assert result["error"] is None, chart["slice_name"]
        assert result["rowcount"] > 0, f"{chart['slice_name']} is empty"
        found[chart["slice_name"]] = result["data"]
    return found


def plain(rows: list[dict[str, Any]]) -> list[tuple[tuple[str, Any], ...]]:
    """Rows in an order of their own, numbers to nine digits: what both databases agree on."""
    found = [
        tuple((key, float(f"{value:.9g}") if isinstance(value, float | int) else value)
              for key, value in sorted(row.items()))
        for row in rows
    ]  # fmt: skip
    return sorted(found, key=repr)


def test_both_connections_import_and_every_chart_gives_the_same_data(
    project: Project,
    home: tuple[Path, Path, dict[str, str]],
    database: Callable[[str], str],
    tmp_path: Path,
) -> None:
    url = database("publisher")
    publish_to_postgres(project.published, url)
    with psycopg.connect(database("admin")) as connection:
        connection.execute("ALTER ROLE lesions_reader LOGIN")
    reader = database("lesions_reader").replace("lesions_reader@", "lesions_reader:any@")
    values = []
    for postgres in (None, reader):
        file = tmp_path / "dashboards.zip"
        dashboards_for(project, file, postgres, "mart", None)
        with server(home) as api:
            passwords = {"databases/demo_postgresql.yaml": "any"} if postgres else {}
            assert api.import_dashboards(file, passwords) == {"message": "OK"}
            assert api.ask("GET", "dashboard/")["count"] == 2
            values.append(chart_values(api))
            # A second import finds the same ids and doubles nothing.
            api.import_dashboards(file, passwords)
            assert api.ask("GET", "dashboard/")["count"] == 2
            assert api.ask("GET", "chart/")["count"] == N_CHARTS
    of_file, of_mirror = values
    assert len(of_file) == N_CHARTS
    assert set(of_file) == set(of_mirror)
    for name, rows in of_file.items():
        assert plain(rows) == plain(of_mirror[name]), name
    ((patients,),) = (row.values() for row in of_file["Patients"])
    with psycopg.connect(url) as connection:
        counted = connection.execute("SELECT count(*) FROM mart.metric_patient").fetchall()
    assert counted == [(patients,)]
