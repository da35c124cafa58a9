//! Tests of reading and writing notebooks.

use super::*;

fn sample() -> Value {
    json!({
        "nbformat": 4, "nbformat_minor": 2, "of_our_own": {"kept": [1, 2]},
        "metadata": {"kernelspec": {"name": "python3"}},
        "cells": [
            {"cell_type": "markdown", "metadata": {}, "source": ["# Title\n", "text"]},
            {"cell_type": "code", "metadata": {"tags": ["raises-exception"]}, "source": ["a = 1\n", "a"], "outputs": [], "execution_count": 7},
            {"cell_type": "code", "metadata": {}, "source": "  \n", "outputs": [], "execution_count": null},
            {"cell_type": "code", "metadata": {"tags": ["skip-execution"]}, "source": "b", "outputs": []},
            {"cell_type": "code", "id": "kept-id", "extra": true, "metadata": {}, "source": "c"},
        ]
    })
}

fn parsed(value: &Value) -> anyhow::Result<Notebook> {
    Notebook::parse(value.to_string().as_bytes())
}

fn written(notebook: &mut Notebook) -> Value {
    serde_json::from_slice(&notebook.text().unwrap()).unwrap()
}

#[test]
fn code_that_is_not_blank_or_skipped_is_executed() {
    let notebook = parsed(&sample()).unwrap();
    let cells: Vec<_> = notebook.code_cells().map(|c| (c.index, c.source, c.may_raise)).collect();
    assert_eq!(cells, [(1, "a = 1\na".to_owned(), true), (4, "c".to_owned(), false)]);
}

#[test]
fn unknown_keys_and_their_order_are_kept() {
    let mut notebook = parsed(&sample()).unwrap();
    let value = written(&mut notebook);
    assert_eq!(value["of_our_own"], json!({"kept": [1, 2]}));
    assert_eq!((&value["cells"][4]["extra"], &value["cells"][4]["id"]), (&json!(true), &json!("kept-id")));
    assert_eq!(value["cells"][0]["source"], json!(["# Title\n", "text"]));
    let keys: Vec<_> = value.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["nbformat", "nbformat_minor", "of_our_own", "metadata", "cells"]);
}

#[test]
fn an_older_notebook_becomes_a_valid_4_5() {
    let mut value = sample();
    value["cells"][0]["id"] = json!("not valid!");
    value["cells"][1]["id"] = json!("twice");
    value["cells"][2]["id"] = json!("twice");
    let value = written(&mut parsed(&value).unwrap());
    assert_eq!(value["nbformat_minor"], 5);
    let ids: HashSet<_> = value["cells"].as_array().unwrap().iter().map(|c| c["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 5);
    assert!(ids.iter().all(|id| is_cell_id(id)) && ids.contains("twice"));
    assert_eq!(value["cells"][4]["outputs"], json!([]));
}

#[test]
fn what_cannot_be_run_says_why() {
    for (text, expected) in [
        ("{\"nbformat\": 3, \"worksheets\": []}", "format 3"),
        ("[]", "no JSON object"),
        ("{", "not a notebook"),
        ("{\"nbformat\": 4}", "no list of `cells`"),
        ("{\"nbformat\": 4, \"cells\": [1]}", "cell 1 is no object"),
        ("{\"nbformat\": 4, \"cells\": [{\"cell_type\": \"code\"}]}", "cell 1 has no `source`"),
        ("{\"nbformat\": 4, \"cells\": [{\"source\": \"\"}]}", "cell 1 has no `cell_type`"),
    ] {
        let error = format!("{:#}", Notebook::parse(text.as_bytes()).unwrap_err());
        assert!(error.contains(expected), "{error}");
    }
    assert!(Notebook::read(Path::new("/nowhere.ipynb")).unwrap_err().to_string().contains("/nowhere.ipynb"));
}

#[test]
fn writing_replaces_the_file_keeps_its_mode_and_goes_through_links() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let (file, link) = (dir.path().join("a.ipynb"), dir.path().join("link.ipynb"));
    fs::write(&file, sample().to_string()).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let mut notebook = Notebook::read(&link).unwrap();
    notebook.set_outputs(1, Some(1), vec![json!({"output_type": "stream", "name": "stdout", "text": ["x"]})]);
    notebook.write(&link).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    let value: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(value["cells"][1]["outputs"][0]["text"], json!(["x"]));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[test]
fn a_place_that_cannot_be_written_is_known_before_anything_runs() {
    let dir = tempfile::tempdir().unwrap();
    can_be_written(&dir.path().join("new.ipynb")).unwrap();
    can_be_written(Path::new("-")).unwrap();
    can_be_written(&dir.path().join("made/new.ipynb")).unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    for path in [dir.path().to_owned(), dir.path().join("file/new.ipynb")] {
        let error = format!("{:#}", can_be_written(&path).unwrap_err());
        assert!(error.contains(&dir.path().display().to_string()), "{error}");
    }
}
