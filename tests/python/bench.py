"""Times our NIfTI reader and mask writer against nibabel's, in turns, on one machine.

python bench.py VOLUME_IO [FOLDER]: prints best times in milliseconds and their ratios.
"""

import sys
import tempfile
import time
from pathlib import Path

import nibabel as nib
import numpy as np

from conftest import Helper

SHAPE = [512, 512, 300]
ROUNDS = 5


def timed(action):
    start = time.perf_counter()
    action()
    return (time.perf_counter() - start) * 1000


def main(program, folder):
    helper = Helper(program, folder)
    image, labels = helper.path(".nii.gz"), helper.path(".label.nii.gz")
    helper.ask("phantom", kind="ct", shape=SHAPE, out=image, labels=labels)
    mask = np.asarray(nib.load(labels).dataobj)
    raw = helper.path(".raw")
    mask.ravel(order="F").tofile(raw)
    affine = nib.load(image).affine
    n_bytes = 2 * int(np.prod(SHAPE))
    reads, writes, peaks = [], [], []
    for _ in range(ROUNDS):
        fresh = Helper(program, folder)
        ours = fresh.ask("time_read", file=image)
        peaks.append(ours["peak_kib"] or 0)
        reads.append((ours["ms"], timed(lambda: np.asarray(nib.load(image).dataobj))))
        ours = fresh.ask("time_mask", source=image, raw=raw, out=helper.path(".nii.gz"))
        theirs = helper.path(".nii.gz")
        writes.append((ours["ms"], timed(lambda: nib.save(nib.Nifti1Image(mask, affine), theirs))))
        fresh.process.stdin.close()
        fresh.process.wait()
    for what, times in (("read", reads), ("write mask", writes)):
        ours, theirs = (min(column) for column in zip(*times))
        print(f"{what}: {ours:.0f} ms, nibabel {theirs:.0f} ms, ratio {ours / theirs:.2f}")
    print(f"peak memory while reading: {max(peaks) * 1024 / n_bytes:.2f} of the voxels")
    helper.process.stdin.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as folder:
        main(sys.argv[1], Path(folder))
