"""Takes the fixtures that start kernels, and gives notebooks and an S3 server. A stand-in has no sessions: all is skipped then."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Iterator

import pytest

from fixtures import Start, home_of_its_own, start  # noqa: F401
from frontend import KERNEL_NAME, SANDBOXED
from notebook import Notebook
from s3 import Bucket, Server

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if SANDBOXED:
        return
    skip = pytest.mark.skip(reason=f"only the sandboxed kernel does this, and the stand-in {KERNEL_NAME} is under test")
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(skip)


@pytest.fixture
def notebook(tmp_path: Path, start: Start) -> Notebook:  # noqa: F811
    """A notebook whose sessions are kept in a data directory of the test's own."""
    return Notebook(start, tmp_path / "data")


@pytest.fixture
def notebooks(tmp_path: Path, start: Start) -> Callable[..., Notebook]:  # noqa: F811
    """Makes more of them, in the same data directory."""
    return lambda name, **options: Notebook(start, options.pop("data", tmp_path / "data"), name=name, **options)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """An S3-compatible server of this module's own."""
    with Server() as server:
        yield server


@pytest.fixture
def bucket(server: Server) -> Bucket:
    """An empty bucket."""
    return server.bucket()
