//! A language as values: all that sets one guest apart from another, so that setup, sessions and faces need not know
//! which one they serve.
//!
//! May use the sandbox's types. Knows nothing of how a language is set up, of sessions, of Jupyter or of the command line;
//! they are handed a [`Language`] and read it. What is true of one language alone is in that language's own folder, and
//! nowhere else in the crate: a test reads the sources and says where that is not so.
//!
//! To add one, make a folder with a [`Language`] in it, and the guest's own files below `runtimes/`.

pub mod artifact;
pub mod exceptions;
pub mod face;
pub mod guest;
pub mod patch;
pub mod python;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub mod toy;

use artifact::{DiskSpace, GuestPackages, PinnedArtifact};
use exceptions::Exceptions;
use face::{KernelInfo, Kernelspec};
use guest::{Entry, GuestLayout, Interrupt, WarmImage};
use patch::PatchTable;

/// The language of sessions for which no other is asked.
pub static DEFAULT: &Language = &python::PYTHON;

/// One language.
#[derive(Debug, Clone, Copy)]
pub struct Language {
    /// Its name in lower case; what setup makes for it has names that begin so.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What runs cells in the guest, for people.
    pub shell: &'static str,
    /// A call with which code ends the guest's process itself.
    pub exit_call: &'static str,
    /// The module and its library, as they are fetched.
    pub artifact: PinnedArtifact,
    /// What else the guest imports.
    pub packages: GuestPackages,
    /// What is changed in the module's code.
    pub patches: PatchTable,
    /// Functions of the module that the rewrite exports, by their names.
    pub exported_functions: &'static [&'static str],
    /// Room that a set-up takes.
    pub disk: DiskSpace,
    /// Its directories.
    pub layout: GuestLayout,
    /// What the guest is called: its only argument.
    pub program: &'static str,
    /// The environment that it needs to find its parts; part of every image.
    pub environment: &'static [(&'static str, &'static str)],
    /// How it is started and entered.
    pub entry: Entry,
    /// How it is asked to stop.
    pub interrupt: Interrupt,
    /// Its warm images, each a continuation of the one before. Sessions begin on the last.
    pub images: &'static [WarmImage],
    /// Its exceptions that the host has to tell apart.
    pub exceptions: Exceptions,
    /// Whether the guest can put what is not bound to its image into a frame, and take it up again (`portable` and
    /// `load_portable` of the door).
    pub has_portable: bool,
    /// What a kernel says of it.
    pub kernel_info: KernelInfo,
    /// How Jupyter is told of the kernel.
    pub kernelspec: Kernelspec,
}
