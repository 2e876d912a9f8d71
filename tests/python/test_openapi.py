"""The server answers whatever a client sends as its OpenAPI document says, and never with a 500."""

import subprocess
import sys
from pathlib import Path

import pytest

from voxloop import Voxloop, needs_binary

CHECKS = ",".join([
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
])


TOKEN = "a-token-of-28-characters-001"


def check_answers(server, folder, n_examples, *options):
    """Every answer of every route is one that the document has."""
    run = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"), "run", f"http://{server.address}/openapi.json",
            "--seed", "20261120", "--max-examples", str(n_examples), "--checks", CHECKS,
            "--request-timeout", "30", "--no-color",
            # An endless stream, and requests that are held: they have tests of their own.
            "--exclude-path", "/events/stream", "--exclude-path", "/api/v1/claims",
            "--exclude-path", "/api/pathology/analyze/", *options,
        ],
        cwd=folder, capture_output=True, text=True, check=False,
    )
    health = server.ask("GET", "/health")
    server.kill()
    assert run.returncode == 0, run.stdout[-20_000:]
    assert b"ok" in health


@needs_binary
def test_every_answer_is_documented(tmp_path):
    server = Voxloop(tmp_path)
    server.ask("POST", "/api/v1/sample")
    check_answers(server, tmp_path, 15)


@needs_binary
@pytest.mark.parametrize("header", [f"Authorization: Bearer {TOKEN}", "Authorization: Bearer wrong"])
def test_every_answer_of_a_server_with_a_token_is_documented(tmp_path, header):
    (tmp_path / "token").write_text(TOKEN)
    check_answers(Voxloop(tmp_path, TOKEN_FILE="token"), tmp_path, 3, "--header", header)
