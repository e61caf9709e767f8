"""Tells people of a run that failed and of new critical findings: by webhook, command or e-mail.

A notice that cannot be delivered fails nothing: it comes back as a line to say. Notices name
studies, kinds of defect and counts, and no patient.
"""

from __future__ import annotations

import json
import os
import shlex
import smtplib
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from hashlib import sha256
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from flows.copies import CopyError
from flows.notes import read_note, write_note
from warehouse.database import open_published
from warehouse.errors import LesionsError, MachineError
from warehouse.project import Project

PASSWORD = "LESIONS_SMTP_PASSWORD"
PATIENCE_SECONDS = 15.0
"""Longest wait for a server to answer."""
COMMAND_SECONDS = 120.0
"""Longest time that a command may take."""
PORTS = {"starttls": 587, "tls": 465, "none": 25}
KINDS = {
    1: "the input is wrong",
    2: "the command or a variable of the environment is wrong",
    3: "a critical check failed",
    4: "another run holds the lock",
    5: "the machine failed",
}
"""By exit code (docs/running.md)."""
TOLD = "told_findings.json"
MAX_IN_MAIL = 20
"""Kinds of findings listed in the text of a notice; the JSON has all."""

NEW_FINDINGS = """
SELECT finding.finding_id, finding.study_id, finding.defect_id, defect.title, finding.remedy
FROM quality.finding AS finding
INNER JOIN quality.defect AS defect ON finding.defect_id = defect.defect_id
WHERE finding.severity = 'critical'
ORDER BY finding.study_id, finding.defect_id, finding.finding_id
"""


@dataclass(frozen=True)
class Notice:
    """What is told."""

    event: str
    """``failure`` or ``findings``."""
    project: str
    text: str
    """A paragraph, and lines below it."""
    status: int = 0
    """The exit code that ``lesions run`` would end with."""
    findings: tuple[Mapping[str, Any], ...] = ()
    """Per study and kind of defect: study_id, defect_id, title, new, remedy."""
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def to_json(self) -> str:
        """The notice as one JSON object; chat services show its ``text``."""
        content = {
            "event": self.event,
            "project": self.project,
            "time": self.at.isoformat(timespec="seconds"),
            "status": self.status,
            "text": self.text,
            "findings": list(self.findings),
        }
        return json.dumps(content, ensure_ascii=False)


def tell_failure(project: Project, error: BaseException) -> list[str]:
    """Tells of a run that failed, where that is wished; what could not be delivered."""
    if not project.values["notify.failures"]:
        return []
    status = error.status if isinstance(error, LesionsError) else MachineError.status
    text = f"{project.root.name} failed: {failure_text(project, error)}"
    return send(project.values, Notice("failure", project.root.name, text, status))


def failure_text(project: Project, error: BaseException) -> str:
    """What may be told elsewhere of an error: its kind; its words only where that is wished.

    An error of the input quotes what stands in a file, which may be a patient's.
    """
    if isinstance(error, CopyError) or project.values["notify.error_text"]:
        return str(error)
    status = error.status if isinstance(error, LesionsError) else 0
    kind = KINDS.get(status, f"an error of the program ({type(error).__name__})")
    return (
        f"{kind}. Nothing was published. What it says stands on the terminal of the schedule and "
        f"on the run's page in Prefect."
    )


def tell_findings(project: Project) -> list[str]:
    """Tells of critical findings not told before, where that is wished.

    What was told stands in ``.lesions/told_findings.json`` once any address has taken it, so that a
    notice that reached nobody is sent again after the next run.

    Returns:
        What could not be delivered.
    """
    if not project.values["notify.findings"] or not channels(project.values):
        return []
    note = project.state / TOLD
    told = set(read_note(note).get("findings", ()))
    with open_published(project.published) as connection:
        rows = connection.execute(NEW_FINDINGS).fetchall()
    standing = [(_digest(row[0]), row[1:]) for row in rows]
    new: dict[tuple[str, ...], int] = {}
    for digest, kind in standing:
        if digest not in told:
            new[kind] = new.get(kind, 0) + 1
    problems: list[str] = []
    if new:
        problems = send(project.values, findings_notice(project.root.name, new))
        if len(problems) >= len(channels(project.values)):
            return problems
    write_note(note, {"findings": [digest for digest, _ in standing]})
    return problems


def findings_notice(project: str, new: Mapping[tuple[str, ...], int]) -> Notice:
    """The notice of new findings: how many of each kind in each study."""
    rows = [
        {"study_id": study, "defect_id": defect, "title": title, "new": n, "remedy": remedy}
        for (study, defect, title, remedy), n in new.items()
    ]
    lines = [f"{project}: {sum(new.values())} new critical findings (quality.finding)."]
    lines += [
        f"- {row['study_id']}: {row['new']} x {row['title']} ({row['defect_id']}). {row['remedy']}"
        for row in rows[:MAX_IN_MAIL]
    ]
    if len(rows) > MAX_IN_MAIL:
        lines.append(f"- and {len(rows) - MAX_IN_MAIL} more kinds")
    return Notice("findings", project, "\n".join(lines), findings=tuple(rows))


