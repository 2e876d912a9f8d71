"""Images and masks in an S3-compatible bucket, with moto as the storage."""

import json
import os
import re
import shutil
import subprocess
import urllib.request
import uuid

import boto3
import nibabel
import numpy
import pytest
from moto.server import ThreadedMotoServer

VOXLOOP = os.environ.get("VOXLOOP_BIN")


@pytest.fixture(scope="module")
def storage():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


class Voxloop:
    """A server process on a free port, with its blobs in a bucket."""

    def __init__(self, folder, endpoint, bucket):
        env = {
            "PATH": os.environ["PATH"],
            "AWS_ENDPOINT": endpoint,
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
            "OBJECT_STORE_URL": f"s3://{bucket}/voxloop",
        }
        self.process = subprocess.Popen(
            [VOXLOOP, "serve", "--listen", "127.0.0.1:0"],
            cwd=folder, env=env, stderr=subprocess.PIPE, text=True,
        )
        for line in self.process.stderr:
            if found := re.search(r"http://([^/]+)/", line):
                self.address = found.group(1)
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
        self.process.stderr.close()


def upload(server, data):
    body = (
        b'--b\r\ncontent-disposition: form-data; name="file"; filename="a.nii.gz"\r\n\r\n'
        + data
        + b"\r\n--b--\r\n"
    )
    return json.loads(server.ask("POST", "/api/v1/jobs", body, "multipart/form-data; boundary=b"))


@pytest.mark.skipif(not VOXLOOP, reason="VOXLOOP_BIN is not set; `make test` sets it")
def test_images_live_in_the_bucket_and_leave_it_with_their_job(storage, tmp_path):
    bucket = f"b{uuid.uuid4().hex}"
    client = boto3.client(
        "s3", endpoint_url=storage, region_name="us-east-1",
        aws_access_key_id="test", aws_secret_access_key="test",
    )
    client.create_bucket(Bucket=bucket)
    voxels = numpy.random.default_rng(0).integers(-1000, 1000, (24, 20, 12), dtype=numpy.int16)
    nibabel.save(nibabel.Nifti1Image(voxels, numpy.diag([1.0, 1.0, 3.0, 1.0])), tmp_path / "a.nii.gz")
    data = (tmp_path / "a.nii.gz").read_bytes()

    server = Voxloop(tmp_path, storage, bucket)
    job = upload(server, data)
    sha256 = job["image"]["sha256"]
    keys = [it["Key"] for it in client.list_objects_v2(Bucket=bucket)["Contents"]]
    assert keys == [f"voxloop/blobs/{sha256[:2]}/{sha256}"]
    server.kill()

    # Another server of the same bucket, without the first one's local copies.
    shutil.rmtree(tmp_path / "temp")
    server = Voxloop(tmp_path, storage, bucket)
    path = f"/api/v1/jobs/{job['job_id']}"
    assert server.ask("GET", f"{path}/image") == data
    server.ask("DELETE", path)
    assert client.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    server.kill()
