//! `usage_reply`: what the kernel's process takes of its host.

use serde::Serialize;
use serde_json::Value;

/// The figures that ipykernel gives, for the resource displays of frontends, and our own.
#[derive(Debug, Default, Serialize)]
pub struct UsageReply {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    pub pid: u32,
    /// Percent of one processor since the last request.
    pub kernel_cpu: f64,
    /// Bytes, shared pages counted in proportion.
    pub kernel_memory: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_cpu_percent: Option<f64>,
    pub cpu_count: usize,
    pub host_virtual_memory: VirtualMemory,
    /// Cellblock's own: what its sessions did.
    pub cellblock: Value,
}

/// The host's memory, in bytes.
#[derive(Debug, Default, Serialize)]
pub struct VirtualMemory {
    pub total: u64,
    pub available: u64,
    pub percent: f64,
    pub used: u64,
    pub free: u64,
    pub active: u64,
    pub inactive: u64,
    pub buffers: u64,
    pub cached: u64,
    pub shared: u64,
    pub slab: u64,
}
