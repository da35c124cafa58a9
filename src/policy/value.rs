//! Judges one value of a policy file against its key.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeArray, DeInteger, DeTable, DeValue};

use super::key::Key;
use super::kind::{Kind, Setting};
use super::{place, size};

/// A mistake at a place in the text of a file.
#[derive(Debug)]
pub struct Mistake {
    /// Bytes from its beginning.
    pub at: usize,
    /// What is the matter, without the place.
    pub problem: String,
}

/// The setting that `value` is; paths in it are relative to `base`.
pub fn setting(key: &Key, value: &Spanned<DeValue<'_>>, base: &Path) -> Result<Setting, Mistake> {
    let placed = |found: Result<Setting, String>| found.map_err(|why| misplaced(key.name, value, &why, key.kind));
    let found = match (key.kind, value.get_ref()) {
        (Kind::Count(least, most), DeValue::Integer(number)) => count(number, least, most),
        (Kind::Size(least, most), DeValue::Integer(number)) => count(number, least, most),
        (Kind::Size(least, most), DeValue::String(text)) => {
            size::parse(text).filter(|bytes| (least..=most).contains(bytes)).map(Setting::Count)
        }
        (Kind::Seconds(least, most), DeValue::Integer(number)) => {
            whole(number).map(|count| count as f64).filter(|s| (least..=most).contains(s)).map(Setting::Seconds)
        }
        (Kind::Seconds(least, most), DeValue::Float(number)) => {
            number.as_str().parse().ok().filter(|s| (least..=most).contains(s)).map(Setting::Seconds)
        }
        (Kind::Flag, DeValue::Boolean(flag)) => Some(Setting::Flag(*flag)),
        (Kind::Choice(words), DeValue::String(text)) => {
            words.iter().find(|word| **word == *text).map(|word| Setting::Word(word))
        }
        (Kind::NewDirectory, DeValue::String(text)) => {
            return placed(place::new_directory(text, base).map(Setting::Path));
        }
        (Kind::Directory, DeValue::String(text)) => return placed(place::directory(text, base).map(Setting::Path)),
        (Kind::Store, DeValue::String(text)) => return placed(store(text, base)),
        (Kind::Files, DeValue::Array(items)) => return files(key, value, items, base),
        (Kind::Packages, DeValue::Array(items)) => return names(key, items, package),
        (Kind::Targets, DeValue::Array(items)) => return names(key, items, target),
        (Kind::Env, DeValue::Table(table)) => return variables(key, table),
        (Kind::Mounts, DeValue::Table(table)) => return mounts(key, table, base),
        _ => None,
    };
    found.ok_or_else(|| wrong(key.name, value, &key.kind.allowed()))
}

/// `value` is of the wrong kind or out of range.
pub fn wrong(name: &str, value: &Spanned<DeValue<'_>>, allowed: &str) -> Mistake {
    mistake(&value.span(), format!("`{name}` is {}; it takes {allowed}", shown(value.get_ref())))
}

/// `value` is of the right kind, but what it names will not do.
fn misplaced(name: &str, value: &Spanned<DeValue<'_>>, why: &str, kind: Kind) -> Mistake {
    mistake(&value.span(), format!("`{name}` is {}, {why}; it takes {}", shown(value.get_ref()), kind.allowed()))
}

pub fn mistake(at: &Range<usize>, problem: String) -> Mistake {
    Mistake { at: at.start, problem }
}

fn count(number: &DeInteger<'_>, least: u64, most: u64) -> Option<Setting> {
    let count = u64::try_from(whole(number)?).ok()?;
    (least..=most).contains(&count).then_some(Setting::Count(count))
}

