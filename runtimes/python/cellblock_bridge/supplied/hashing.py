"""`hashlib.pbkdf2_hmac`, which Python takes from OpenSSL alone.

`scrypt` stays absent: in Python, a single key with the usual parameters takes most of a minute.
"""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Callable
from typing import Any

_INT_MAX = 2**31 - 1
_LONG_MAX = 2**63 - 1
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))
# OpenSSL's other names for them.
_ALIASES = {
    "sha-1": "sha1",
    "sha2-224": "sha224",
    "sha-224": "sha224",
    "sha2-256": "sha256",
    "sha-256": "sha256",
    "sha2-384": "sha384",
    "sha-384": "sha384",
    "sha2-512": "sha512",
    "sha-512": "sha512",
    "blake2b512": "blake2b",
    "blake2s256": "blake2s",
    **{f"sha3-{bits}": f"sha3_{bits}" for bits in (224, 256, 384, 512)},
}


def pbkdf2_hmac(
    hash_name: str, password: Any, salt: Any, iterations: int, dklen: int | None = None
) -> bytes:
    """Password based key derivation function 2 (PKCS #5 v2.0) with HMAC as pseudorandom function."""
    if not isinstance(hash_name, str):
        kind = type(hash_name).__name__
        raise TypeError(f"pbkdf2_hmac() argument 'hash_name' must be str, not {kind}")
    name = _ALIASES.get(hash_name.lower(), hash_name.lower())
    key, salt = _bytes(password), _bytes(salt)
    digest = hashlib.new(name)
    if digest.digest_size == 0:  # of any length
        raise ValueError(f"unsupported hash type {hash_name}")
    iterations = _positive(iterations, "iteration value")
    length = digest.digest_size if dklen is None else _positive(dklen, "key length")
    once = _hmac(name, key, digest.block_size)
    from_bytes, size = int.from_bytes, digest.digest_size
    blocks = []
    for number in range(1, -(-length // size) + 1):
        link = once(salt + number.to_bytes(4))
        mixed = from_bytes(link)
        for _ in range(iterations - 1):
            link = once(link)
            mixed ^= from_bytes(link)
        blocks.append(mixed.to_bytes(size))
    return b"".join(blocks)[:length]


def _hmac(name: str, key: bytes, block_size: int) -> Callable[[bytes], bytes]:
    """HMAC with this key, as a function of the message."""
    if len(key) > block_size:
        key = hashlib.new(name, key).digest()
    in_c = _in_c(name)
    if in_c is not None:
        return lambda message: in_c(key, message)
    key = key.ljust(block_size, b"\0")
    inner = hashlib.new(name, key.translate(_INNER)).copy
    outer = hashlib.new(name, key.translate(_OUTER)).copy

    def once(message: bytes) -> bytes:
        hashed, again = inner(), outer()
        hashed.update(message)
        again.update(hashed.digest())
        return again.digest()

    return once


def _in_c(name: str) -> Callable[[bytes, bytes], bytes] | None:
    try:
        import _hmac
    except ImportError:
        return None
    return getattr(_hmac, f"compute_{name}", None)


def _bytes(value: Any) -> bytes:
    if isinstance(value, str):
        raise TypeError("a bytes-like object is required, not 'str'")
    try:
        view = memoryview(value)
    except TypeError:
        kind = type(value).__name__
        raise TypeError(f"a bytes-like object is required, not {kind!r}") from None
    if not view.c_contiguous:
        raise BufferError("memoryview: underlying buffer is not C-contiguous")
    return bytes(view)


def _positive(value: Any, what: str) -> int:
    number = operator.index(value)
    if abs(number) > _LONG_MAX:
        raise OverflowError("Python int too large to convert to C long")
    if number < 1:
        raise ValueError(f"{what} must be greater than 0.")
    if number > _INT_MAX:
        raise OverflowError(f"{what} is too great.")
    return number


def install() -> None:
    """Have `hashlib` offer it, unless it does."""
    if not hasattr(hashlib, "pbkdf2_hmac"):
        pbkdf2_hmac.__module__ = "hashlib"
        hashlib.pbkdf2_hmac = pbkdf2_hmac
        hashlib.__all__ = (*hashlib.__all__, "pbkdf2_hmac")  # type: ignore[assignment]
