//! What a face of Cellblock (the Jupyter kernel, `cellblock run`, the MCP server) asks of a session.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::sandbox::Frame;

/// One request to the guest; each becomes one turn. See `docs/door.md`.
#[derive(Debug, Clone)]
pub enum Request {
    /// Run a cell.
    Execute(Execute),
    /// Complete at `cursor_pos`, in Unicode code points.
    Complete { code: String, cursor_pos: u64 },
    /// Describe the object at `cursor_pos`; `detail_level` 1 adds the source.
    Inspect { code: String, cursor_pos: u64, detail_level: u8 },
    /// Whether `code` can be run as it is.
    IsComplete { code: String },
    /// A comm message from the frontend.
    Comm(Comm),
    /// Run what is due in the guest's event loop, for `seconds` at most. The host's own, while no request is served.
    Loop { seconds: f64 },
    /// The user's variables.
    Variables,
    /// The comms that are open, all of them or those of one target.
    CommInfo { target_name: Option<String> },
    /// Put away what is kept, and let others have the session. After a restart that the user asked for, the next
    /// kernel begins afresh. Not for the guest; nothing but another `Close` may follow.
    Close { restart: bool },
}

impl Request {
    /// The frame that the guest gets for it (`docs/door.md`).
    pub fn into_frame(self) -> Frame {
        Frame::of(match self {
            Self::Execute(execute) => json!({
                "op": "execute", "code": execute.code, "silent": execute.silent,
                "store_history": execute.store_history, "user_expressions": execute.user_expressions,
                "allow_stdin": execute.allow_stdin, "execution_count": execute.execution_count,
                "cell_id": execute.cell_id, "msg_id": execute.parent_id,
            }),
            Self::Complete { code, cursor_pos } => {
                json!({"op": "complete", "code": code, "cursor_pos": cursor_pos})
            }
            Self::Inspect { code, cursor_pos, detail_level } => {
                json!({"op": "inspect", "code": code, "cursor_pos": cursor_pos, "detail_level": detail_level})
            }
            Self::IsComplete { code } => json!({"op": "is_complete", "code": code}),
            Self::Comm(comm) => return comm.into_frame(),
            Self::Loop { seconds } => json!({"op": "loop", "seconds": seconds}),
            Self::Variables => json!({"op": "variables"}),
            Self::CommInfo { target_name } => json!({"op": "comm_info", "target_name": target_name}),
            Self::Close { .. } => json!({"op": "close"}),
        })
    }
}

/// The fields of `execute_request` that reach the guest.
#[derive(Debug, Clone, Default)]
pub struct Execute {
    /// The cell's source.
    pub code: String,
    /// No outputs, no history, no new count.
    pub silent: bool,
    /// Whether the cell enters `In`/`Out` and the count.
    pub store_history: bool,
    /// Expressions to evaluate after the cell.
    pub user_expressions: Map<String, Value>,
    /// Whether the client will answer `input_request`.
    pub allow_stdin: bool,
    /// The number of this cell, given by the host.
    pub execution_count: u32,
    /// The notebook's cell id, where the client sends one (metadata `cellId`).
    pub cell_id: Option<String>,
    /// The id under which a frontend knows this request's outputs; output widgets capture by it.
    pub parent_id: String,
}

/// A comm message.
#[derive(Debug, Clone)]
pub struct Comm {
    pub kind: CommKind,
    pub content: Map<String, Value>,
    pub metadata: Map<String, Value>,
    pub buffers: Vec<Bytes>,
    /// The id under which a frontend knows what comes of it.
    pub parent_id: String,
}

impl Comm {
    /// The frame that the guest gets for it, as a request or while a cell waits (`docs/door.md`).
    pub fn into_frame(self) -> Frame {
        let Self { kind, content, metadata, buffers, parent_id } = self;
        let json = json!({
            "op": "comm", "msg_type": kind.msg_type(), "content": content, "metadata": metadata, "msg_id": parent_id,
        });
        Frame { buffers, ..Frame::of(json) }
    }
}

/// The three comm messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommKind {
    Open,
    Msg,
    Close,
}

impl CommKind {
    /// The Jupyter message type.
    pub fn msg_type(self) -> &'static str {
        match self {
            Self::Open => "comm_open",
            Self::Msg => "comm_msg",
            Self::Close => "comm_close",
        }
    }

    /// From the Jupyter message type.
    pub fn from_msg_type(name: &str) -> Option<Self> {
        match name {
            "comm_open" => Some(Self::Open),
            "comm_msg" => Some(Self::Msg),
            "comm_close" => Some(Self::Close),
            _ => None,
        }
    }
}
