"""Small servers on the loopback address: a webhook that notes what comes, and SMTP."""

from __future__ import annotations

import base64
import json
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass
class Inbox:
    """What a server was given."""

    url: str = ""
    posts: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    mails: list[str] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)


@contextmanager
def webhook(status: int = 200) -> Iterator[Inbox]:
    """Takes every POST, and answers with ``status``."""
    inbox = Inbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            inbox.posts.append(json.loads(body))
            inbox.headers.append(dict(self.headers))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            if status == 302:
                self.send_header("Location", inbox.url + "/elsewhere")
            self.end_headers()

        def do_GET(self) -> None:
            raise AssertionError("a notice is posted")

        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        inbox.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield inbox
        server.shutdown()
        thread.join()


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 and its key, as files."""
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "server.pem", folder / "server.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


@contextmanager
def smtp(certificate: tuple[Path, Path] | None = None, at_once: bool = False) -> Iterator[Inbox]:
    """Takes mail; with a certificate after STARTTLS, or encrypted from the first byte."""
    inbox = Inbox()
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(ssl.SSLError):  # a client that does not trust us hangs up
                self.talk()

        def talk(self) -> None:
            connection = self.request
            is_encrypted = False
            if context is not None and at_once:
                connection = context.wrap_socket(connection, server_side=True)
                is_encrypted = True
            stream = connection.makefile("rwb", buffering=0)
            stream.write(b"220 test\r\n")
            while line := stream.readline().decode().strip():
                word = line.split()[0].upper()
                if word == "EHLO":
                    stream.write(b"250-test\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n")
                elif word == "STARTTLS" and context is not None:
                    stream.write(b"220 go\r\n")
                    connection = context.wrap_socket(connection, server_side=True)
                    stream, is_encrypted = connection.makefile("rwb", buffering=0), True
                elif word == "AUTH":
                    given = base64.b64decode(line.split()[2]).decode().split("\0")
                    inbox.logins.append((given[1], given[2]))
                    is_right = given[2] == "right"
                    stream.write(b"235 ok\r\n" if is_right else b"535 not you, wrong-word\r\n")
                elif word == "DATA":
                    stream.write(b"354 go\r\n")
                    lines = []
                    while (text := stream.readline()) != b".\r\n":
                        lines.append(text.decode())
                    inbox.mails.append("".join(lines))
                    inbox.encrypted.append(is_encrypted)
                    stream.write(b"250 ok\r\n")
                elif word == "QUIT":
                    stream.write(b"221 bye\r\n")
                    return
                else:
                    stream.write(b"250 ok\r\n")

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), Handler) as server:
        inbox.url = f"127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield inbox
        server.shutdown()
        thread.join()
