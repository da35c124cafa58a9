//! `cellblock sessions list`.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::arguments::Place;
use super::states::count;
use super::table::{self, Side, table};
use crate::store::catalog;
use crate::store::catalog::Listing;

/// Characters of a notebook's path that are shown.
const NOTEBOOK: usize = 48;

#[derive(Debug, clap::Args)]
pub(super) struct List {
    #[command(flatten)]
    place: Place,
}

impl List {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let (_, backend) = self.place.open()?;
        let listings = catalog::list(&backend)?;
        self.place.answer(&json!({"sessions": listings.iter().map(as_json).collect::<Vec<_>>()}), &as_text(&listings));
        Ok(ExitCode::SUCCESS)
    }
}

/// The keys of a listed session.
pub(super) fn as_json(listing: &Listing) -> Value {
    json!({
        "session_id": listing.session_id,
        "created_at": listing.created_at,
        "updated_at": listing.updated_at,
        "version": listing.version,
        "notebook": listing.notebook,
        "runtime": listing.runtime,
        "bytes": listing.bytes,
        "held_by": listing.held_by,
        "problem": listing.problem,
    })
}

fn as_text(listings: &[Listing]) -> String {
    if listings.is_empty() {
        return "No sessions are stored. A notebook's session is kept from its first cell on.".to_owned();
    }
    let columns = [
        ("session", Side::Left),
        ("changed", Side::Left),
        ("size", Side::Right),
        ("", Side::Left),
        ("notebook", Side::Left),
    ];
    let rows = listings.iter().map(|listing| {
        let state = match (&listing.problem, &listing.held_by) {
            (Some(_), _) => "damaged",
            (None, Some(_)) => "in use",
            (None, None) => "",
        };
        vec![
            table::plain(&listing.session_id),
            listing.updated_at.map_or_else(|| "?".to_owned(), table::time),
            table::size(listing.bytes),
            state.to_owned(),
            listing
                .notebook
                .as_deref()
                .map(|notebook| table::end_of(&table::plain(notebook), NOTEBOOK))
                .unwrap_or_default(),
        ]
    });
    let mut text = table(&columns, &rows.collect::<Vec<_>>());
    for listing in listings {
        if let Some(problem) = &listing.problem {
            text.push_str(&format!("\n{}: {}", table::plain(&listing.session_id), table::plain(problem)));
        }
    }
    let bytes = listings.iter().map(|listing| listing.bytes).sum();
    text.push_str(&format!("\n{}, {}", count(listings.len() as u64, "session"), table::size(bytes)));
    text
}
