"""Policy files for tests, and how their numbers are found again in messages."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Iterator


def write_policy(path: Path, policy: dict[str, Any]) -> Path:
    """A TOML file of these keys; a nested table's are written with dots. JSON's texts and numbers are TOML's."""
    path.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in dotted(policy)))
    return path


def dotted(table: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The keys of a table and of those in it, outermost first."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from dotted(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def mentions_number(text: str, number: int) -> bool:
    """Whether `text` names `number`, however its digits are grouped."""
    return str(number) in re.sub(r"(?<=\d)[,_ \u202f](?=\d)", "", text)
