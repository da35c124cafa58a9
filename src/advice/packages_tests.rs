//! The table is sound, and is looked through in the right order.

use super::*;

#[test]
fn no_module_is_listed_twice() {
    let mut names: Vec<&str> = PACKAGES.iter().map(|known| known.module).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn modules_go_before_distributions() {
    assert_eq!(known("docx").map(|found| found.package), Some("python-docx"));
    assert_eq!(known("python-docx").map(|found| found.module), Some("docx"));
    assert_eq!(known("Scikit-Learn").map(|found| found.instead), Some("sklearn"));
    assert!(known("qwertzuiop").is_none());
}
