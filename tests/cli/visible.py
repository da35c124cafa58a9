"""What may reach a terminal: characters that are only seen."""

from __future__ import annotations

import unicodedata

# Steers a terminal, turns text around, hides, or ends a line in one of the ways that they can be ended.
HOSTILE = "\x1b]52;c;aGk=\x07\x1b[2J\x9b31m\x08\r\u202e\u2066\u200f\u061c\u200b\ufeff\u2028\u2029\u0085\ue000\U000e0041"


def hidden(text: str) -> list[str]:
    """The characters of a text that do more than being seen."""
    return [f"U+{ord(char):04X}" for char in text
            if char not in "\n\t" and unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")]
