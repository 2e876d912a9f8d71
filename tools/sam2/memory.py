#!/usr/bin/env python3
"""How much memory and time a propagation through a large volume takes, by its number of slices.

    pip install numpy nibabel
    tools/sam2/published.py expect --source MedSAM2 --out DIR      # or any checkpoint and its YAML
    cargo build --release
    tools/sam2/memory.py --model DIR/checkpoint.pt --config DIR/config.yaml 20 40 80

Makes a volume of 512 x 512 x 300 with one object, follows the object through so many slices, without
a stop rule, and reads from Linux the most that `voxloop segment` ever held (VmHWM). Ends with 1 if
that is above the limit. Without numbers: all 300 slices.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nibabel
import numpy as np

SHAPE = (512, 512, 300)
KEY = 150
BOX = "195,195,315,315"
LIMIT_MIB = 1.2 * 1024


def volume() -> np.ndarray:
    """Noise around a bright column that wanders."""
    rng = np.random.default_rng(7)
    voxels = rng.normal(0, 20, SHAPE).astype(np.int16)
    x, y = np.ogrid[: SHAPE[0], : SHAPE[1]]
    for z in range(SHAPE[2]):
        radius = 45 + 15 * np.sin(z / 40)
        voxels[:, :, z][(x - 255 - z / 20) ** 2 + (y - 255) ** 2 < radius**2] += 120
    voxels[:10] = -1000
    return voxels


def run(command: list[str]) -> tuple[int, float]:
    """The peak in MiB, and the seconds."""
    started = time.monotonic()
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    status, peak_kib = Path(f"/proc/{process.pid}/status"), 0
    while process.poll() is None:
        lines = status.read_text().splitlines() if status.exists() else []
        peak_kib = max([peak_kib, *(int(it.split()[1]) for it in lines if it.startswith("VmHWM"))])
        time.sleep(0.05)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with exit code {process.returncode}")
    return peak_kib >> 10, time.monotonic() - started


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--config")
    parser.add_argument("--voxloop", default="target/release/voxloop")
    parser.add_argument("slices", nargs="*", type=int, default=[SHAPE[2]])
    args = parser.parse_args()
    peaks = []
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "volume.nii"
        nibabel.save(nibabel.Nifti1Image(volume(), np.eye(4)), image)
        for n_slices in args.slices:
            first = max(0, min(KEY - n_slices // 2, SHAPE[2] - n_slices))
            command = [args.voxloop, "segment", str(image), "--slice", str(KEY), "--box", BOX]
            command += ["--range", f"{first}..{first + n_slices - 1}", "--no-stop"]
            command += ["--engine", "medsam2", "--model", args.model, "-o", f"{folder}/mask.nii.gz"]
            command += ["--config", args.config] if args.config else []
            peak_mib, seconds = run(command)
            peaks.append(peak_mib)
            print(f"{n_slices:4} slices: at most {peak_mib} MiB, {seconds:.1f} s", flush=True)
    return 0 if max(peaks) <= LIMIT_MIB else 1


if __name__ == "__main__":
    sys.exit(main())
