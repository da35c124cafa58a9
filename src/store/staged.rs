//! On a local disk an object is written under a name that ends in `#` and a number, and then linked to its
//! own. A crash in between leaves the first name behind, which no listing shows.

use std::fs;
use std::path::Path;
use std::time::Duration;

/// Younger ones may be being written now, by somebody who wants the session's lease.
const OLD: Duration = Duration::from_secs(60);

/// Removes what has been left behind; what cannot be removed now is tried again at the next opening.
pub fn remove_old(dir: &Path) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let staged = name.to_str().and_then(|name| name.rsplit_once('#'));
        let is_staged =
            staged.is_some_and(|(_, number)| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()));
        let age = entry.metadata().ok().and_then(|meta| meta.modified().ok()?.elapsed().ok());
        if is_staged && age.is_some_and(|age| age > OLD) {
            let _ = fs::remove_file(entry.path());
        }
    }
}
