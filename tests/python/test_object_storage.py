"""Images and masks in an S3-compatible bucket, with moto as the storage."""

import json
import shutil
import uuid

import boto3
import nibabel
import numpy
import pytest
from moto.server import ThreadedMotoServer

from voxloop import Voxloop, needs_binary


@pytest.fixture(scope="module")
def storage():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def serve(folder, endpoint, bucket):
    return Voxloop(
        folder,
        AWS_ENDPOINT=endpoint,
        AWS_ALLOW_HTTP="true",
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",
        AWS_REGION="us-east-1",
        OBJECT_STORE_URL=f"s3://{bucket}/voxloop",
    )


def upload(server, data):
    body = (
        b'--b\r\ncontent-disposition: form-data; name="file"; filename="a.nii.gz"\r\n\r\n'
        + data
        + b"\r\n--b--\r\n"
    )
    return json.loads(server.ask("POST", "/api/v1/jobs", body, "multipart/form-data; boundary=b"))


@needs_binary
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

    server = serve(tmp_path, storage, bucket)
    job = upload(server, data)
    sha256 = job["image"]["sha256"]
    keys = [it["Key"] for it in client.list_objects_v2(Bucket=bucket)["Contents"]]
    assert keys == [f"voxloop/blobs/{sha256[:2]}/{sha256}"]
    server.kill()

    # Another server of the same bucket, without the first one's local copies.
    shutil.rmtree(tmp_path / "temp")
    server = serve(tmp_path, storage, bucket)
    path = f"/api/v1/jobs/{job['job_id']}"
    assert server.ask("GET", f"{path}/image") == data
    server.ask("DELETE", path)
    assert client.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    server.kill()