def channels(values: Mapping[str, Any]) -> list[tuple[str, Callable[[Notice], None]]]:
    """The ways that the settings name: each with what it is called in a message."""
    found: list[tuple[str, Callable[[Notice], None]]] = []
    if values["notify.url"]:
        host = urlsplit(values["notify.url"]).hostname or "?"
        found.append((f"posting to {host}", lambda notice: _post(values["notify.url"], notice)))
    if values["notify.command"]:
        name = values["notify.command"].split()[0]
        found.append((f"command {name}", lambda notice: _run(values["notify.command"], notice)))
    if values["notify.mail_to"]:
        server = values["notify.mail_server"] or "no server"
        found.append((f"e-mail by {server}", lambda notice: _mail(values, notice, os.environ)))
    return found


def send(values: Mapping[str, Any], notice: Notice) -> list[str]:
    """Sends a notice to every address; one line for each that did not take it."""
    problems = []
    for name, deliver in channels(values):
        try:
            deliver(notice)
        except (
            LesionsError,
            OSError,
            HTTPException,
            smtplib.SMTPException,
            subprocess.SubprocessError,
            ValueError,
        ) as error:
            problems.append(f"notice of {notice.event} not delivered ({name}): {_reason(error)}")
    return problems


def _reason(error: Exception) -> str:
    """An error in words that repeat neither the address nor a password."""
    if isinstance(error, urllib.error.HTTPError):
        return f"it answers {error.code} {error.reason}"
    if isinstance(error, urllib.error.URLError):
        return str(error.reason)
    if isinstance(error, subprocess.TimeoutExpired):
        return f"it has not ended after {COMMAND_SECONDS:.0f} s"
    if isinstance(error, ValueError | HTTPException) and not isinstance(error, OSError):
        return "its address cannot be used"
    text = " ".join(str(error).split()) or type(error).__name__
    secret = os.environ.get(PASSWORD, "")
    return text.replace(secret, "...") if secret else text


class _Straight(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: it would be asked again by GET, without the notice."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def _post(url: str, notice: Notice) -> None:
    if urlsplit(url).scheme not in ("http", "https"):
        raise LesionsError("notify.url begins with neither http:// nor https://.")
    request = urllib.request.Request(
        url,
        data=notice.to_json().encode(),
        headers={"Content-Type": "application/json", "User-Agent": "lesion-warehouse"},
        method="POST",
    )
    with urllib.request.build_opener(_Straight).open(request, timeout=PATIENCE_SECONDS):
        pass


def _run(command: str, notice: Notice) -> None:
    environment = {name: text for name, text in os.environ.items() if name != PASSWORD}
    done = subprocess.run(
        shlex.split(command),
        input=notice.to_json() + "\n",
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        env=environment,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise LesionsError(f"it ended with status {done.returncode}. {' '.join(last)}".strip())


def _mail(values: Mapping[str, Any], notice: Notice, environment: Mapping[str, str]) -> None:
    missing = [n for n in ("notify.mail_from", "notify.mail_server") if not values[n]]
    if missing:
        raise LesionsError(f"{' and '.join(missing)} must be set in lesions.toml too.")
    security, user = values["notify.mail_security"], values["notify.mail_user"]
    password = environment.get(PASSWORD, "")
    if user and not password:
        raise LesionsError(f"the environment has no {PASSWORD} for notify.mail_user.")
    if user and security == "none":
        raise LesionsError("no password is sent unencrypted: set notify.mail_security.")
    host, port = _server(values["notify.mail_server"], PORTS[security])
    context = ssl.create_default_context()
    server: smtplib.SMTP = (
        smtplib.SMTP_SSL(host, port, timeout=PATIENCE_SECONDS, context=context)
        if security == "tls"
        else smtplib.SMTP(host, port, timeout=PATIENCE_SECONDS)
    )
    with server:
        if security == "starttls":
            server.starttls(context=context)
        if user:
            server.login(user, password)
        server.send_message(_message(values, notice))


def _server(text: str, usual_port: int) -> tuple[str, int]:
    host, _, port = text.partition(":")
    if port and not port.isdigit():
        raise LesionsError("notify.mail_server is host or host:port.")
    return host, int(port or usual_port)


def _message(values: Mapping[str, Any], notice: Notice) -> EmailMessage:
    message = EmailMessage()
    what = "failed" if notice.event == "failure" else "new critical findings"
    message["Subject"] = f"lesions: {notice.project}: {what}"
    message["From"] = values["notify.mail_from"]
    message["To"] = values["notify.mail_to"]
    message["Date"] = formatdate(notice.at.timestamp())
    message["Message-ID"] = make_msgid(domain="lesion-warehouse.invalid")
    message.set_content(notice.text + "\n")
    return message


def _digest(finding_id: str) -> str:
    """Of a finding's id, which may hold a patient's."""
    return sha256(finding_id.encode()).hexdigest()[:20]
