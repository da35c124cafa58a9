//! The text of a connection file.
#![no_main]

use cellblock_fuzz::wire::connection::parse;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let Ok((entries, info)) = parse(data) else { return };
    for (name, port) in info.ports() {
        assert_eq!(entries.get(name).and_then(Value::as_u64).unwrap_or(0), u64::from(port));
    }
    if info.key.len() > 16 && !info.ip.contains(&info.key) {
        assert!(!format!("{info:?}").contains(&info.key), "no log may show the key");
    }
    let written = serde_json::to_vec_pretty(&entries).unwrap();
    assert!(parse(&written).unwrap() == (entries, info), "what is written back is what was read");
});
