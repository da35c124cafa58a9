//! Values as they stand in a policy file.

use std::fmt::Write as _;

use super::kind::Setting;

/// A value as it stands in a policy file; none for one that is not set.
pub fn in_toml(setting: &Setting) -> Option<String> {
    Some(match setting {
        Setting::None => return None,
        Setting::Count(count) => grouped(*count),
        Setting::Seconds(seconds) => format!("{seconds:?}"),
        Setting::Flag(flag) => flag.to_string(),
        Setting::Word(word) => quoted(word),
        Setting::Text(text) => quoted(text),
        Setting::Path(path) => quoted(&path.to_string_lossy()),
        Setting::Paths(paths) => list(paths.iter().map(|path| quoted(&path.to_string_lossy()))),
        Setting::Names(names) => list(names.iter().map(|name| quoted(name))),
        Setting::Texts(texts) => table(texts.iter().map(|(name, text)| (name, quoted(text)))),
        Setting::Mounts(mounts) => table(mounts.iter().map(|(guest, host)| (guest, quoted(&host.to_string_lossy())))),
    })
}

/// A text in TOML's quotes. JSON's escapes are TOML's too.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            control if control.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(control));
            }
            plain => quoted.push(plain),
        }
    }
    quoted + "\""
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

fn table<'a>(entries: impl Iterator<Item = (&'a String, String)>) -> String {
    let entries: Vec<String> = entries.map(|(name, value)| format!("{} = {value}", quoted(name))).collect();
    if entries.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", entries.join(", ")) }
}

/// With TOML's underscores between thousands.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('_');
        }
        text.push(digit);
    }
    text
}
