"""Formats of pictures that Pillow reads and writes with native libraries, which it has not here: JPEG, WebP and others."""

from __future__ import annotations

import functools
import sys
from types import ModuleType
from typing import Any

from ..after_import import after_import


class PictureFormatUnavailable(OSError):
    """A picture was to be read or written in a format that needs a library."""

    cellblock_reason = "picture"

    def __init__(self, message: str, name: str) -> None:
        super().__init__(message)
        self.name = name


# What Pillow calls its codecs, and people the formats.
_FORMATS = {"jpeg": "JPEG", "jpeg2k": "JPEG 2000", "libtiff": "compressed TIFF", "webp": "WebP"}
_ABSENT = {
    "WEBP": ("WebP", (".webp",), lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP"),
    "AVIF": ("AVIF", (".avif", ".avifs"), lambda head: head[4:12] in (b"ftypavif", b"ftypavis")),
}


def _unavailable(name: str, to: str) -> PictureFormatUnavailable:
    return PictureFormatUnavailable(
        f"Pillow has no {name} {to} in the sandbox, which has not the native library for it", name
    )


def _careful(codec: Any, to: str) -> Any:
    @functools.wraps(codec)
    def get(mode: str, name: str, *args: Any, **kwargs: Any) -> Any:
        try:
            return codec(mode, name, *args, **kwargs)
        except OSError:
            known = _FORMATS.get(name)
            if known is None:
                raise
            raise _unavailable(known, to) from None

    return get


def _refusing(name: str, to: str) -> Any:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise _unavailable(name, to)

    return refuse


def _explain(image: ModuleType) -> None:
    pillow: Any = image
    pillow._getencoder = _careful(pillow._getencoder, "encoder")
    pillow._getdecoder = _careful(pillow._getdecoder, "decoder")
    for identifier, (name, extensions, accept) in _ABSENT.items():
        if identifier in pillow.SAVE:
            continue
        pillow.register_save(identifier, _refusing(name, "encoder"))
        pillow.register_save_all(identifier, _refusing(name, "encoder"))
        pillow.register_open(identifier, _refusing(name, "decoder"), accept)
        pillow.register_extensions(identifier, list(extensions))


def install() -> None:
    """Have Pillow say which format it is."""
    if sys.platform == "wasi":
        after_import("PIL.Image", _explain)
