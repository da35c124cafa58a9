//! What a language's guest sees, and how it is started, entered and interrupted.

use crate::sandbox::Instance;

/// The guest's directories.
#[derive(Debug, Clone, Copy)]
pub struct GuestLayout {
    /// What a listing of `/` shows.
    pub root: &'static [&'static str],
    /// All mounts, in the order that images remember: never another one.
    pub mounts: &'static [MountPoint],
    /// Where the artifact's library is put in the tree that setup makes.
    pub library: &'static str,
    /// Archives in the library that are unpacked.
    pub unpacked: &'static [Unpacked],
    /// Where our own packages are put in that tree.
    pub own_packages: &'static str,
    /// Where the fetched packages are put in it.
    pub packages: &'static str,
}

/// A directory that the guest sees.
#[derive(Debug, Clone, Copy)]
pub struct MountPoint {
    /// Where it sees it.
    pub guest: &'static str,
    /// What is there.
    pub shows: Shows,
}

/// What is behind a mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shows {
    /// What a listing of `/` shows, and nothing else.
    Root,
    /// A directory of the tree that setup made, read-only.
    Made(&'static str),
    /// The session's workspace.
    Workspace,
    /// The session's scratch directory.
    Scratch,
    /// The data that a policy grants, or nothing.
    Data,
    /// The single files that a policy grants, or nothing.
    External,
}

/// An archive inside the library.
#[derive(Debug, Clone, Copy)]
pub struct Unpacked {
    /// Its path there.
    pub member: &'static str,
    /// The most that it may be, in bytes.
    pub most: u64,
    /// Where it is put in the tree that setup makes.
    pub to: &'static str,
}

/// How a guest is started, and how turns enter it.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// The export that is called once on the module's initial memory, before anything else.
    pub initialize: &'static str,
    /// The source of the first turn: where its modules are, and what serves turns.
    pub first: &'static str,
    /// The source of every other turn, which serves one request of the door (`docs/door.md`).
    pub turn: &'static str,
    /// What the host does between the first turn and all others.
    pub started: Option<Started>,
}

/// Work on a guest that the first turn has started.
#[derive(Debug, Clone, Copy)]
pub struct Started {
    /// Does it.
    pub run: fn(&mut Instance) -> wasmtime::Result<()>,
    /// Another number whenever it leaves something else: a part of what identifies images.
    pub revision: i32,
}

/// How a guest is asked to stop: setup calls a function of the guest once, in a scratch instance, and takes the words of
/// memory that it sets for the guest's interrupt flag.
#[derive(Debug, Clone, Copy)]
pub struct Interrupt {
    /// The function, which answers 0.
    pub function: &'static str,
    /// Its argument.
    pub argument: i32,
    /// A cell without an end, by which setup proves the flag. It has to end in
    /// [`Exceptions::interrupted`](super::exceptions::Exceptions::interrupted).
    pub endless: &'static str,
}

/// A warm image.
#[derive(Debug, Clone, Copy)]
pub struct WarmImage {
    /// Its name in the door's `warm` request.
    pub profile: &'static str,
    /// Its file's name.
    pub file: &'static str,
    /// What making it is called.
    pub title: &'static str,
    /// Room on the disk that it takes, rounded up.
    pub disk: u64,
}
