"""Notices by webhook, command and e-mail, to servers on this machine; what does not arrive is said,
and nothing fails for it."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from loopback import self_signed, smtp, webhook

import flows.nightly as nightly_module
from flows import notices
from flows.copies import CopyError
from flows.nightly import nightly
from flows.notices import Notice, send, tell_failure, tell_findings
from warehouse.errors import CheckFailedError, LesionsError
from warehouse.project import Project
from warehouse.run import RunReport
from warehouse.settings import read_settings

NOTICE = Notice("failure", "my_trials", "my_trials failed: a critical check failed.", 3)
MAIL = {
    "notify.mail_to": "ana@example.org, ben@example.org",
    "notify.mail_from": "warehouse@example.org",
}


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def with_values(project: Project, **given: Any) -> Project:
    named = {name.replace("__", "."): value for name, value in given.items()}
    return Project(project.root, {**project.values, **named})


def write_findings(project: Project, *ids: str) -> None:
    """A published file that holds critical findings of these ids, and one that only warns."""
    project.published.unlink(missing_ok=True)
    with duckdb.connect(str(project.published)) as connection:
        connection.execute(
            "CREATE SCHEMA quality; CREATE TABLE quality.defect AS SELECT 'sizes.4b' AS defect_id, "
            "'Sizes in centimetres' AS title; CREATE TABLE quality.finding (finding_id VARCHAR, "
            "study_id VARCHAR, defect_id VARCHAR, severity VARCHAR, remedy VARCHAR, "
            "patient_id VARCHAR)"
        )
        connection.executemany(
            "INSERT INTO quality.finding VALUES (?, 'prime', 'sizes.4b', ?, 'State cm.', 'P-17')",
            [[one, "critical"] for one in ids] + [["w", "warning"]],
        )


def test_a_webhook_gets_the_notice_as_json_that_chat_services_show(project: Project) -> None:
    with webhook() as inbox:
        assert send({**project.values, "notify.url": inbox.url + "/secret"}, NOTICE) == []
    (post,) = inbox.posts
    assert post["text"] == NOTICE.text
    assert (post["event"], post["project"], post["status"]) == ("failure", "my_trials", 3)
    assert inbox.headers[0]["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("status", "words"), [(500, "it answers 500"), (404, "it answers 404"), (302, "answers 302")]
)
def test_what_a_webhook_does_not_take_is_said_without_its_address(
    project: Project, status: int, words: str
) -> None:
    with webhook(status) as inbox:
        (problem,) = send({**project.values, "notify.url": inbox.url + "/s3cret"}, NOTICE)
    assert words in problem
    assert "s3cret" not in problem


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:9/s3cret", "refused"),
        ("file:///etc/s3cret", "begins with neither"),
        ("http://127.0.0.1:x/s3cret", "cannot be used"),
    ],
)
def test_an_address_that_is_none_is_said_without_it(project: Project, url: str, words: str) -> None:
    (problem,) = send({**project.values, "notify.url": url}, NOTICE)
    assert words in problem
    assert "s3cret" not in problem


def test_a_command_gets_the_notice_but_not_the_password(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(notices.PASSWORD, "right")
    script = (
        "import sys, os; open(sys.argv[1], 'w').write(sys.stdin.read() + "
        f"os.environ.get('{notices.PASSWORD}', 'none'))"
    )
    command = shlex.join([sys.executable, "-c", script, str(tmp_path / "got it")])
    assert send({**project.values, "notify.command": command}, NOTICE) == []
    line, password = (tmp_path / "got it").read_text().split("\n")
    assert json.loads(line)["text"] == NOTICE.text
    assert password == "none"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (shlex.join([sys.executable, "-c", "import sys; sys.exit('no pager')"]), "status 1. no pa"),
        ("/no/such/command", "No such file"),
        ("'unclosed", "cannot be used"),
    ],
)
def test_a_command_that_fails_is_said(project: Project, command: str, words: str) -> None:
    (problem,) = send({**project.values, "notify.command": command}, NOTICE)
    assert words in problem


def test_a_command_that_hangs_is_ended(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "COMMAND_SECONDS", 0.5)
    (problem,) = send({**project.values, "notify.command": "sleep 60"}, NOTICE)
    assert "has not ended" in problem


def test_mail_without_a_login(project: Project) -> None:
    with smtp() as inbox:
        given = {**MAIL, "notify.mail_server": inbox.url, "notify.mail_security": "none"}
        assert send({**project.values, **given}, NOTICE) == []
    (mail,) = inbox.mails
    assert "Subject: lesions: my_trials: failed" in mail
    assert "To: ana@example.org, ben@example.org" in mail
    assert "a critical check failed." in mail
    assert inbox.logins == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_mail_with_a_login_is_encrypted(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, security: str
) -> None:
    certificate = self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    monkeypatch.setenv(notices.PASSWORD, "right")
    with smtp(certificate, at_once=security == "tls") as inbox:
        given = {**MAIL, "notify.mail_server": inbox.url, "notify.mail_security": security}
        problems = send({**project.values, **given, "notify.mail_user": "lesions"}, NOTICE)
    assert problems == []
    assert inbox.logins == [("lesions", "right")]
    assert inbox.encrypted == [True]


def test_a_wrong_password_is_said_and_never_shown(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server repeats it in its answer."""
    certificate = self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    monkeypatch.setenv(notices.PASSWORD, "wrong-word")
    with smtp(certificate) as inbox:
        given = {**MAIL, "notify.mail_server": inbox.url, "notify.mail_user": "lesions"}
        (problem,) = send({**project.values, **given}, NOTICE)
    assert "535" in problem
    assert "wrong-word" not in problem
    assert inbox.mails == []


