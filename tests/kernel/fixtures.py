"""Fixtures of the tests that start kernels; their folders' `conftest.py` take them from here."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from frontend import Frontend
from policies import write_policy


@pytest.fixture(scope="session", autouse=True)
def home_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """History, configuration and figures' font cache go to a directory of this run, not the user's."""
    home = tmp_path_factory.mktemp("home")
    patch = pytest.MonkeyPatch()
    for name in ("IPYTHONDIR", "MPLCONFIGDIR", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        patch.setenv(name, str(home / name.lower()))
    yield
    patch.undo()


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Frontend]:
    """One kernel for a whole module: each test must leave it idle."""
    kernel = Frontend(stderr_path=tmp_path_factory.mktemp("kernel") / "stderr")
    yield kernel
    kernel.close()


Start = Callable[..., Frontend]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts kernels of the test's own; options as for `Frontend`, and `policy` as a table."""
    kernels: list[Frontend] = []

    def begin(*, policy: dict[str, Any] | None = None, **options: Any) -> Frontend:
        if policy is not None:
            options["arguments"] = ("--policy", str(write_policy(tmp_path / f"policy-{len(kernels)}.toml", policy)))
        options.setdefault("stderr_path", tmp_path / f"stderr-{len(kernels)}")
        kernel = Frontend(**options)
        kernels.append(kernel)
        return kernel

    yield begin
    for kernel in kernels:
        kernel.close()