fn whole(number: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

fn store(text: &str, base: &Path) -> Result<Setting, String> {
    match place::url(text) {
        Some(judged) => judged.and_then(|()| match text.strip_prefix("file://") {
            Some(path) => place::new_directory(path, base).map(Setting::Path),
            None => Ok(Setting::Text(text.to_owned())),
        }),
        None => place::new_directory(text, base).map(Setting::Path),
    }
}

fn files(key: &Key, value: &Spanned<DeValue<'_>>, items: &DeArray<'_>, base: &Path) -> Result<Setting, Mistake> {
    if items.len() > place::MAX_PATHS {
        return Err(mistake(&value.span(), format!("`{}` has more than {} entries", key.name, place::MAX_PATHS)));
    }
    let mut paths = Vec::new();
    for item in items {
        let DeValue::String(text) = item.get_ref() else { return Err(wrong(key.name, item, &key.kind.allowed())) };
        paths.push(place::file(text, base).map_err(|why| misplaced(key.name, item, &why, key.kind))?);
    }
    match place::name_twice(&paths) {
        None => Ok(Setting::Paths(paths)),
        Some(name) => Err(mistake(
            &value.span(),
            format!("`{}` has two files named {name:?}; they would be one in the guest's /external", key.name),
        )),
    }
}

/// Names, each as `read` has it.
fn names(key: &Key, items: &DeArray<'_>, read: fn(&str) -> Option<String>) -> Result<Setting, Mistake> {
    let mut names = Vec::new();
    for item in items {
        let name = match item.get_ref() {
            DeValue::String(text) => read(text),
            _ => None,
        };
        names.push(name.ok_or_else(|| wrong(key.name, item, &key.kind.allowed()))?);
    }
    Ok(Setting::Names(names))
}

fn target(text: &str) -> Option<String> {
    let fine = !text.is_empty() && text.len() <= 256 && !text.contains(char::is_control);
    fine.then(|| text.to_owned())
}

/// A name as package indexes compare them: lower case, with `-` for every run of `-`, `_` and `.`.
fn package(text: &str) -> Option<String> {
    let outside = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_alphanumeric());
    let inside = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    if text.len() > 100 || !text.chars().all(inside) || !outside(text.chars().next()) || !outside(text.chars().last()) {
        return None;
    }
    let parts: Vec<&str> = text.split(['-', '_', '.']).filter(|part| !part.is_empty()).collect();
    Some(parts.join("-").to_ascii_lowercase())
}

fn variables(key: &Key, table: &DeTable<'_>) -> Result<Setting, Mistake> {
    let mut variables = BTreeMap::new();
    for (name, value) in table {
        let DeValue::String(text) = value.get_ref() else {
            return Err(wrong(&format!("{}.{}", key.name, name.get_ref()), value, "a text"));
        };
        let name_is_fine = !name.get_ref().is_empty() && !name.get_ref().contains(['=', '\0']);
        if !name_is_fine || text.contains('\0') {
            let problem = format!("`{}.{}` cannot be a variable", key.name, name.get_ref().escape_debug());
            return Err(mistake(&name.span(), problem));
        }
        variables.insert(name.get_ref().to_string(), text.to_string());
    }
    Ok(Setting::Texts(variables))
}

fn mounts(key: &Key, table: &DeTable<'_>, base: &Path) -> Result<Setting, Mistake> {
    let mut mounts = BTreeMap::new();
    if let Some((guest, _)) = table.iter().nth(place::MAX_PATHS) {
        let problem = format!("`{}` has more than {} entries", key.name, place::MAX_PATHS);
        return Err(mistake(&guest.span(), problem));
    }
    for (guest, value) in table {
        place::guest(guest.get_ref())
            .map_err(|why| mistake(&guest.span(), format!("in `{}`, {:?} {why}", key.name, guest.get_ref())))?;
        let name = format!("{}.{:?}", key.name, guest.get_ref());
        let DeValue::String(text) = value.get_ref() else {
            return Err(wrong(&name, value, &Kind::Directory.allowed()));
        };
        let host = place::directory(text, base).map_err(|why| misplaced(&name, value, &why, Kind::Directory))?;
        mounts.insert(guest.get_ref().to_string(), host);
    }
    Ok(Setting::Mounts(mounts))
}

fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(number) => number.as_str().to_owned(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(truth) => truth.to_string(),
        other => format!("{} {}", if other.type_str() == "array" { "an" } else { "a" }, other.type_str()),
    }
}
