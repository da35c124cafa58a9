"""What cannot work in a sandbox says so.

Each module here covers one thing that is missing (threads, processes, the network, native code)
and makes using it raise the exception class that it would raise anyway, with a message that
names the sandbox and an attribute `cellblock_reason` that the host classifies by.
"""

from __future__ import annotations

from . import absent, duplicates, native, network, pictures, processes, threads, tools


def install() -> None:
    """Put all of them in place."""
    threads.install()
    processes.install()
    network.install()
    native.install()
    absent.install()
    duplicates.install()
    pictures.install()
    tools.install()
