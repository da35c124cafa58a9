"""The session store on an S3-compatible server, moto's: it runs the Rust test that needs one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEST = "store::tests::s3::a_session_lives_in_a_bucket"


@pytest.fixture
def server() -> Iterator[str]:
    """The address of a server with the bucket `cells`, at a port that the system chose."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None
        address = f"http://127.0.0.1:{int(process.stdout.readline())}"
        deadline = time.monotonic() + 60
        while True:
            try:
                # moto believes anybody.
                request = urllib.request.Request(f"{address}/cells", method="PUT", data=b"")
                urllib.request.urlopen(request, timeout=10).close()
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < deadline, "the server does not answer"
        yield address
    finally:
        process.kill()
        process.wait()


SERVE = """
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server
server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
print(server.port, flush=True)
server.serve_forever()
"""


def test_a_session_lives_in_a_bucket(server: str) -> None:
    settings = {
        "CELLBLOCK_TEST_S3": "s3://cells/some/prefix",
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT": server,
        "AWS_ALLOW_HTTP": "true",
    }
    command = ["cargo", "test", "--release", "--lib", "--", "--exact", "--ignored", TEST]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | settings, capture_output=True, text=True, timeout=1800, check=False
    )
    assert done.returncode == 0 and "1 passed" in done.stdout, done.stdout + done.stderr
