//! `cellblock sessions show`.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::arguments::Place;
use super::damage;
use super::list;
use super::states::{self, count};
use super::table;
use crate::store::catalog;
use crate::store::catalog::Listing;
use crate::store::{SessionId, StoreError, View};
use crate::timeline::{StateId, Target};
use crate::workspace::Entry;

#[derive(Debug, clap::Args)]
pub(super) struct Show {
    /// The session
    id: SessionId,
    #[command(flatten)]
    place: Place,
}

impl Show {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let (_, backend) = self.place.open()?;
        let mut listing = catalog::show(&backend, &self.id)?;
        let view = match View::open(&backend, &self.id) {
            Ok(view) => Some(view),
            Err(error @ StoreError::Damaged { .. }) => {
                let advice = damage::advice(&self.id, &error).unwrap_or_default();
                listing.problem = Some(format!("{error} {advice}").trim_end().to_owned());
                None
            }
            Err(error) => return Err(error.into()),
        };
        self.place.answer(&as_json(&listing, view.as_ref()), &as_text(&listing, view.as_ref()));
        Ok(if listing.problem.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// The state in which the session is, or in which it goes on.
fn state_of(view: &View) -> Option<StateId> {
    match view.timeline().current() {
        Target::State(state) => Some(state),
        Target::Fresh => view.resumable(),
    }
}

/// How many files a state has, and how many bytes they are.
fn files(view: &View, state: StateId) -> (u64, u64) {
    let files = view.files(state);
    let sizes = files.0.iter().filter_map(|(path, entry)| match entry {
        Entry::File { size, .. } if path.starts_with("app/") => Some(*size),
        _ => None,
    });
    sizes.fold((0, 0), |(count, bytes), size| (count + 1, bytes + size))
}

fn as_json(listing: &Listing, view: Option<&View>) -> Value {
    let json = list::as_json(listing);
    let Some(view) = view else { return json };
    let (metadata, timeline) = (view.metadata(), view.timeline());
    let state = |id: StateId| view.state(id).map(states::json);
    let (count, bytes) = state_of(view).map_or((0, 0), |state| files(view, state));
    let more = json!({
        "forked_from": metadata.forked_from,
        "image": metadata.identity.image,
        "current": state_of(view).and_then(state),
        "resumable": view.resumable().and_then(state),
        "states": timeline.states().len(),
        "undoable": timeline.undoable(),
        "redoable": timeline.redoable(),
        "names": timeline.names(),
        "files": {"count": count, "bytes": bytes},
    });
    states::with(json, more)
}

fn as_text(listing: &Listing, view: Option<&View>) -> String {
    let mut lines = Vec::new();
    let mut line = |what: &str, text: &str| lines.push(format!("{what:<10} {text}"));
    line("session", &listing.session_id);
    if let Some(notebook) = &listing.notebook {
        line("notebook", &table::plain(notebook));
    }
    if let Some(from) = view.and_then(|view| view.metadata().forked_from.as_ref()) {
        line("fork of", &table::plain(from));
    }
    if let Some(created) = listing.created_at {
        line("made", &table::time(created));
    }
    if let Some(updated) = listing.updated_at {
        line("changed", &table::time(updated));
    }
    if let Some(runtime) = &listing.runtime {
        line("runtime", &table::plain(runtime));
    }
    if let Some(holder) = &listing.held_by {
        line("in use by", &table::plain(holder));
    }
    if let Some(view) = view {
        let state = state_of(view);
        let at = state.and_then(|state| view.state(state)).map_or_else(
            || "nothing to go on with".to_owned(),
            |info| format!("{}, with {}", states::words(info), count(info.cells.into(), "cell")),
        );
        line("at", &at);
        let (files, bytes) = state.map_or((0, 0), |state| files(view, state));
        line("files", &format!("{}, {}", count(files, "file"), table::size(bytes)));
        let names: Vec<String> = view.timeline().names().keys().map(|name| table::plain(name)).collect();
        if !names.is_empty() {
            line("saved as", &names.join(", "));
        }
        let stored = count(view.timeline().states().len() as u64, "state");
        line("stored", &format!("{stored}, {}; all of it was checked", table::size(listing.bytes)));
    } else {
        line("stored", &table::size(listing.bytes));
    }
    if let Some(problem) = &listing.problem {
        line("problem", &table::plain(problem));
    }
    lines.join("\n")
}
