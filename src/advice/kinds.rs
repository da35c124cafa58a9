//! The names of the error types that there is guidance for.

use serde::Serialize;

/// Declares the enum and the list of all its values in one place.
macro_rules! error_types {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        /// What kind of failure guidance is about; the `error_type` of a [`super::Guidance`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub enum ErrorType { $($(#[$doc])* $name),+ }

        impl ErrorType {
            /// All of them, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Its name, as in the JSON.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)+
                }
            }
        }
    };
}

error_types! {
    /// The cell computed more than its budget allows.
    OutOfFuel,
    /// The cell ran for longer than its wall-clock limit allows.
    Timeout,
    /// The session asked for more memory than its limit, or than 32 bits address.
    MemoryExhausted,
    /// Calls nested too deep, in Python or in native code.
    StackOverflow,
    /// A pure-Python package that can be added from outside is not there.
    MissingVendoredPackage,
    /// A package is native code that the sandbox has not.
    NativeExtensionMissing,
    /// A module is not there, and no package of that name is known; or it was to be installed from a cell.
    PackageNotInstalled,
    /// A file lies outside of what the sandbox sees, or where it may not write.
    PathRestriction,
    /// A path climbs out of the workspace.
    InvalidPath,
    /// The workspace is full, in bytes or files, or too many files are open.
    WorkspaceQuota,
    /// The network was to be used.
    NetworkUnavailable,
    /// A process was to be started, or dealt with.
    SubprocessUnavailable,
    /// A function needs a service of an operating system, or a library of one, that the sandbox has not.
    SystemServiceMissing,
    /// A length, a position or a count of more than 31 bits.
    LengthExceeded,
    /// A thread was to be started.
    ThreadsUnavailable,
    /// Input was asked for where nobody can answer.
    StdinUnavailable,
    /// Output was cut at its limit, or refused for its size.
    OutputTruncated,
    /// The cell was interrupted by the user.
    Interrupted,
    /// The cell ended the interpreter's process itself.
    GuestExited,
    /// Native code failed, and the session was taken back to where it was before the cell.
    StateRolledBack,
    /// The session's state is not what it should be: it could not answer, or could not be brought back.
    InvalidSessionState,
}
