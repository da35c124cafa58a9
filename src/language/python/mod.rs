//! Python: the one room that names it, IPython, their exceptions and paths.

mod exceptions;
mod guest;
mod kernel_info;
pub mod patches;
mod pins;
mod stack;

use super::Language;

/// CPython with IPython and the scientific packages.
pub static PYTHON: Language = Language {
    name: "python",
    title: "Python",
    shell: "IPython",
    exit_call: "os._exit",
    artifact: pins::ARTIFACT,
    packages: pins::PACKAGES,
    patches: patches::PATCHES,
    exported_functions: pins::EXPORTED_FUNCTIONS,
    disk: pins::DISK,
    layout: guest::LAYOUT,
    program: guest::PROGRAM,
    environment: guest::ENVIRONMENT,
    entry: guest::ENTRY,
    interrupt: guest::INTERRUPT,
    images: guest::IMAGES,
    exceptions: exceptions::EXCEPTIONS,
    has_portable: true,
    kernel_info: kernel_info::KERNEL_INFO,
    kernelspec: kernel_info::KERNELSPEC,
};
