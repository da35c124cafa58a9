"""What libraries find at `get_ipython().kernel`: the little of ipykernel's object that they use."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from .door import door
from .wire_stand_ins import Session, Socket

if TYPE_CHECKING:
    from .comms import DoorCommManager
    from .loop import CellRunner
    from .shell import ZMQInteractiveShell


class Kernel:
    """A stand-in for ipykernel's kernel object, made for libraries, not used by the bridge."""

    implementation = "cellblock"
    eventloop = None
    control_stream = None
    shell_streams: tuple[Any, ...] = ()

    def __init__(
        self, shell: ZMQInteractiveShell, comm_manager: DoorCommManager, runner: CellRunner
    ) -> None:
        self.shell = shell
        self.comm_manager = comm_manager
        self._runner = runner
        self.session = Session(self._publish)
        self.iopub_socket = Socket("iopub")
        self.shell_stream = Socket("shell")
        self.stdin_socket = Socket("stdin")
        #: The comm messages by type, as libraries hook into them.
        self.shell_handlers = {
            name: getattr(comm_manager, name) for name in ("comm_open", "comm_msg", "comm_close")
        }

    @property
    def io_loop(self) -> Any:
        """The event loop that cells run on."""
        return self._runner.loop

    @property
    def ident(self) -> str:
        return self.session.session

    @property
    def execution_count(self) -> int:
        return int(self.shell.execution_count)

    @property
    def user_ns(self) -> dict[str, Any]:
        return self.shell.user_ns

    def get_parent(self, channel: str | None = None) -> dict[str, Any]:
        """The request that the running code belongs to, as far as the host tells: its message id."""
        return self.shell.get_parent()

    def set_parent(self, ident: Any, parent: dict[str, Any], channel: str = "shell") -> None:
        """What is served is the host's to say."""

    @property
    def _parent_header(self) -> dict[str, Any]:
        return self.shell.get_parent()

    @property
    def _parent_ident(self) -> dict[str, bytes]:
        return {"shell": b"", "control": b""}

    def topic(self, topic: str) -> bytes:
        """The topic of a message on the iopub socket."""
        return f"kernel.{self.ident}.{topic}".encode()

    def send_response(
        self,
        stream: Any,
        msg_or_type: Any,
        content: dict[str, Any] | None = None,
        ident: Any = None,
        buffers: list[Any] | None = None,
        track: bool = False,
        header: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
        channel: str | None = None,
    ) -> dict[str, Any]:
        """Publish a message by its type, for libraries that do so past `display`."""
        return self.session.send(
            stream, msg_or_type, content, self.get_parent(), ident, buffers, track, header, metadata
        )

    def _publish(
        self,
        msg_type: str,
        content: dict[str, Any],
        metadata: dict[str, Any],
        buffers: list[Any] | None,
    ) -> None:
        if msg_type in ("display_data", "update_display_data"):
            self.shell.display_pub.publish(
                content.get("data", {}),
                content.get("metadata"),
                transient=content.get("transient"),
                update=msg_type == "update_display_data",
            )
        elif msg_type == "stream":
            out = sys.stderr if content.get("name") == "stderr" else sys.stdout
            out.write(content.get("text", ""))
        elif msg_type == "clear_output":
            self.shell.display_pub.clear_output(bool(content.get("wait")))
        elif msg_type == "execute_result":
            door.tell("result", data=content.get("data", {}), metadata=content.get("metadata", {}))
        elif msg_type == "error":
            door.tell(
                "error",
                ename=str(content.get("ename", "")),
                evalue=str(content.get("evalue", "")),
                traceback=list(content.get("traceback", [])),
            )
        elif msg_type in self.shell_handlers:
            door.tell("comm", buffers=buffers, msg_type=msg_type, content=content, metadata=metadata)

    def do_one_iteration(self) -> None:
        """Nothing: no request is read while another one is served."""
