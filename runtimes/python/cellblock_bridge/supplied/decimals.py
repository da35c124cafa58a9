"""Decimal numbers without `_decimal`: the common cases of Python's own implementation, in a few steps each.

`_pydecimal` is written to follow its specification, with numbers as texts. What is done here is the
same for finite numbers whose results are ordinary ones: made, added, subtracted, multiplied, divided,
quantized. Whatever is special, zero, subnormal, clamped or trapped is left to it. Results, exponents and
flags are equal, which the tests compare with `_decimal`.
"""

from __future__ import annotations

import decimal
from typing import Any

_FARTHEST = 64
_TENS = [10**power for power in range(_FARTHEST + 1)]

# Whether a remainder rounds away from zero: by the sign, whether the digit before is odd, and how it compares with a half.
_ROUNDS = {
    decimal.ROUND_HALF_EVEN: lambda sign, odd, half: half > 0 or (half == 0 and odd),
    decimal.ROUND_HALF_UP: lambda sign, odd, half: half >= 0,
    decimal.ROUND_HALF_DOWN: lambda sign, odd, half: half > 0,
    decimal.ROUND_DOWN: lambda sign, odd, half: False,
    decimal.ROUND_UP: lambda sign, odd, half: True,
    decimal.ROUND_FLOOR: lambda sign, odd, half: bool(sign),
    decimal.ROUND_CEILING: lambda sign, odd, half: not sign,
}


def install() -> None:
    """Quicken `decimal.Decimal`, if it is the one in Python."""
    try:
        import _pydecimal
    except ImportError:
        return
    if decimal.Decimal is _pydecimal.Decimal:
        quicken(_pydecimal)


