//! The policy that is in force: files over the defaults of a profile, and where each value came from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::file::PolicyFile;
use super::keys::KEYS;
use super::kind::Setting;
use super::trust::{self, Trust};
use super::{Key, Policy, PolicyError, Profile, Store, overlap, size};

/// Files that extend one another; more are a mistake.
const MAX_CHAIN: usize = 8;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// No file sets it: the default of this profile.
    Default(Profile),
    /// A file sets it, in this line (from 1).
    File(Arc<Path>, usize),
    /// A flag.
    Flag,
}

/// Where a policy is looked for, first to last. Without any, the defaults are in force.
#[derive(Debug, Default)]
pub struct Search {
    /// The file that a flag names.
    pub flag: Option<PathBuf>,
    /// The file that the environment names.
    pub environment: Option<PathBuf>,
    /// A file that is used if it exists, and if nobody else can have written it.
    pub config: Option<PathBuf>,
    /// A profile that goes before those of files.
    pub profile: Option<Profile>,
    /// Further directories that no workspace may hold: compiled code that will be run, sessions that are kept.
    pub own: Vec<PathBuf>,
}

/// A policy, and where each of its values came from.
#[derive(Debug, Clone)]
pub struct Effective {
    /// The policy.
    pub policy: Policy,
    /// The files that it was read from; each extends the next.
    pub files: Vec<PathBuf>,
    /// Why those should not be trusted.
    pub warnings: Vec<String>,
    /// Where the profile came from.
    pub profile: Origin,
    settings: BTreeMap<&'static str, Setting>,
    /// By key, and by key and name for entries of tables.
    origins: BTreeMap<(&'static str, Option<String>), Origin>,
}

/// One key's value.
#[derive(Debug)]
pub struct Value<'a> {
    pub key: &'static Key,
    pub setting: &'a Setting,
    pub origin: Origin,
}

impl Search {
    /// Reads what there is.
    ///
    /// # Errors
    /// A file that cannot be read or trusted, or any mistake in it.
    pub fn effective(&self) -> Result<Effective, PolicyError> {
        let effective = match (self.flag.as_ref().or(self.environment.as_ref()), &self.config) {
            (Some(named), _) => Effective::of_file(named, self.profile, Trust::Named)?,
            // A link that leads nowhere is there, and an error.
            (None, Some(config)) if config.symlink_metadata().is_ok() => {
                directory_is_ours(config)?;
                Effective::of_file(config, self.profile, Trust::Found)?
            }
            _ => Effective::of_profile(self.profile),
        };
        effective.check_workspace(self.config.iter().chain(&self.own).map(PathBuf::as_path))?;
        effective.check_mounts()?;
        Ok(effective)
    }
}

fn directory_is_ours(file: &Path) -> Result<(), PolicyError> {
    let Some(dir) = file.parent() else { return Ok(()) };
    let found = dir.metadata().map_err(|cause| PolicyError::Unreadable { path: file.to_owned(), cause })?;
    trust::doubt(dir, &found).map_or(Ok(()), |doubt| Err(PolicyError::Untrusted(doubt)))
}

impl Effective {
    /// The defaults of a profile.
    pub fn of_profile(profile: Option<Profile>) -> Self {
        let origin = if profile.is_some() { Origin::Flag } else { Origin::Default(Profile::default()) };
        Self::new(profile.unwrap_or_default(), origin)
    }

    /// What is in `file` and the files that it extends.
    fn of_file(file: &Path, profile: Option<Profile>, trust: Trust) -> Result<Self, PolicyError> {
        let chain = chain(file, trust)?;
        let named = chain.iter().find_map(|file| file.profile.map(|(profile, line)| (profile, file, line)));
        let (profile, origin) = match (profile, named) {
            (Some(profile), _) => (profile, Origin::Flag),
            (None, Some((profile, file, line))) => (profile, Origin::File(file.path.clone(), line)),
            (None, None) => (Profile::default(), Origin::Default(Profile::default())),
        };
        let mut effective = Self::new(profile, origin);
        effective.files = chain.iter().map(|file| file.path.to_path_buf()).collect();
        effective.warnings = chain.iter().filter_map(|file| file.doubt.clone()).collect();
        for file in chain.into_iter().rev() {
            effective.lay(file);
        }
        effective.check_sizes()?;
        for key in KEYS {
            if let Some(setting) = effective.settings.get(key.name) {
                key.set(&mut effective.policy, setting.clone());
            }
        }
        Ok(effective)
    }

    fn new(profile: Profile, origin: Origin) -> Self {
        Self {
            policy: Policy::for_profile(profile),
            files: Vec::new(),
            warnings: Vec::new(),
            profile: origin,
            settings: KEYS.iter().map(|key| (key.name, key.default(profile))).collect(),
            origins: BTreeMap::new(),
        }
    }

    /// Lays what a file says over what there is. Tables are merged name by name; everything else is replaced.
    fn lay(&mut self, file: PolicyFile) {
        for entry in file.entries {
            let name = entry.key.name;
            for (inner, line) in entry.lines {
                self.origins.insert((name, Some(inner)), Origin::File(file.path.clone(), line));
            }
            self.origins.insert((name, None), Origin::File(file.path.clone(), entry.line));
            match (self.settings.get_mut(name), entry.setting) {
                (Some(Setting::Texts(below)), Setting::Texts(above)) => below.extend(above),
                (Some(Setting::Mounts(below)), Setting::Mounts(above)) => below.extend(above),
                (_, setting) => drop(self.settings.insert(name, setting)),
            }
        }
    }

