"""`decimal` in Python, quickened: value, exponent and flags are those of the module as it was, and the values those of `_decimal`."""

from __future__ import annotations

import decimal
import importlib.util
import random
import sys
from types import ModuleType
from typing import Any

import pytest
from guests import BRIDGE

sys.path.insert(0, str(BRIDGE / "cellblock_bridge" / "supplied"))
import decimals  # noqa: E402  # on its own: the package would bring IPython up


def copy_of_pydecimal() -> ModuleType:
    spec = importlib.util.find_spec("_pydecimal")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SLOW, QUICK = copy_of_pydecimal(), copy_of_pydecimal()
decimals.quicken(QUICK)

OPERATIONS = {
    "+": lambda m, x, y: x + y,
    "reflected +": lambda m, x, y: y + x,
    "-": lambda m, x, y: x - y,
    "reflected -": lambda m, x, y: y - x,
    "*": lambda m, x, y: x * y,
    "reflected *": lambda m, x, y: y * x,
    "/": lambda m, x, y: x / y,
    "reflected /": lambda m, x, y: y / x,
    "quantize": lambda m, x, y: x.quantize(y),
    "quantize up": lambda m, x, y: x.quantize(m.Decimal("0.001"), rounding=m.ROUND_HALF_UP),
    "round": lambda m, x, y: round(x, 2),
    "sum": lambda m, x, y: sum([x, y, x, y]),
    "new": lambda m, x, y: x,
}
MODES = [name for name in vars(decimal) if name.startswith("ROUND_")]
TRAPS = [["InvalidOperation", "DivisionByZero", "Overflow"]] * 5 + [[], ["Inexact"], ["Rounded"], ["Subnormal", "Underflow"]]


def a_number(chance: random.Random) -> str:
    digits = "".join(chance.choices("0123456789", k=chance.choice([1, 2, 3, 5, 9, 20, 28, 29, 40])))
    if chance.random() < 0.1:
        digits = chance.choice(["0", "1", "5", "10", "00", "999999999", "0005", "25", "75", "125"])
    point = chance.randrange(len(digits) + 1)
    text = chance.choice(["", "-", "", "+"]) + digits[:point] + ("." if chance.random() < 0.7 else "") + digits[point:]
    if chance.random() < 0.2:
        text += f"E{chance.choice([0, 1, -1, 5, -5, 30, -30, 90, -90, 999, -999, 5000])}"
    return chance.choice(["NaN", "Infinity", "-Infinity", "sNaN", "NaN12"]) if chance.random() < 0.02 else text


def ended(module: Any, what: str, first: str, second: str | int, context: dict[str, Any]) -> tuple[Any, list[str]]:
    traps = [getattr(module, name) for name in context["traps"]]
    own = module.Context(**{**context, "traps": traps, "flags": []})
    module.setcontext(own)
    try:
        made = second if isinstance(second, int) else module.Decimal(second)
        value = OPERATIONS[what](module, module.Decimal(first), made)
        result = (str(value), tuple(value.as_tuple()))
    except (ArithmeticError, AttributeError) as error:
        result = type(error).__name__
    return result, sorted(flag.__name__ for flag, raised in own.flags.items() if raised)


@pytest.mark.parametrize("seed", range(4))
def test_results_and_flags_are_those_of_the_specification(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(6_000):
        what, first = chance.choice(list(OPERATIONS)), a_number(chance)
        second = chance.randrange(-1000, 1000) if chance.random() < 0.15 else a_number(chance)
        context = {"prec": chance.choice([28, 28, 28, 9, 5, 1, 60]), "rounding": chance.choice([*MODES, *["ROUND_HALF_EVEN"] * 6]),
                   "Emin": chance.choice([-999999, -999999, -999, -20, 0]), "Emax": chance.choice([999999, 999999, 999, 20]),
                   "clamp": chance.choice([0, 0, 0, 0, 1]), "traps": chance.choice(TRAPS)}
        slow, quick = (ended(module, what, first, second, context) for module in (SLOW, QUICK))
        assert quick == slow, (what, first, second, context)
        if len(context["traps"]) == 3:
            assert quick[0] == ended(decimal, what, first, second, context)[0], (what, first, second, context)


def test_the_common_cases_take_the_short_way() -> None:
    QUICK.setcontext(QUICK.Context())
    number = QUICK.Decimal
    assert str(number("1.10") + number("2.2") * 3 - 1) == "6.70" and str(number(1) / number(3)) == "0." + "3" * 28
    assert str(number("2.675").quantize(number("0.01"))) == "2.68" and str(sum([number("0.1")] * 3)) == "0.3"
    assert number.__add__.__qualname__ == "Decimal.__add__" and type(number("1")) is number


def test_what_derives_from_it_is_made_as_before() -> None:
    class Price(QUICK.Decimal):
        pass

    assert type(Price("1.5")) is Price and str(Price("1.5") + 1) == "2.5" and type(Price(2) + Price(3)) is QUICK.Decimal