def quicken(pydecimal: Any) -> None:
    """Put the short ways before those of the module's `Decimal`."""
    kind, triple, current = pydecimal.Decimal, pydecimal._dec_from_triple, pydecimal.getcontext
    inexact, rounded = pydecimal.Inexact, pydecimal.Rounded
    made, added, subtracted = kind.__new__, kind.__add__, kind.__sub__
    multiplied, divided, quantized = kind.__mul__, kind.__truediv__, kind.quantize

    def operand(value: Any) -> Any:
        """A finite number of the exact type, or none."""
        if type(value) is not kind:
            if type(value) is not int:
                return None
            return triple(int(value < 0), str(abs(value)), 0)
        return None if value._is_special else value

    def cut(sign: int, coefficient: int, drop: int, rounding: str, context: Any) -> Any:
        """Without the last digits: the coefficient and whether that changed the value; none for another's work."""
        rounds = _ROUNDS.get(rounding)
        if rounds is None or drop > _FARTHEST:
            return None
        unit = _TENS[drop]
        coefficient, rest = divmod(coefficient, unit)
        if rest:
            twice = 2 * rest
            half = 0 if twice == unit else 1 if twice > unit else -1
            if rounds(sign, coefficient & 1, half):
                coefficient += 1
        traps = context.traps
        if traps[rounded] or (rest and traps[inexact]):
            return None
        return coefficient, bool(rest)

    def result(sign: int, coefficient: int, exponent: int, context: Any) -> Any:
        """An ordinary number, rounded to the context's precision; none for another's work."""
        if context is None:
            context = current()
        digits = str(coefficient)
        drop = len(digits) - context.prec
        if context.clamp or exponent + len(digits) <= context.Emin:
            return None
        found = None
        if drop > 0:
            found = cut(sign, coefficient, drop, context.rounding, context)
            if found is None:
                return None
            digits = str(found[0])
            if len(digits) > context.prec:
                digits, drop = digits[:-1], drop + 1
            exponent += drop
        if exponent + len(digits) > context.Emax:
            return None
        if found is not None:
            context.flags[rounded] = True
            if found[1]:
                context.flags[inexact] = True
        return triple(sign, digits, exponent)

    def total(self: Any, other: Any, negated: int, context: Any) -> Any:
        other = operand(other)
        if other is None or self._is_special:
            return None
        first, second = int(self._int), int(other._int)
        sign, opposite = self._sign, other._sign ^ negated
        exponent, shift = self._exp, self._exp - other._exp
        if not second:
            return result(sign, first, exponent, context) if first and shift <= 0 else None
        if not first:
            return result(opposite, second, other._exp, context) if shift >= 0 else None
        if not -_FARTHEST <= shift <= _FARTHEST:
            return None
        if shift > 0:
            first *= _TENS[shift]
            exponent -= shift
        else:
            second *= _TENS[-shift]
        value = (-first if sign else first) + (-second if opposite else second)
        return result(int(value < 0), abs(value), exponent, context) if value else None

    def __new__(cls: Any, value: Any = "0", context: Any = None) -> Any:
        if cls is kind:
            if type(value) is str:
                sign = value[:1] == "-"
                whole, _, rest = (value[1:] if sign else value).partition(".")
                digits = whole + rest
                if digits.isdigit() and digits.isascii():
                    return triple(int(sign), digits.lstrip("0") or "0", -len(rest))
            elif type(value) is int:
                return triple(int(value < 0), str(abs(value)), 0)
        return made(cls, value, context)

    def __add__(self: Any, other: Any, context: Any = None) -> Any:
        found = total(self, other, 0, context)
        return added(self, other, context) if found is None else found

    def __sub__(self: Any, other: Any, context: Any = None) -> Any:
        found = total(self, other, 1, context)
        return subtracted(self, other, context) if found is None else found

    def __mul__(self: Any, other: Any, context: Any = None) -> Any:
        second = operand(other)
        if second is not None and not self._is_special:
            product = int(self._int) * int(second._int)
            sign, exponent = self._sign ^ second._sign, self._exp + second._exp
            found = result(sign, product, exponent, context) if product else None
            if found is not None:
                return found
        return multiplied(self, other, context)

    def __truediv__(self: Any, other: Any, context: Any = None) -> Any:
        second = operand(other)
        if second is not None and not self._is_special:
            found = quotient(self, second, current() if context is None else context)
            if found is not None:
                return found
        return divided(self, other, context)

    def quotient(self: Any, other: Any, context: Any) -> Any:
        first, second = int(self._int), int(other._int)
        if not first or not second:
            return None
        shift = len(other._int) - len(self._int) + context.prec + 1
        if not 0 <= shift <= _FARTHEST:
            return None
        ideal = self._exp - other._exp
        exponent = ideal - shift
        coefficient, rest = divmod(first * _TENS[shift], second)
        if rest:
            coefficient += coefficient % 5 == 0  # so that it is not taken for exact, or for a half
        else:
            while exponent < ideal and coefficient % 10 == 0:
                coefficient //= 10
                exponent += 1
        return result(self._sign ^ other._sign, coefficient, exponent, context)

    def quantize(self: Any, exp: Any, rounding: Any = None, context: Any = None) -> Any:
        unit = operand(exp)
        if unit is not None and not self._is_special:
            found = to_unit(self, unit._exp, rounding, current() if context is None else context)
            if found is not None:
                return found
        return quantized(self, exp, rounding, context)

    def to_unit(self: Any, exponent: int, rounding: Any, context: Any) -> Any:
        coefficient, drop = int(self._int), exponent - self._exp
        found = None
        if drop > 0:
            mode = context.rounding if rounding is None else rounding
            found = cut(self._sign, coefficient, drop, mode, context)
            if found is None:
                return None
            coefficient = found[0]
        elif drop < -_FARTHEST:
            return None
        else:
            coefficient *= _TENS[-drop]
        digits = str(coefficient)
        ordinary = context.Emin < exponent + len(digits) <= context.Emax and not context.clamp
        if not coefficient or not ordinary or len(digits) > context.prec or exponent < context.Etiny():
            return None
        if found is not None:
            context.flags[rounded] = True
            if found[1]:
                context.flags[inexact] = True
        return triple(self._sign, digits, exponent)

    def __radd__(self: Any, other: Any, context: Any = None) -> Any:
        return __add__(self, other, context)

    def __rmul__(self: Any, other: Any, context: Any = None) -> Any:
        return __mul__(self, other, context)

    for function in (__new__, __add__, __radd__, __sub__, __mul__, __rmul__, __truediv__, quantize):
        slow = getattr(kind, function.__name__)
        function.__doc__, function.__module__ = slow.__doc__, slow.__module__
        function.__qualname__ = f"Decimal.{function.__name__}"
        setattr(kind, function.__name__, function)
