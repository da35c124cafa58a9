//! `connect_reply`: where the kernel listens.

use serde::Serialize;

use crate::jupyter::wire::ConnectionInfo;

/// The ports, as ipykernel gives them.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ConnectReply {
    pub status: &'static str,
    pub shell_port: u16,
    pub iopub_port: u16,
    pub stdin_port: u16,
    pub control_port: u16,
    pub hb_port: u16,
}

impl From<&ConnectionInfo> for ConnectReply {
    fn from(info: &ConnectionInfo) -> Self {
        Self {
            status: "ok",
            shell_port: info.shell_port,
            iopub_port: info.iopub_port,
            stdin_port: info.stdin_port,
            control_port: info.control_port,
            hb_port: info.hb_port,
        }
    }
}
