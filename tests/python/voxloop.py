"""A `voxloop serve` process; VOXLOOP_BIN names the binary, `make test` sets it."""

import os
import re
import subprocess
import threading
import urllib.request

import pytest

PROGRAM = os.environ.get("VOXLOOP_BIN")

needs_binary = pytest.mark.skipif(not PROGRAM, reason="VOXLOOP_BIN is not set; `make test` sets it")


class Voxloop:
    """A server process on a free port, in a folder of its own, with these settings."""

    def __init__(self, folder, **settings):
        self.process = subprocess.Popen(
            [PROGRAM, "serve", "--listen", "127.0.0.1:0"],
            cwd=folder,
            env={"PATH": os.environ["PATH"], **settings},
            stderr=subprocess.PIPE,
            text=True,
        )
        for line in self.process.stderr:
            if found := re.search(r"http://([^/]+)/", line):
                self.address = found.group(1)
                # The log is read on, so that the server never waits for a full pipe.
                threading.Thread(target=self.process.stderr.read, daemon=True).start()
                return
        pytest.fail("the server ended before it listened")

    def ask(self, method, path, body=None, content_type="application/json"):
        request = urllib.request.Request(
            f"http://{self.address}{path}", data=body, method=method, headers={"content-type": content_type}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read()

    def kill(self):
        self.process.kill()
        self.process.wait()
