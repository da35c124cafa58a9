//! The one place where commands get the sandbox's side of a set-up from.

use super::session::plain;
use crate::language;
use crate::sandbox::Edition;
use crate::setup::{Builder, SandboxBuilder};

/// The builder that compiles and warms up with this build's sandbox.
pub(super) fn builder(edition: Edition) -> anyhow::Result<Box<dyn Builder>> {
    Ok(Box::new(SandboxBuilder::new(language::DEFAULT, edition).map_err(plain)?))
}
