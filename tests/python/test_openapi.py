"""The server answers whatever a client sends as its OpenAPI document says, and never with a 500."""

import subprocess
import sys
from pathlib import Path

from voxloop import Voxloop, needs_binary

CHECKS = ",".join([
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
])


@needs_binary
def test_every_answer_is_documented(tmp_path):
    server = Voxloop(tmp_path)
    server.ask("POST", "/api/v1/sample")
    run = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"), "run", f"http://{server.address}/openapi.json",
            "--seed", "20261120", "--max-examples", "15", "--checks", CHECKS,
            "--request-timeout", "30", "--no-color",
            # An endless stream, and a request that is held: they have tests of their own.
            "--exclude-path", "/events/stream", "--exclude-path", "/api/v1/claims",
        ],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )
    health = server.ask("GET", "/health")
    server.kill()
    assert run.returncode == 0, run.stdout[-20_000:]
    assert b"ok" in health
