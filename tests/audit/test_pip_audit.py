"""pip-audit itself, with a database on this machine: what we read is what it writes."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.audit import vulnerabilities
from tests.audit.vulnerabilities import VULNERABLE

KNOWN = {
    "id": "PYSEC-2021-142",
    "aliases": ["CVE-2020-14343"],
    "summary": "arbitrary code execution",
    "modified": "2021-01-01T00:00:00Z",
    "affected": [
        {
            "package": {"name": "pyyaml", "ecosystem": "PyPI"},
            "ranges": [
                {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "5.4"}]},
            ],
        }
    ],
}


class _Database(BaseHTTPRequestHandler):
    """Knows one vulnerability, in the form of OSV."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        found = {"vulns": [KNOWN]} if asked["package"]["name"] == "pyyaml" else {}
        body = json.dumps(found).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Database) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()


def test_pip_audit_is_understood(address: str) -> None:
    """Its real output names what is vulnerable, and counts what was looked at."""

    def run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        asked = [*command, "--vulnerability-service", "osv", "--osv-url", address]
        return subprocess.run(asked, capture_output=True, text=True, check=False, timeout=60)

    found = vulnerabilities.look_at_all([VULNERABLE, ("idna", "3.10")], run=run)
    sentence = "pyyaml 5.3: PYSEC-2021-142 (CVE-2020-14343), fixed in 5.4."
    assert found == ([sentence], [], 2, "")


def test_a_database_that_is_away_is_understood() -> None:
    """Where nobody answers, the real pip-audit ends in an error, and nothing counts as checked."""

    def run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        nobody = ["--vulnerability-service", "osv", "--osv-url", "http://127.0.0.1:9/v1/query"]
        asked = [*command, *nobody]
        return subprocess.run(asked, capture_output=True, text=True, check=False, timeout=60)

    found = vulnerabilities.look_at_all([("idna", "3.10")], run=run)
    assert (found.vulnerable, found.unchecked, found.checked) == ([], ["idna"], 0)
    assert "127.0.0.1" in found.why
