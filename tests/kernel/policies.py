"""Policy files for tests, and how their numbers are found again in messages."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any


def write_policy(path: Path, policy: dict[str, Any]) -> Path:
    """A TOML file of these keys; JSON's texts and numbers are TOML's."""
    path.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in policy.items()))
    return path


def mentions_number(text: str, number: int) -> bool:
    """Whether `text` names `number`, however its digits are grouped."""
    return str(number) in re.sub(r"(?<=\d)[,_ \u202f](?=\d)", "", text)
