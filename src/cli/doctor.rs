//! `cellblock doctor`: checks the set-up and the kernelspec, and says what to do about what is wrong.

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use super::{jupyter_dirs, kernelspec, terminal};
use crate::language;
use crate::sandbox::Edition;
use crate::setup::ensure::supported;
use crate::setup::pip::Pip;
use crate::setup::{Cache, Prepared, SetupError, stages};

#[derive(Debug, clap::Args)]
pub(super) struct Doctor {
    /// The kernel's name
    #[arg(long, default_value = language::DEFAULT.kernelspec.name)]
    name: String,
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Finding {
    Good(String),
    /// Works now, but something that is needed at times is missing.
    Doubtful(String),
    Bad(String),
}

use Finding::{Bad, Doubtful, Good};

impl Doctor {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let mut bad = 0;
        for (what, finding) in self.findings() {
            let (mark, text) = match &finding {
                Good(text) => ("ok     ", text),
                Doubtful(text) => ("warning", text),
                Bad(text) => ("FAILED ", text),
            };
            terminal::say(&format!("{mark}  {what}: {text}"));
            bad += usize::from(matches!(finding, Bad(_)));
        }
        match bad {
            0 => terminal::say("Everything that is needed is there."),
            1 => terminal::say("One thing is wrong."),
            n => terminal::say(&format!("{n} things are wrong.")),
        }
        Ok(if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn findings(&self) -> Vec<(String, Finding)> {
        let platform = match supported(std::env::consts::OS, std::env::consts::ARCH) {
            Ok(()) => Good(format!("{} on {}", std::env::consts::OS, std::env::consts::ARCH)),
            Err(error) => Bad(error.to_string()),
        };
        let mut findings = vec![("platform".to_owned(), platform)];
        let prepared = runtime(&mut findings);
        findings.push(("Python with pip".to_owned(), pip(prepared)));
        findings.push((format!("kernelspec {}", self.name), kernel(&self.name)));
        findings
    }
}

/// Checks the cache and everything in it; whether it is all there.
fn runtime(findings: &mut Vec<(String, Finding)>) -> bool {
    let cache = match existing_cache() {
        Ok(cache) => cache,
        Err(finding) => {
            findings.push(("cache".to_owned(), finding));
            return false;
        }
    };
    findings.push(("cache".to_owned(), Good(format!("{}, yours alone", cache.root().display()))));
    let builder = match super::builder::builder(Edition::Ordinary) {
        Ok(builder) => builder,
        Err(error) => {
            findings.push(("sandbox".to_owned(), Bad(format!("{error:#}"))));
            return false;
        }
    };
    let prepared = match Prepared::open_unchecked(&cache, builder.as_ref()) {
        Ok(prepared) => prepared,
        Err(error) => {
            findings.push(("set-up".to_owned(), Bad(error.to_string())));
            findings.push(("disk".to_owned(), disk(&cache)));
            return false;
        }
    };
    let mut good = true;
    for (name, found) in prepared.check_all() {
        good &= found.is_ok();
        let finding = match found {
            Ok(()) => Good("its hash is as recorded".to_owned()),
            Err(error) => Bad(error.to_string()),
        };
        findings.push((format!("{}/{name}", prepared.id()), finding));
    }
    good
}

fn existing_cache() -> Result<Cache, Finding> {
    let root = Cache::default_root().map_err(|error| Bad(error.to_string()))?;
    if !root.exists() {
        return Err(Bad(format!("{} does not exist yet. Run `cellblock setup`.", root.display())));
    }
    Cache::at(&root).map_err(|error| Bad(error.to_string()))
}

fn disk(cache: &Cache) -> Finding {
    let needed = stages::stages(language::DEFAULT).iter().map(|spec| spec.disk).sum();
    match crate::setup::disk::require(cache.root(), needed) {
        Ok(()) => Good("there is room for a set-up".to_owned()),
        Err(error) => Bad(error.to_string()),
    }
}

/// pip is needed for the next set-up only.
fn pip(prepared: bool) -> Finding {
    match Pip::find() {
        Ok(pip) => Good(pip.version),
        Err(error @ SetupError::NoPython { .. }) if prepared => Doubtful(error.to_string()),
        Err(error) => Bad(error.to_string()),
    }
}

fn kernel(name: &str) -> Finding {
    let found = kernelspec::find(&jupyter_dirs::env, name);
    let Some(first) = found.first() else {
        return Bad("Jupyter finds none. Run `cellblock install`.".to_owned());
    };
    let dir = first.dir.display();
    match version_of(&first.program) {
        None => Bad(format!("{dir} starts {}, which cannot be run. Run `cellblock install`.", first.program.display())),
        Some(version) if version != env!("CARGO_PKG_VERSION") || version != first.version => Bad(format!(
            "{dir} was written by version {} and starts {} of version {version}; this is {}. Run `cellblock install`.",
            first.version,
            first.program.display(),
            env!("CARGO_PKG_VERSION")
        )),
        Some(_) => Good(format!("{dir} starts {}", first.program.display())),
    }
}

/// The version that a `cellblock` program says it is.
fn version_of(program: &Path) -> Option<String> {
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.trim().strip_prefix("cellblock ").map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_gone_has_no_version() {
        assert_eq!(version_of(Path::new("/nowhere/cellblock")), None);
    }
}
