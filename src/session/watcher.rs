//! What the sandbox tells of a guest's files, for the workspace.

use std::sync::Arc;

use crate::sandbox::HostCall;
use crate::sandbox::watch::{Act, Denied, Moved, Spot, Watch, Written};
use crate::workspace::{Refused, Seen, Tracker};

/// Tells a workspace what the guest does.
#[derive(Debug)]
pub struct Watcher(pub Arc<Tracker>);

impl Watch for Watcher {
    fn before<'a>(&'a self, spot: Spot<'a>, act: Act) -> Option<HostCall<'a, Result<u64, Denied>>> {
        let wait = self.0.before(root(spot), spot.path, spot.follow, act == Act::Make)?;
        Some(Box::pin(async move { wait.await.map_err(denied) }))
    }

    fn before_move<'a>(&'a self, from: Spot<'a>, to: Spot<'a>) -> HostCall<'a, Result<Moved, Denied>> {
        Box::pin(async move {
            let moved = self.0.before_move((root(from), from.path), (root(to), to.path)).await;
            moved.map(|(bytes, paths)| Moved { bytes, paths }).map_err(denied)
        })
    }

    fn after(&self, spot: Spot<'_>, written: Option<Written>) {
        let seen = written.map(|Written { size, modified, links }| Seen { size, modified, links });
        self.0.after(root(spot), spot.path, spot.follow, seen);
    }

    fn after_move(&self, from: Spot<'_>, to: Spot<'_>) {
        self.0.after_move((root(from), from.path), (root(to), to.path));
    }
}

/// What manifests call a mount.
fn root(spot: Spot<'_>) -> &str {
    spot.mount.trim_start_matches('/')
}

fn denied(refused: Refused) -> Denied {
    match refused {
        Refused::Names => Denied::Names,
        Refused::Unreadable => Denied::Unreadable,
        Refused::Full => Denied::Full,
        Refused::Failed => Denied::Failed,
    }
}
