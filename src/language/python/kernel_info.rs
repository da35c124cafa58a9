//! What the kernel says of Python, and how Jupyter is told of it.

use crate::language::face::{CodemirrorMode, KernelInfo, Kernelspec};

/// The guest's release (the artifact's MANIFEST).
macro_rules! release {
    () => {
        "3.15.0"
    };
}

/// What the kernel says.
pub const KERNEL_INFO: KernelInfo = KernelInfo {
    name: "python",
    version: release!(),
    mimetype: "text/x-python",
    file_extension: ".py",
    pygments_lexer: "ipython3",
    codemirror_mode: CodemirrorMode { name: "ipython", version: Some(3) },
    nbconvert_exporter: "python",
    banner: concat!(
        "Cellblock ",
        env!("CARGO_PKG_VERSION"),
        " -- Python ",
        release!(),
        " and IPython in a WebAssembly sandbox. Type '?' for help."
    ),
    help_links: &[
        ("Python Reference", "https://docs.python.org/3.15"),
        ("IPython Reference", "https://ipython.org/documentation.html"),
        ("NumPy Reference", "https://docs.scipy.org/doc/numpy/reference/"),
        ("pandas Reference", "https://pandas.pydata.org/pandas-docs/stable/"),
        ("Matplotlib Reference", "https://matplotlib.org/contents.html"),
    ],
};

/// How Jupyter is told of it.
pub const KERNELSPEC: Kernelspec = Kernelspec {
    name: "sandboxed-python",
    display_name: "Sandboxed Python",
    language: "python",
    logos: &[
        ("logo-32x32.png", include_bytes!("../../../kernelspec/logo-32x32.png")),
        ("logo-64x64.png", include_bytes!("../../../kernelspec/logo-64x64.png")),
        ("logo-svg.svg", include_bytes!("../../../kernelspec/logo-svg.svg")),
    ],
};
