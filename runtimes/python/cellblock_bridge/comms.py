"""Comms over the door: widget models and anything else that talks to its front-end half."""

from __future__ import annotations

import logging
from typing import Any

import comm
from comm.base_comm import BaseComm, CommManager

from .door import door

log = logging.getLogger("cellblock.comm")

_HANDLERS = ("comm_open", "comm_msg", "comm_close")


class DoorComm(BaseComm):
    """A comm whose messages leave through the door."""

    def publish_msg(
        self,
        msg_type: str,
        data: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
        buffers: list[bytes] | None = None,
        **keys: Any,
    ) -> None:
        content = {"comm_id": self.comm_id, "data": data or {}, **keys}
        door.tell(
            "comm", buffers=buffers, msg_type=msg_type, content=content, metadata=metadata or {}
        )


class DoorCommManager(CommManager):
    """The comms of the session, and the targets that the front end may open."""

    def serve(
        self, msg_type: str, content: dict[str, Any], metadata: dict[str, Any], buffers: list[bytes]
    ) -> None:
        """Hand a message from the front end to its comm; its callbacks' errors go to stderr."""
        if msg_type not in _HANDLERS:
            log.error("unknown comm message type: %r", msg_type)
            return
        message = {
            "header": {"msg_type": msg_type},
            "msg_type": msg_type,
            "parent_header": {},
            "metadata": metadata,
            "content": content,
            "buffers": [memoryview(buffer) for buffer in buffers],
        }
        getattr(self, msg_type)(None, None, message)

    def info(self, target_name: str | None) -> dict[str, Any]:
        """The open comms, of one target or of all."""
        return {
            "status": "ok",
            "comms": {
                comm_id: {"target_name": open_comm.target_name}
                for comm_id, open_comm in list(self.comms.items())
                if target_name is None or open_comm.target_name == target_name
            },
        }


def install() -> DoorCommManager:
    """Make the `comm` package, which widgets go through, use the door."""
    manager = DoorCommManager()
    comm.create_comm = DoorComm
    comm.get_comm_manager = lambda: manager
    return manager
