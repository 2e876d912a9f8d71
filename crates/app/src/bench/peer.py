"""The peers of `voxloop bench`: nibabel for files, a bare FastAPI for requests.

peers                    versions of the peers, null where one is missing
read IMAGE               reads a volume
write IMAGE LABELS OUT   writes a mask on a volume's grid
serve PORT               answers GET /health until it is stopped

Each answers with one line of JSON; times are those of the step alone, without imports.
"""

import importlib.metadata
import json
import sys
import time


def peers():
    found = {"nibabel": None, "fastapi": None, "torch": None}
    try:
        import nibabel

        found["nibabel"] = nibabel.__version__
    except ImportError:
        pass
    try:
        import fastapi
        import uvicorn  # noqa: F401

        found["fastapi"] = fastapi.__version__
    except ImportError:
        pass
    try:
        found["torch"] = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        pass
    return found


def peak_bytes():
    try:
        with open("/proc/self/status") as status:
            lines = [it.split() for it in status if it.startswith("VmHWM:")]
        return int(lines[0][1]) * 1024
    except (OSError, IndexError):
        return None


def read(image):
    import nibabel
    import numpy

    start = time.perf_counter()
    voxels = numpy.asanyarray(nibabel.load(image).dataobj)
    secs = time.perf_counter() - start
    assert voxels.size > 0
    return {"secs": secs, "peak_bytes": peak_bytes()}


def write(image, labels, out):
    import nibabel
    import numpy

    affine = nibabel.load(image).affine
    mask = numpy.asanyarray(nibabel.load(labels).dataobj)
    start = time.perf_counter()
    nibabel.save(nibabel.Nifti1Image(mask, affine), out)
    return {"secs": time.perf_counter() - start, "peak_bytes": peak_bytes()}


def serve(port):
    import uvicorn
    from fastapi import FastAPI

    app = FastAPI()
    started = time.time()

    @app.get("/health")
    async def health():
        uptime = int(time.time() - started)
        memory = {"used_bytes": 1 << 30, "total_bytes": 1 << 33}
        return {"status": "ok", "version": "0.1.0", "uptime_secs": uptime, "gpu": None, "memory": memory}

    uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="error")


ACTIONS = {"peers": peers, "read": read, "write": write, "serve": serve}
print(json.dumps(ACTIONS[sys.argv[1]](*sys.argv[2:])))
