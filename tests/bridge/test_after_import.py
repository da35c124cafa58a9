"""Changing a module right after it was imported."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from guests import BRIDGE

sys.path.insert(0, str(BRIDGE / "cellblock_bridge"))
from after_import import after_import  # noqa: E402  # on its own: the package would bring IPython up


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    (tmp_path / "a_module_of_this_test.py").write_text("value = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    yield "a_module_of_this_test"
    sys.modules.pop("a_module_of_this_test", None)


def widen(module: ModuleType) -> None:
    module.value += 41


def test_a_module_is_changed_when_it_has_been_imported(module: str) -> None:
    after_import(module, widen)
    assert module not in sys.modules
    imported = importlib.import_module(module)
    assert imported.value == 42
    assert importlib.import_module(module).value == 42, "once"


def test_a_module_that_is_there_is_changed_at_once(module: str) -> None:
    importlib.import_module(module)
    after_import(module, widen)
    assert importlib.import_module(module).value == 42


def test_nothing_is_left_of_it(module: str) -> None:
    after_import(module, widen)
    imported = importlib.import_module(module)
    assert "after_import" not in type(imported.__loader__).__module__ and imported.__spec__.loader is imported.__loader__
    assert inspect.getsource(imported) == "value = 1\n"


def test_a_module_that_is_not_there_is_not_found(module: str) -> None:
    after_import("no_module_of_this_name", widen)
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("no_module_of_this_name")
