//! What a policy grants a guest to read, made ready in a directory of this process's own, and what guidance may
//! say of it.

use std::fs;
use std::path::{Path, PathBuf};

use super::external;
use super::factory::FactoryError;
use crate::advice;
use crate::language::Language;
use crate::policy::Policy;
use crate::sandbox::Mount;
use crate::setup::guest::Granted;

/// What the policy grants. `scratch` is a directory of this process's own.
pub fn granted(policy: &Policy, language: &Language, scratch: &Path) -> Result<Granted, FactoryError> {
    let mut granted = Granted { data: policy.mount_data_dir.clone(), ..Granted::default() };
    if !policy.external_files.is_empty() {
        let path = make(scratch.join("external"))?;
        external::copy(&policy.external_files, policy.external_max_bytes, &path)?;
        granted.external = Some(path);
    }
    let inner = policy.mounts.iter();
    granted.inner =
        inner.map(|(guest, host)| Mount { host: host.clone(), guest: guest.clone(), writable: false }).collect();
    // Listings show a directory where each of them is.
    for (top, seen) in [("/mnt", &mut granted.root), ("/data", &mut granted.data)] {
        let within = policy.mounts.keys().filter(|guest| Path::new(guest).starts_with(top));
        // Under a directory of the host's there is one: the policy sees to that.
        if within.clone().next().is_none() || seen.is_some() {
            continue;
        }
        let shown = scratch.join(format!("shown{}", top.replace('/', "-")));
        if top == "/mnt" {
            for name in language.layout.root {
                make(shown.join(name))?;
            }
        }
        for guest in within {
            let guest = Path::new(guest);
            let below = guest.strip_prefix(if top == "/mnt" { "/" } else { top }).unwrap_or(guest);
            make(shown.join(below))?;
        }
        *seen = Some(shown);
    }
    Ok(granted)
}

fn make(path: PathBuf) -> Result<PathBuf, FactoryError> {
    match fs::create_dir_all(&path) {
        Ok(()) => Ok(path),
        Err(error) => Err(FactoryError::Scratch { path, error }),
    }
}

/// What guidance may say of the guest's files.
pub fn guest_mounts(policy: &Policy) -> Vec<advice::Mount> {
    let mut mounts = advice::Mount::always();
    let mut add = |path: &str| mounts.push(advice::Mount { path: path.to_owned(), writable: false });
    if policy.mount_data_dir.is_some() {
        add("/data");
    }
    if !policy.external_files.is_empty() {
        add("/external");
    }
    for guest in policy.mounts.keys() {
        add(guest);
    }
    mounts
}