def test_a_certificate_that_nobody_vouches_for_is_refused(project: Project, tmp_path: Path) -> None:
    with smtp(self_signed(tmp_path)) as inbox:
        (problem,) = send({**project.values, **MAIL, "notify.mail_server": inbox.url}, NOTICE)
    assert "certificate" in problem
    assert inbox.mails == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "notify.mail_server must be set"),
        ({"notify.mail_server": "h", "notify.mail_user": "u"}, "no LESIONS_SMTP_PASSWORD"),
        ({"notify.mail_server": "host:smtp"}, "host or host:port"),
    ],
)
def test_settings_of_mail_that_do_not_fit(
    project: Project, given: dict[str, Any], words: str
) -> None:
    (problem,) = send({**project.values, **MAIL, **given}, NOTICE)
    assert words in problem


def test_no_password_goes_unencrypted(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(notices.PASSWORD, "right")
    with smtp() as inbox:
        given = {**MAIL, "notify.mail_server": inbox.url, "notify.mail_security": "none"}
        (problem,) = send({**project.values, **given, "notify.mail_user": "u"}, NOTICE)
    assert "no password is sent unencrypted" in problem
    assert inbox.logins == []


def test_findings_are_told_once_by_study_and_kind_and_without_patients(project: Project) -> None:
    project.state.mkdir()
    write_findings(project, "a", "b")
    with webhook() as inbox:
        told = with_values(project, notify__url=inbox.url)
        assert tell_findings(told) == []
        assert tell_findings(told) == []
        write_findings(project, "a", "b", "c")
        assert tell_findings(told) == []
    assert [post["findings"][0]["new"] for post in inbox.posts] == [2, 1]
    assert "prime: 2 x Sizes in centimetres (sizes.4b). State cm." in inbox.posts[0]["text"]
    assert "P-17" not in json.dumps(inbox.posts)
    assert "P-17" not in (project.state / notices.TOLD).read_text()


def test_findings_that_reached_nobody_are_told_again(project: Project) -> None:
    project.state.mkdir()
    write_findings(project, "a")
    assert len(tell_findings(with_values(project, notify__url="http://127.0.0.1:9/"))) == 1
    with webhook() as inbox:
        assert tell_findings(with_values(project, notify__url=inbox.url)) == []
    assert len(inbox.posts) == 1


def test_a_failure_is_told_by_kind_and_its_words_only_where_that_is_wished(
    project: Project,
) -> None:
    """An error of the input quotes a value of a file."""
    error = LesionsError("tr.csv, row 3: 'Jane Doe' is not a number.")
    with webhook() as inbox:
        told = with_values(project, notify__url=inbox.url)
        assert tell_failure(told, error) == []
        assert tell_failure(told, CheckFailedError("1 check failed")) == []
        assert tell_failure(told, CopyError("the report")) == []
        assert tell_failure(with_values(told, notify__error_text=True), error) == []
        assert tell_failure(with_values(told, notify__failures=False), error) == []
    texts = [post["text"] for post in inbox.posts]
    assert "the input is wrong. Nothing was published." in texts[0]
    assert "a critical check failed" in texts[1]
    assert texts[2].endswith("failed: the report")
    assert "Jane Doe" in texts[3]
    assert not any("Jane" in text for text in texts[:3])
    assert [post["status"] for post in inbox.posts] == [1, 3, 1, 1]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[[Project, Exception | None], Any]:
    """The nightly flow's function with an engine that publishes findings, or fails."""

    def call(project: Project, error: Exception | None = None) -> Any:
        def build(root: Path) -> RunReport:
            if error is not None:
                raise error
            write_findings(project, "a")
            return RunReport("r1", (), (), 1.0)

        monkeypatch.setattr(nightly_module, "open_project", lambda root: project)
        monkeypatch.setattr(nightly_module, "ingest", lambda root: [])
        monkeypatch.setattr(nightly_module, "build", build)
        return nightly.fn(project.root)

    return call


def test_a_publish_stands_though_no_notice_arrives(
    project: Project, run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    project.state.mkdir()
    told = with_values(
        project,
        notify__url="http://127.0.0.1:9/s3cret",
        notify__command="/no/such/command",
        openlineage__to="ftp://nowhere/x",
    )
    assert run(told).run_id == "r1"
    said = capsys.readouterr().out
    assert said.count("notice of findings not delivered") == 2
    assert "OpenLineage" in said or "emit_runs" in said
    assert "s3cret" not in said


def test_the_error_of_a_run_is_raised_whatever_becomes_of_its_notice(
    project: Project, run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    told = with_values(project, notify__url="http://127.0.0.1:9/")
    with pytest.raises(CheckFailedError, match="the first"):
        run(told, CheckFailedError("the first"))
    with webhook() as inbox, pytest.raises(ZeroDivisionError):
        run(with_values(project, notify__url=inbox.url), ZeroDivisionError("x"))
    assert inbox.posts[0]["status"] == 5
    assert "ZeroDivisionError" in inbox.posts[0]["text"]
    assert "notice of failure not delivered" in capsys.readouterr().out


def test_secrets_in_settings_are_in_no_message_and_not_in_the_published_file(
    tmp_path: Path, project: Project
) -> None:
    from warehouse import meta

    file = project.root / "lesions.toml"
    file.write_text("[notify]\nurl = 'https://chat.example/s3cret'\n")
    values = read_settings(file)
    with duckdb.connect() as connection:
        meta.create_schemas(connection)
        meta.write_settings(connection, values)
        stored = connection.execute("SELECT name, value FROM meta.setting").fetchall()
    assert "s3cret" not in str(stored)
    assert ("rules.rule_set", "recist_1_1") in stored
    file.write_text("[notify]\nurl = ['https://chat.example/s3cret']\n")
    with pytest.raises(LesionsError) as caught:
        read_settings(file)
    assert "s3cret" not in str(caught.value)


def test_the_flow_imports_no_library_of_lineage_until_it_is_wished() -> None:
    code = (
        "import sys, flows.openlineage_events, flows.notices, flows.copies; "
        "sys.exit(any(m in sys.modules for m in ('openlineage', 'pyarrow', 'requests')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
