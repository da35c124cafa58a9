//! What the session shows while no request is served: it belongs to the request that started what shows it.

use tokio::sync::oneshot;

use super::events::{Seen, publish};
use super::iopub::Iopub;
use super::parents::Parents;
use crate::session::{Events, Queued};

/// Publishes it, from when the session is there until it ends.
pub(super) async fn serve(session: oneshot::Receiver<Option<Events>>, iopub: Iopub, parents: Parents) {
    let Ok(Some(mut events)) = session.await else { return };
    while let Some(Queued { event, permit, parent }) = events.recv().await {
        let header = parent.and_then(|id| parents.of(&id)).or_else(|| parents.latest());
        // Nobody is there who could answer an input.
        if let Some(header) = header {
            publish(event, &header, 0, &iopub, &mut Seen::default()).await;
        }
        drop(permit);
    }
}
