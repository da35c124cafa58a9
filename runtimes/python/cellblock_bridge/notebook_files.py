"""Notebooks as files: their code cells read for `%run`, the session's cells written for `%notebook`."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from IPython.core.error import UsageError


# Notebooks may run each other so deep: each level takes calls of the interpreter's, which has a limit of them.
_DEEPEST = 8

_running: list[Path] = []


@contextmanager
def running(path: Path) -> Iterator[None]:
    """Note that a notebook runs, unless it does already, or too many run each other."""
    path = path.resolve()
    chain = " runs ".join(each.name for each in [*_running, path])
    if path in _running:
        raise UsageError(f"{path.name} is running already: {chain}")
    if len(_running) >= _DEEPEST:
        raise UsageError(f"notebooks run each other at most {_DEEPEST} deep: {chain}")
    _running.append(path)
    try:
        yield
    finally:
        _running.remove(path)


def code_cells(path: Path) -> list[str]:
    """The sources of a notebook's code cells, of any version of the format."""
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        sheets = notebook.get("worksheets")  # up to version 3
        parts = sheets if sheets is not None else [notebook]
        cells = [cell for part in parts for cell in part.get("cells", [])]
        # `input` up to version 3
        sources = [
            cell["source"] if "source" in cell else cell["input"]
            for cell in cells
            if cell.get("cell_type") == "code"
        ]
        return [text if isinstance(text, str) else "".join(text) for text in sources]
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise UsageError(f"{path.name} is not a notebook: {error}") from None


def write(path: Path, cells: list[tuple[int, str]], results: Mapping[int, Any]) -> None:
    """Write cells, each with its number, and the texts of their results."""
    notebook = {
        "cells": [_cell(count, source, results.get(count)) for count, source in cells],
        "metadata": {"language_info": {"name": "python", "version": platform.python_version()}},
        "nbformat": 4,
        "nbformat_minor": 4,
    }
    path.write_text(json.dumps(notebook, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _cell(count: int, source: str, result: Any) -> dict[str, Any]:
    outputs = []
    if isinstance(result, str):
        outputs.append(
            {
                "output_type": "execute_result",
                "data": {"text/plain": result},
                "metadata": {},
                "execution_count": count,
            }
        )
    return {
        "cell_type": "code",
        "execution_count": count,
        "metadata": {},
        "outputs": outputs,
        "source": source,
    }
