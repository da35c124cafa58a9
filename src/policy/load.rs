//! Reads a policy file. Every mistake is an error that names the file, the line, the key and what is allowed.

use std::collections::BTreeMap;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

use thiserror::Error;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Policy;
use super::keys::{KEYS, Key, Kind, Profile, Setting};
use super::nearest::nearest;

/// Far more than a policy needs.
const MAX_FILE: u64 = 1 << 20;
/// The key that names a profile; the one key that is not a limit or a grant.
const PROFILE: &str = "profile";

/// Why a policy file was refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// The file cannot be read.
    #[error("cannot read the policy file {}: {cause}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        cause: std::io::Error,
    },
    /// The file is not a policy.
    #[error("{}:{line}: {problem}", path.display())]
    Mistake {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// What is the matter.
        problem: String,
    },
}

/// A mistake at a place in the text.
struct Mistake {
    at: usize,
    problem: String,
}

impl Policy {
    /// The policy in `file`. `profile`, from a flag, goes before the file's own.
    ///
    /// # Errors
    /// A file that cannot be read, or any mistake in it.
    pub fn load(file: &Path, profile: Option<Profile>) -> Result<Self, PolicyError> {
        let unreadable = |cause| PolicyError::Unreadable { path: file.to_owned(), cause };
        let mut text = String::new();
        std::fs::File::open(file).and_then(|open| open.take(MAX_FILE).read_to_string(&mut text)).map_err(unreadable)?;
        let base = file.parent().unwrap_or(Path::new(""));
        parse(&text, base, profile).map_err(|Mistake { at, problem }| {
            let line = text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
            PolicyError::Mistake { path: file.to_owned(), line, problem }
        })
    }
}

/// The policy in `text`; paths in it are relative to `base`.
fn parse(text: &str, base: &Path, profile: Option<Profile>) -> Result<Policy, Mistake> {
    let table = DeTable::parse(text).map_err(|error| Mistake {
        at: error.span().map_or(0, |span| span.start),
        problem: error.message().to_owned(),
    })?;
    let named = table.get_ref().iter().find(|(key, _)| key.get_ref() == PROFILE);
    let named = named.map(|(_, value)| profile_of(value)).transpose()?;
    let mut policy = Policy::for_profile(profile.or(named).unwrap_or_default());
    for (name, value) in table.get_ref() {
        if name.get_ref() == PROFILE {
            continue;
        }
        let key = KEYS
            .iter()
            .find(|key| key.name == name.get_ref())
            .ok_or_else(|| Mistake { at: name.span().start, problem: unknown(name.get_ref()) })?;
        let setting = setting(key, value, base)?;
        key.set(&mut policy, setting);
    }
    Ok(policy)
}

fn unknown(name: &str) -> String {
    let names = KEYS.iter().map(|key| key.name).chain([PROFILE]);
    match nearest(name, names.clone()) {
        Some(known) => format!("there is no key `{name}`; did you mean `{known}`?"),
        None => format!("there is no key `{name}`; the keys are {}", names.collect::<Vec<_>>().join(", ")),
    }
}

fn profile_of(value: &Spanned<DeValue<'_>>) -> Result<Profile, Mistake> {
    let known = match value.get_ref() {
        DeValue::String(name) => Profile::ALL.into_iter().find(|profile| profile.as_str() == name),
        _ => None,
    };
    known.ok_or_else(|| wrong(PROFILE, &value.span(), value, "\"notebook\", \"agent\" or \"strict\""))
}

fn setting(key: &Key, value: &Spanned<DeValue<'_>>, base: &Path) -> Result<Setting, Mistake> {
    let found = match (key.kind, value.get_ref()) {
        (Kind::Count(least, most), DeValue::Integer(number)) => whole(number)
            .and_then(|count| u64::try_from(count).ok())
            .filter(|count| (least..=most).contains(count))
            .map(Setting::Count),
        (Kind::Seconds(least, most), DeValue::Integer(number)) => {
            whole(number).map(|count| count as f64).filter(|s| (least..=most).contains(s)).map(Setting::Seconds)
        }
        (Kind::Seconds(least, most), DeValue::Float(number)) => {
            number.as_str().parse().ok().filter(|s| (least..=most).contains(s)).map(Setting::Seconds)
        }
        (Kind::Directory, DeValue::String(path)) if !path.is_empty() => {
            Some(Setting::Text(base.join(&**path).to_string_lossy().into_owned()))
        }
        (Kind::Env, DeValue::Table(table)) => return variables(key, table).map(Setting::Map),
        _ => None,
    };
    found.ok_or_else(|| wrong(key.name, &value.span(), value, &key.kind.allowed()))
}

