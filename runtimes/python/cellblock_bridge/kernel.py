"""What libraries find at `get_ipython().kernel`: the little of ipykernel's object that they use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .door import door

if TYPE_CHECKING:
    from .comms import DoorCommManager
    from .shell import ZMQInteractiveShell


class Kernel:
    """A stand-in for ipykernel's kernel object, made for libraries, not used by the bridge."""

    implementation = "cellblock"
    iopub_socket = None
    io_loop = None
    eventloop = None
    session = None

    def __init__(self, shell: ZMQInteractiveShell, comm_manager: DoorCommManager) -> None:
        self.shell = shell
        self.comm_manager = comm_manager

    def get_parent(self, channel: str = "shell") -> dict[str, Any]:
        """The request that is being served, as far as the host tells: its message id."""
        return self.shell.get_parent()

    @property
    def _parent_header(self) -> dict[str, Any]:
        return self.shell.get_parent()

    def send_response(
        self, stream: Any, msg_type: str, content: dict[str, Any] | None = None, **_: Any
    ) -> None:
        """Publish a message by its type, for libraries that do so past `display`."""
        content = content or {}
        if msg_type in ("display_data", "update_display_data"):
            self.shell.display_pub.publish(
                content.get("data", {}),
                content.get("metadata"),
                transient=content.get("transient"),
                update=msg_type == "update_display_data",
            )
        elif msg_type == "stream":
            import sys

            out = sys.stderr if content.get("name") == "stderr" else sys.stdout
            out.write(content.get("text", ""))
        elif msg_type == "clear_output":
            door.tell("clear_output", wait=bool(content.get("wait")))
        elif msg_type == "error":
            door.tell(
                "error",
                ename=str(content.get("ename", "")),
                evalue=str(content.get("evalue", "")),
                traceback=list(content.get("traceback", [])),
            )

    def do_one_iteration(self) -> None:
        """Nothing: no request is read while another one is served."""
