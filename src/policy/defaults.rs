//! Policies that come from the table alone.

use std::collections::BTreeMap;

use super::keys::KEYS;
use super::{
    Advice, Durability, Effective, FuelAdvice, Heal, Ids, Log, LogFormat, Output, Packages, Persist, Policy,
    PolicyError, Profile, Resume, Search, Session,
};

/// What the defaults are laid over: every key has one, so nothing of this is left.
const BLANK: Policy = Policy {
    profile: Profile::Strict,
    fuel_budget: 0,
    timeout_seconds: None,
    interrupt_grace_seconds: 0.0,
    memory_bytes: 0,
    stdout_max_bytes: 0,
    stderr_max_bytes: 0,
    display_max_bytes: 0,
    message_max_bytes: 0,
    open_files: 0,
    recursion_limit: 0,
    deterministic: false,
    workspace: None,
    workspace_bytes: 0,
    workspace_files: 0,
    mount_data_dir: None,
    mounts: BTreeMap::new(),
    external_files: Vec::new(),
    external_max_bytes: 0,
    env: BTreeMap::new(),
    output: Output {
        messages_per_second: 0,
        max_display_bytes: 0,
        active_content: false,
        remote_resources: false,
        terminal: false,
        comm_targets: Vec::new(),
    },
    session: Session {
        persist: Persist::Off,
        durability: Durability::Relaxed,
        resume: Resume::Never,
        heal: Heal::Offer,
        idle_evict: None,
        undo: 0,
        undo_bytes: 0,
        max_bytes: 0,
        store: None,
        ids: Ids::Uuid,
    },
    packages: Packages { install: false, allowed: None },
    advice: Advice { fuel: FuelAdvice::Never, errors: false },
    log: Log { code: false, format: LogFormat::Text },
};

impl Policy {
    /// The defaults of a profile.
    pub fn for_profile(profile: Profile) -> Self {
        let mut policy = Self { profile, ..BLANK };
        for key in KEYS {
            key.set(&mut policy, key.default(profile));
        }
        policy
    }

    /// The policy in `file`. `profile`, from a flag, goes before the file's own.
    ///
    /// # Errors
    /// A file that cannot be read, or any mistake in it.
    pub fn load(file: &std::path::Path, profile: Option<Profile>) -> Result<Self, PolicyError> {
        let search = Search { flag: Some(file.to_owned()), profile, ..Search::default() };
        search.effective().map(|Effective { policy, .. }| policy)
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::for_profile(Profile::default())
    }
}
