"""`locale.setlocale`: the C library takes any name, and then goes on as before.

Only what has an effect, or needs none, is accepted. Of `en_US` the conventions for numbers and money are
given, which is what notebooks set it for; how the C library itself writes dates and `{:n}` stays that of C.
"""

from __future__ import annotations

import functools
import locale
import sys
from typing import Any

_PLAIN = frozenset(["", "c", "posix", "c.utf-8", "c.utf8", "en_us.utf-8", "en_us.utf8", "en_us"])
_AMERICAN_NUMBERS = {"decimal_point": ".", "thousands_sep": ",", "grouping": [3, 3, 0]}
_AMERICAN_MONEY = {
    "int_curr_symbol": "USD ",
    "currency_symbol": "$",
    "mon_decimal_point": ".",
    "mon_thousands_sep": ",",
    "mon_grouping": [3, 3, 0],
    "positive_sign": "",
    "negative_sign": "-",
    "int_frac_digits": 2,
    "frac_digits": 2,
    "p_cs_precedes": 1,
    "p_sep_by_space": 0,
    "n_cs_precedes": 1,
    "n_sep_by_space": 0,
    "p_sign_posn": 1,
    "n_sign_posn": 1,
}


def _is_known(name: str) -> bool:
    # What was asked for before and is set again may list the categories one by one.
    return all(part.rpartition("=")[2].strip().lower() in _PLAIN for part in name.split(";"))


def _careful(setlocale: Any) -> Any:
    @functools.wraps(setlocale)
    def set_known_locale(category: int, locale: Any = None) -> str:
        wanted = locale
        if wanted is not None:
            if not isinstance(wanted, str):
                wanted = _module.normalize(_module._build_localename(wanted))
            if not _is_known(wanted):
                raise _module.Error("unsupported locale setting")
        found: str = setlocale(category, wanted)
        if wanted is not None:
            _follow()
        return found

    def _follow() -> None:
        _module._override_localeconv.clear()
        for category, conventions in (
            (_module.LC_NUMERIC, _AMERICAN_NUMBERS),
            (_module.LC_MONETARY, _AMERICAN_MONEY),
        ):
            if setlocale(category, None).lower().startswith("en_us"):
                _module._override_localeconv.update(conventions)

    return set_known_locale


_module: Any = locale


def install() -> None:
    """Have nonsense refused."""
    if sys.platform == "wasi":
        locale.setlocale = _careful(locale.setlocale)
