//! The kernelspec: what Jupyter is told of this kernel, and its files on disk.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde_json::{Value, json};

use super::jupyter_dirs::{self, Env};
use crate::language;
use crate::policy::Profile;

/// The version of the Jupyter messaging protocol that the kernel speaks.
const PROTOCOL: &str = "5.5";

/// The contents of `kernel.json`.
pub(super) fn kernel_json(executable: &Path, display_name: &str, profile: Option<Profile>) -> Value {
    let mut argv = vec![
        executable.to_string_lossy().into_owned(),
        "kernel".into(),
        "--connection-file".into(),
        "{connection_file}".into(),
    ];
    if let Some(profile) = profile {
        argv.extend(["--profile".into(), profile.as_str().into()]);
    }
    json!({
        "argv": argv,
        "display_name": display_name,
        "language": language::DEFAULT.kernelspec.language,
        "interrupt_mode": "message",
        "kernel_protocol_version": PROTOCOL,
        "metadata": { "debugger": false, "supported_encryption": ["curve"], "cellblock": { "version": env!("CARGO_PKG_VERSION") } },
    })
}

/// Whether Jupyter accepts this as a kernel's name.
pub(super) fn check_name(name: &str) -> anyhow::Result<()> {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.starts_with('.') || !name.chars().all(fine) {
        bail!("{name:?} cannot be a kernel's name: use letters, digits, `-`, `_` and `.`");
    }
    Ok(())
}

/// Writes a kernelspec below a Jupyter data directory, in the place of one of the same name. It is there
/// whole or not at all.
pub(super) fn write(data_dir: &Path, name: &str, kernel: &Value) -> anyhow::Result<PathBuf> {
    let kernels = data_dir.join("kernels");
    let target = kernels.join(name);
    let cannot = || format!("cannot write the kernelspec {}", target.display());
    fs::create_dir_all(&kernels).with_context(cannot)?;
    let new = tempfile::Builder::new().prefix(".cellblock-").tempdir_in(&kernels).with_context(cannot)?;
    // Others may have to read it: a temporary directory is for its user alone.
    set_mode(new.path(), 0o755).with_context(cannot)?;
    let text = serde_json::to_string_pretty(kernel).with_context(cannot)?;
    fs::write(new.path().join("kernel.json"), text + "\n").with_context(cannot)?;
    for (file, contents) in language::DEFAULT.kernelspec.logos {
        fs::write(new.path().join(file), contents).with_context(cannot)?;
    }
    if target.exists() {
        fs::remove_dir_all(&target).with_context(cannot)?;
    }
    fs::rename(new.path(), &target).with_context(cannot)?;
    let _ = new.keep();
    Ok(target)
}

fn set_mode(path: &Path, mode: u32) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

/// An installed kernelspec of ours.
#[derive(Debug)]
pub(super) struct Installed {
    /// Its directory.
    pub dir: PathBuf,
    /// The program that it starts.
    pub program: PathBuf,
    /// The version of Cellblock that wrote it.
    pub version: String,
}

/// The kernelspec of `name` in a Jupyter data directory, if Cellblock wrote it.
pub(super) fn read(data_dir: &Path, name: &str) -> Option<Installed> {
    let dir = data_dir.join("kernels").join(name);
    let kernel: Value = serde_json::from_slice(&fs::read(dir.join("kernel.json")).ok()?).ok()?;
    let version = kernel.pointer("/metadata/cellblock/version")?.as_str()?.to_owned();
    let program = kernel.pointer("/argv/0")?.as_str()?.into();
    Some(Installed { dir, program, version })
}

/// All kernelspecs of that name that Cellblock wrote, in the order in which Jupyter finds them.
pub(super) fn find(env: Env<'_>, name: &str) -> Vec<Installed> {
    jupyter_dirs::all(env).iter().filter_map(|dir| read(dir, name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_found_again() {
        let dir = tempfile::tempdir().unwrap();
        for program in ["/bin/old", "/bin/new"] {
            write(dir.path(), "k", &kernel_json(Path::new(program), "K", Some(Profile::Strict))).unwrap();
        }
        let installed = read(dir.path(), "k").unwrap();
        assert_eq!((installed.program.to_str(), &*installed.version), (Some("/bin/new"), env!("CARGO_PKG_VERSION")));
        let files: Vec<_> = fs::read_dir(&installed.dir).unwrap().collect();
        assert_eq!(files.len(), 1 + language::DEFAULT.kernelspec.logos.len());
        assert_eq!(fs::read_dir(dir.path().join("kernels")).unwrap().count(), 1, "nothing unfinished stays");
    }

    #[test]
    fn somebody_elses_kernelspec_is_not_ours() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("kernels/k")).unwrap();
        fs::write(dir.path().join("kernels/k/kernel.json"), "{\"argv\": [\"python\"]}").unwrap();
        assert!(read(dir.path(), "k").is_none());
    }

    #[test]
    fn kernel_json_says_what_jupyter_needs() {
        let kernel = kernel_json(Path::new("/bin/cellblock"), "K", Some(Profile::Agent));
        assert_eq!(
            kernel["argv"],
            json!(["/bin/cellblock", "kernel", "--connection-file", "{connection_file}", "--profile", "agent"])
        );
        assert_eq!((&kernel["interrupt_mode"], &kernel["language"]), (&json!("message"), &json!("python")));
    }

    #[test]
    fn names_that_would_lead_elsewhere_are_refused() {
        for name in ["", "..", "a/b", "a b", ".hidden", "ü"] {
            assert!(check_name(name).is_err(), "{name}");
        }
        check_name("Sandboxed-python_3.15").unwrap();
    }
}
