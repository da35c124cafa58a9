//! Arguments that are meant for ipykernel. Those who start kernels give them to any of them (nbclient says
//! `--HistoryManager.hist_file=:memory:` to every kernel whose name is `python3`, `jupyter console --debug` hands its own
//! flags on), and ipykernel itself goes on past what it does not know. `cellblock kernel` does so too. What looks like
//! one of its own flags is an error all the same: a mistyped `--policy` must not give a kernel without that policy.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Error, FromArgMatches};

/// The subcommand that is started by others.
const STARTED_BY_OTHERS: &str = "kernel";
/// Foreign arguments of one command line.
const MOST: usize = 1_000;

/// Flags and short names of `ipykernel_launcher` that would be taken for mistyped ones of ours.
const KNOWN: &[&str] =
    &["--log-level", "--logappend", "--logfile", "--log-config", "--profile-dir", "--config", "--ip", "--existing"];

/// What was parsed, and the names of the arguments that were passed over. Their values may be anybody's secrets.
#[derive(Debug)]
pub(super) struct Parsed<T> {
    pub(super) arguments: T,
    pub(super) foreign: Vec<String>,
}

/// Parses a command line (the program's name comes first).
///
/// # Errors
/// clap's, for whatever else makes no sense.
pub(super) fn parse<T: CommandFactory + FromArgMatches>(line: Vec<OsString>) -> Result<Parsed<T>, Error> {
    let mut line = line;
    let mut foreign = Vec::new();
    loop {
        let error = match T::command().try_get_matches_from(line.clone()) {
            Ok(mut matches) => {
                let arguments = T::from_arg_matches_mut(&mut matches)?;
                return Ok(Parsed { arguments, foreign });
            }
            Err(error) => error,
        };
        let Some(name) = foreign_name::<T>(&line, &error) else { return Err(error) };
        let Some(at) = line.iter().position(|argument| is_named(argument, &name)) else { return Err(error) };
        if foreign.len() >= MOST {
            return Err(error);
        }
        line.remove(at);
        foreign.push(name);
    }
}

/// The name of the argument that the error is about, if that may be passed over.
fn foreign_name<T: CommandFactory>(line: &[OsString], error: &Error) -> Option<String> {
    if error.kind() != ErrorKind::UnknownArgument || !is_for_kernel::<T>(line) {
        return None;
    }
    let Some(ContextValue::String(name)) = error.get(ContextKind::InvalidArg) else { return None };
    // `--Class.trait` is traitlets' own form, and no name of ours has a point.
    let is_trait = name.contains('.');
    let resembles = error.get(ContextKind::SuggestedArg).is_some();
    (is_trait || KNOWN.contains(&&**name) || !resembles).then(|| name.clone())
}

/// Whether it is the command that others start.
fn is_for_kernel<T: CommandFactory>(line: &[OsString]) -> bool {
    let matches = T::command().ignore_errors(true).try_get_matches_from(line);
    matches.is_ok_and(|matches| matches.subcommand_name() == Some(STARTED_BY_OTHERS))
}

/// Whether an argument is the one of this name, with or without its value.
fn is_named(argument: &OsString, name: &str) -> bool {
    let Some(text) = argument.to_str() else { return false };
    match text.strip_prefix(name) {
        // The letters of short flags come together.
        Some(rest) => rest.is_empty() || rest.starts_with('=') || !name.starts_with("--"),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Arguments;
    use super::*;

    fn parsed(words: &str) -> Result<Vec<String>, String> {
        let line = words.split(' ').map(OsString::from).collect();
        parse::<Arguments>(line).map(|parsed| parsed.foreign).map_err(|error| error.to_string())
    }

    #[test]
    fn what_others_hand_to_every_kernel_is_passed_over() {
        let words = "cellblock kernel -f x --HistoryManager.hist_file=:memory: --IPKernelApp.pylab inline --debug \
                     --matplotlib=inline --no-secure -q --profile strict c.x=1 --log-level=10 --ip=0.0.0.0";
        let foreign =
            "--HistoryManager.hist_file --IPKernelApp.pylab --debug --matplotlib --no-secure -q --log-level --ip";
        assert_eq!(parsed(words).unwrap(), foreign.split(' ').collect::<Vec<_>>());
        assert_eq!(parsed("cellblock kernel --Session.key=x -f x").unwrap(), ["--Session.key"]);
        assert_eq!(parsed("cellblock --log info kernel -fx --Policy.x=1 --Log.y").unwrap(), ["--Policy.x", "--Log.y"]);
    }

    #[test]
    fn a_flag_of_ours_that_is_mistyped_is_still_an_error() {
        for wrong in
            ["--polcy p.toml", "--profil strict", "--Profile=strict", "--sesion a", "--log_file x", "--policies=p"]
        {
            let error = parsed(&format!("cellblock kernel -f x {wrong}")).unwrap_err();
            assert!(error.contains("unexpected argument") && error.contains("similar"), "{wrong}: {error}");
        }
        parsed("cellblock kernel -f x --profile nonsense").unwrap_err();
        parsed("cellblock kernel --debug").unwrap_err();
    }

    #[test]
    fn other_commands_take_nothing_foreign() {
        parsed("cellblock run --IPKernelApp.x=1 a.ipynb").unwrap_err();
        parsed("cellblock doctor --debug").unwrap_err();
        parsed("cellblock run --IPKernelApp.x=1 kernel").unwrap_err();
    }
}
