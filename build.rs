//! Embeds what the guest is given: the bridge's Python sources and the lock files, as one sorted table of
//! `(path below the repository, contents)`. Nothing is read from the repository at run time.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// The folders that are embedded, and the endings of the files taken from each.
const EMBEDDED: [(&str, &[&str]); 2] = [("runtimes", &["py", "lock"]), ("vendor", &["py", "lock"])];

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let mut files = Vec::new();
    for (folder, endings) in EMBEDDED {
        println!("cargo::rerun-if-changed={folder}");
        collect(&root.join(folder), endings, &mut files)?;
    }
    files.sort();
    let mut table = String::from("&[\n");
    for path in files {
        let name = path.strip_prefix(&root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        let _ = writeln!(table, "    ({name:?}, include_str!({:?})),", path.to_string_lossy());
    }
    table.push_str("]\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("embedded.rs"), table)
}

/// Adds the files below `folder` that have one of `endings`; tests and caches are not the guest's business.
fn collect(folder: &Path, endings: &[&str], files: &mut Vec<PathBuf>) -> io::Result<()> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if !name.starts_with('.') && name != "tests" && name != "__pycache__" {
                println!("cargo::rerun-if-changed={}", path.display());
                collect(&path, endings, files)?;
            }
        } else if path.extension().is_some_and(|e| endings.iter().any(|ending| e == *ending)) {
            println!("cargo::rerun-if-changed={}", path.display());
            files.push(path);
        }
    }
    Ok(())
}