    /// The files and the limit of their sizes may come from different policy files, so they are compared last.
    fn check_sizes(&self) -> Result<(), PolicyError> {
        let (Some(Setting::Paths(files)), Some(Setting::Count(most))) =
            (self.settings.get("external_files"), self.settings.get("external_max_bytes"))
        else {
            return Ok(());
        };
        let large =
            files.iter().find_map(|file| Some((file, file.metadata().ok()?.len())).filter(|(_, len)| len > most));
        match (large, self.origins.get(&("external_files", None))) {
            (Some((file, bytes)), Some(Origin::File(path, line))) => Err(PolicyError::Mistake {
                path: path.to_path_buf(),
                line: *line,
                problem: format!(
                    "`external_files` has {}, which has {}; `external_max_bytes` is {}",
                    file.display(),
                    size::shown(bytes),
                    size::shown(*most)
                ),
            }),
            _ => Ok(()),
        }
    }

    /// A mount within a directory of the host's needs a directory there to be listed as: none can be made.
    fn check_mounts(&self) -> Result<(), PolicyError> {
        let data = self.policy.mount_data_dir.as_ref().map(|host| ("/data", host));
        for (guest, host) in &self.policy.mounts {
            let others = self.policy.mounts.iter().map(|(guest, host)| (guest.as_str(), host)).chain(data);
            let within = others.filter_map(|(outer, above)| {
                let rest = Path::new(guest).strip_prefix(outer).ok().filter(|rest| !rest.as_os_str().is_empty())?;
                Some((outer, above, rest))
            });
            let Some((outer, above, rest)) = within.min_by_key(|(_, _, rest)| rest.as_os_str().len()) else { continue };
            let is_there = above.join(rest).symlink_metadata().is_ok_and(|found| found.is_dir());
            let origin = self.origins.get(&("mounts", Some(guest.clone())));
            if let (false, Some(Origin::File(path, line))) = (is_there, origin) {
                return Err(PolicyError::Mistake {
                    path: path.to_path_buf(),
                    line: *line,
                    problem: format!(
                        "`mounts.{guest:?}` is \"{}\", but {outer} is {}, which has no directory {} that it could be \
                         seen as: make one there, or choose a place below /mnt",
                        host.display(),
                        above.display(),
                        rest.display()
                    ),
                });
            }
        }
        Ok(())
    }

    /// What the next session's policy is read from, and what is kept of this one, is no place for cells to write
    /// to. Nor is what they are granted to read: with a rename, a link in the workspace could take its place.
    fn check_workspace<'a>(&'a self, own: impl Iterator<Item = &'a Path>) -> Result<(), PolicyError> {
        let (Some(workspace), Some(Origin::File(path, line))) =
            (&self.policy.workspace, self.origins.get(&("workspace", None)))
        else {
            return Ok(());
        };
        let store = match &self.policy.session.store {
            Some(Store::Directory(store)) => Some(store.as_path()),
            _ => None,
        };
        let policy = &self.policy;
        let granted = policy.mounts.values().chain(&policy.external_files).chain(&policy.mount_data_dir);
        let kept = self.files.iter().chain(granted).map(PathBuf::as_path).chain(own).chain(store);
        overlap::inside(workspace, kept).map_or(Ok(()), |inside| {
            Err(PolicyError::Mistake {
                path: path.to_path_buf(),
                line: *line,
                problem: format!(
                    "`workspace` is \"{}\", and cells may change everything in it; {} has to lie elsewhere",
                    workspace.display(),
                    inside.display()
                ),
            })
        })
    }

    /// Every key with its value, in the order of the documentation.
    pub fn values(&self) -> impl Iterator<Item = Value<'_>> {
        KEYS.iter().filter_map(|key| self.value(key))
    }

    /// One key's value.
    pub fn value(&self, key: &'static Key) -> Option<Value<'_>> {
        let setting = self.settings.get(key.name)?;
        Some(Value { key, setting, origin: self.origin(key, None) })
    }

    /// Where a key's value came from, or that of one name in its table.
    pub fn origin(&self, key: &'static Key, name: Option<&str>) -> Origin {
        let found = self.origins.get(&(key.name, name.map(str::to_owned)));
        found.cloned().unwrap_or(Origin::Default(self.policy.profile))
    }
}

/// `file`, the file that it extends, the file that that one extends, …
fn chain(file: &Path, trust: Trust) -> Result<Vec<PolicyFile>, PolicyError> {
    let mut chain: Vec<PolicyFile> = vec![trusted(PolicyFile::read(file)?, trust)?];
    while let Some(last) = chain.last()
        && let Some((path, line)) = &last.extends
    {
        let next = PolicyFile::read(path).map_err(|error| match error {
            PolicyError::Unreadable { path, cause } => {
                let problem = format!("`extends` is \"{}\", which cannot be read: {cause}", path.display());
                last.mistake(*line, problem)
            }
            other => other,
        })?;
        if chain.iter().any(|known| known.identity == next.identity) {
            let names: Vec<String> = chain.iter().map(|file| file.path.display().to_string()).collect();
            let problem = format!(
                "`extends` is \"{}\", which leads back to itself: {} → {}",
                path.display(),
                names.join(" → "),
                path.display()
            );
            return Err(last.mistake(*line, problem));
        }
        if chain.len() == MAX_CHAIN {
            return Err(last.mistake(*line, format!("`extends` goes on for more than {MAX_CHAIN} files")));
        }
        chain.push(trusted(next, trust)?);
    }
    Ok(chain)
}

fn trusted(file: PolicyFile, trust: Trust) -> Result<PolicyFile, PolicyError> {
    match (&file.doubt, trust) {
        (Some(doubt), Trust::Found) => Err(PolicyError::Untrusted(doubt.clone())),
        _ => Ok(file),
    }
}
