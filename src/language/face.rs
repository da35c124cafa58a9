//! What faces say of a language.

/// What a kernel says of its language (`kernel_info_reply`).
#[derive(Debug, Clone, Copy)]
pub struct KernelInfo {
    /// The language's name.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// The MIME type of its sources.
    pub mimetype: &'static str,
    /// How the names of files with its sources end.
    pub file_extension: &'static str,
    /// The lexer of Pygments that knows it.
    pub pygments_lexer: &'static str,
    /// The mode of CodeMirror that knows it.
    pub codemirror_mode: CodemirrorMode,
    /// The exporter of nbconvert that knows it.
    pub nbconvert_exporter: &'static str,
    /// What consoles show at the start.
    pub banner: &'static str,
    /// Text and address of the help menu's entries.
    pub help_links: &'static [(&'static str, &'static str)],
}

/// A mode of CodeMirror's.
#[derive(Debug, Clone, Copy)]
pub struct CodemirrorMode {
    /// Its name.
    pub name: &'static str,
    /// The version of the language, for modes that know several.
    pub version: Option<u32>,
}

/// How Jupyter is told of a kernel.
#[derive(Debug, Clone, Copy)]
pub struct Kernelspec {
    /// The kernel's name where no other is given.
    pub name: &'static str,
    /// What people see in Jupyter's lists where no other name is given.
    pub display_name: &'static str,
    /// The language, by which front ends choose kernels for a notebook.
    pub language: &'static str,
    /// The pictures that Jupyter shows, by their names in a kernelspec.
    pub logos: &'static [(&'static str, &'static [u8])],
}
