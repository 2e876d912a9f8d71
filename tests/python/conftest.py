"""One helper process for the whole run: files in, voxels and headers out.

VOLUME_IO names the helper, built from crates/volume/examples/volume_io.rs.
"""

import itertools
import json
import os
import subprocess

import numpy as np
import pytest


class Helper:
    """Speaks with the helper process, one request at a time."""

    def __init__(self, program, folder):
        self.process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.folder = folder
        self.names = itertools.count()

    def path(self, suffix):
        """A path that no test has used before."""
        return str(self.folder / f"{next(self.names)}{suffix}")

    def ask(self, command, **request):
        self.process.stdin.write(json.dumps({"command": command, **request}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"the helper died on {command} {request}"
        return json.loads(line)

    def read(self, file, frame=0):
        """Header and stored values (axes i, j, k) of one frame."""
        raw = self.path(".raw")
        header = self.ask("read", file=str(file), frame=frame, raw=raw)
        assert "error" not in header, header
        voxels = np.fromfile(raw, dtype=header["type"]).reshape(header["shape"], order="F")
        os.remove(raw)
        header["affine"] = np.array(header["affine"])
        return header, voxels

    def refuse(self, file, frame=0):
        """The answer to a file that must be refused."""
        answer = self.ask("read", file=str(file), frame=frame, raw=os.devnull)
        assert "error" in answer, answer
        return answer

    def write_mask(self, source, labels, suffix):
        """Writes labels (axes i, j, k) on the grid of a file; the path of the mask."""
        raw, out = self.path(".raw"), self.path(suffix)
        labels.astype(np.uint8).ravel(order="F").tofile(raw)
        answer = self.ask("mask", source=str(source), raw=raw, out=out)
        assert "error" not in answer, answer
        os.remove(raw)
        return out


@pytest.fixture(scope="session")
def helper(tmp_path_factory):
    program = os.environ.get("VOLUME_IO")
    if not program:
        pytest.exit("VOLUME_IO must name the built example volume_io", returncode=1)
    helper = Helper(program, tmp_path_factory.mktemp("volumes"))
    yield helper
    helper.process.stdin.close()
    assert helper.process.wait(timeout=10) == 0


@pytest.fixture
def rng():
    return np.random.default_rng(20240611)