fn whole(number: &toml::de::DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

fn variables(key: &Key, table: &DeTable<'_>) -> Result<BTreeMap<String, String>, Mistake> {
    let mut variables = BTreeMap::new();
    for (name, value) in table {
        let DeValue::String(text) = value.get_ref() else {
            return Err(wrong(&format!("{}.{}", key.name, name.get_ref()), &value.span(), value, "a text"));
        };
        let name_is_fine = !name.get_ref().is_empty() && !name.get_ref().contains(['=', '\0']);
        if !name_is_fine || text.contains('\0') {
            let problem = format!("`{}.{}` cannot be a variable", key.name, name.get_ref().escape_debug());
            return Err(Mistake { at: name.span().start, problem });
        }
        variables.insert(name.get_ref().to_string(), text.to_string());
    }
    Ok(variables)
}

fn wrong(key: &str, at: &Range<usize>, value: &Spanned<DeValue<'_>>, allowed: &str) -> Mistake {
    let shown = match value.get_ref() {
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(number) => number.as_str().to_owned(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(truth) => truth.to_string(),
        other => format!("a {}", other.type_str()),
    };
    Mistake { at: at.start, problem: format!("`{key}` is {shown}; it takes {allowed}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Policy, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("p.toml");
        std::fs::write(&path, text).unwrap();
        Policy::load(&path, None).map_err(|error| error.to_string().rsplit_once("/p.toml").unwrap().1.to_owned())
    }

    #[test]
    fn the_commented_file_is_the_table_and_changes_nothing() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/policy.toml");
        if std::env::var_os("CELLBLOCK_BLESS").is_some() {
            std::fs::write(&path, super::super::keys::reference()).unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, super::super::keys::reference(), "write it anew with CELLBLOCK_BLESS=1");
        assert_eq!(Policy::load(&path, None).unwrap(), Policy::default());
    }

    #[test]
    fn the_defaults_are_those_of_the_notebook_profile() {
        let policy = load("").unwrap();
        assert_eq!(policy, Policy::default());
        assert_eq!((policy.fuel_budget, policy.memory_bytes), (1_000_000_000_000, 2 << 30));
        assert_eq!((policy.stdout_max_bytes, policy.timeout_seconds), (50_000_000, None));
    }

    #[test]
    fn keys_are_laid_over_a_profile() {
        let policy =
            load("profile = \"strict\"\nfuel_budget = 3_000_000\ntimeout_seconds = 5\n[env]\nA = \"b\"").unwrap();
        assert_eq!((policy.fuel_budget, policy.timeout_seconds), (3_000_000, Some(5.0)));
        assert_eq!((policy.stdout_max_bytes, policy.env["A"].as_str()), (2_000_000, "b"));
    }

    #[test]
    fn a_flag_goes_before_the_profile_of_the_file() {
        assert_eq!(
            parse("profile = \"strict\"", Path::new(""), Some(Profile::Agent)).ok().unwrap().profile,
            Profile::Agent
        );
    }

    #[test]
    fn a_relative_workspace_is_relative_to_the_file() {
        let policy = parse("workspace = \"work\"", Path::new("/etc/cellblock"), None).ok().unwrap();
        assert_eq!(policy.workspace.unwrap(), Path::new("/etc/cellblock/work"));
    }

    #[test]
    fn mistakes_name_the_line_the_key_and_what_is_allowed() {
        for (text, expected) in [
            ("\nfule_budget = 1", ":2: there is no key `fule_budget`; did you mean `fuel_budget`?"),
            ("open_files = \"many\"", ":1: `open_files` is \"many\"; it takes a whole number from 8 to 65536"),
            ("open_files = 2", ":1: `open_files` is 2; it takes a whole number from 8 to 65536"),
            ("open_files = -5", ":1: `open_files` is -5; it takes a whole number from 8 to 65536"),
            ("timeout_seconds = nan", ":1: `timeout_seconds` is nan; it takes seconds from 0.001 to 31536000"),
            ("profile = \"lax\"", ":1: `profile` is \"lax\"; it takes \"notebook\", \"agent\" or \"strict\""),
            ("[env]\nA = 1", ":2: `env.A` is 1; it takes a text"),
            ("[fuel_budget]", ":1: `fuel_budget` is a table; it takes a whole number from 1000000 to 1000000000000000"),
        ] {
            assert_eq!(load(text).unwrap_err(), expected);
        }
        assert!(load("open_files = 9\nopen_files = 9").unwrap_err().starts_with(":2: "));
        assert!(load("a = ").unwrap_err().starts_with(":1: "));
        assert!(load("colour = 1").unwrap_err().contains("the keys are fuel_budget, "));
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = Policy::load(Path::new("/nowhere/p.toml"), None).unwrap_err().to_string();
        assert!(error.contains("/nowhere/p.toml"), "{error}");
    }
}
