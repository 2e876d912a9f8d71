#!/usr/bin/env python3
"""How long people wait for a mask on a slice they look at, alone and while other slices are encoded.

    pip install numpy nibabel
    tools/sam2/published.py expect --source MedSAM2 --out DIR      # or any checkpoint and its YAML
    cargo build --release
    tools/sam2/prompt.py --model DIR/checkpoint.pt --config DIR/config.yaml

Starts a server on an image of 512 x 512 x 60, has slices prepared, then prompts on them: from the
request to the task's end, over HTTP. Ends with 1 if the background adds more than 50 ms to the 95th
percentile, or the median alone is above 120 ms.
"""

import argparse
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import nibabel
import numpy as np

N_PREPARED = 5
LIMIT_MS, LIMIT_ADDED_MS = 120, 50


class Server:
    """`voxloop serve` in a folder, and a job on it."""

    def __init__(self, args, folder: Path):
        models = folder / "models"
        models.mkdir()
        (models / "MedSAM2_latest.pt").symlink_to(Path(args.model).resolve())
        if args.config:
            shutil.copy(args.config, models / "sam2.1_hiera_t512.yaml")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.kept = folder / "temp" / "embeddings"
        command = [Path(args.voxloop).resolve(), "serve", "--listen", f"127.0.0.1:{port}"]
        self.process = subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)
        while not self.answers():
            time.sleep(0.1)
        self.job = self.open(folder)

    def answers(self) -> bool:
        try:
            return bool(self.ask("/health"))
        except OSError:
            return False

    def ask(self, path: str, body=None, kind="application/json"):
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        request = urllib.request.Request(self.url + path, data, {"content-type": kind})
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read())

    def open(self, folder: Path) -> str:
        rng = np.random.default_rng(1)
        voxels = rng.normal(0, 30, (512, 512, 60)).astype(np.int16)
        voxels[200:300, 180:300, 10:50] += 120
        nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4)), folder / "ct.nii")
        head = b'--b\r\ncontent-disposition: form-data; name="file"; filename="ct.nii"\r\n\r\n'
        form = head + (folder / "ct.nii").read_bytes() + b"\r\n--b--\r\n"
        job = self.ask("/api/v1/jobs", form, "multipart/form-data; boundary=b")["job_id"]
        return f"/api/v1/jobs/{job}"

    def n_kept(self) -> int:
        return sum(1 for _ in self.kept.rglob("*.embedding"))

    def prepare(self, slice_index: int) -> None:
        """Until the slice is encoded."""
        n_before = self.n_kept()
        self.ask(f"{self.job}/prepare", {"axis": 2, "slice_index": slice_index})
        while self.n_kept() == n_before:
            time.sleep(0.05)

    def prompt_ms(self, n: int) -> float:
        box = [180 + n / 10, 160, 320, 310]
        started = time.perf_counter()
        asked = {"axis": 2, "slice_index": n % N_PREPARED, "box": box}
        task = f"/api/v1/tasks/{self.ask(f'{self.job}/initial-mask', asked)['task_id']}"
        while (state := self.ask(task)["state"]) not in ("succeeded", "failed"):
            time.sleep(0.004)
        if state == "failed":
            sys.exit(f"a prompt failed: {self.ask(task)['failure']}")
        return 1e3 * (time.perf_counter() - started)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--config")
    parser.add_argument("--voxloop", default="target/release/voxloop")
    parser.add_argument("--prompts", type=int, default=40)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(args, Path(folder))
        try:
            for slice_index in range(N_PREPARED):
                server.prepare(slice_index)
            alone = [server.prompt_ms(n) for n in range(args.prompts)]
            rng = np.random.default_rng(2)
            beside, stop = [], threading.Event()

            def look_at_others():
                for slice_index in range(N_PREPARED, 60):
                    if stop.is_set():
                        return
                    server.prepare(slice_index)

            others = threading.Thread(target=look_at_others)
            others.start()
            while len(beside) < args.prompts and others.is_alive():
                beside.append(server.prompt_ms(args.prompts + len(beside)))
                time.sleep(rng.uniform(0, 0.25))
            stop.set()
            others.join()
        finally:
            server.process.terminate()
            server.process.wait()
    for name, times in [("alone", alone), ("beside the background", beside)]:
        median, p95 = np.percentile(times, [50, 95])
        print(f"{name}: median {median:.0f} ms, 95th percentile {p95:.0f} ms, {len(times)} prompts")
    added = np.percentile(beside, 95) - np.percentile(alone, 95)
    return 0 if np.median(alone) <= LIMIT_MS and added <= LIMIT_ADDED_MS else 1


if __name__ == "__main__":
    sys.exit(main())
