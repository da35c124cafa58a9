//! Whether a change is within the quota.

use wasmtime::Caller;

use super::errno;
use super::errno::Errno;
use super::host_calls;
use super::walk::{Lengths, Met, Walk};
use crate::sandbox::host;
use crate::sandbox::host::Host;
use crate::sandbox::prices;
use crate::sandbox::prices::BATCH;
use crate::sandbox::quota::Amount;
use crate::sandbox::refusals::Refusal;

/// Files of a count that is over so soon that nobody waits for it. A longer one ends with EINTR when the cell is
/// interrupted.
const SHORT: u64 = 4096;

/// Lets `more` through if it is within the quota.
pub(in crate::sandbox) async fn admit(caller: &mut Caller<'_, Host>, more: Amount) -> Result<(), Errno> {
    let meter = &caller.data().meter;
    if more == Amount::default() || !meter.is_limited() || meter.has_room_for(more) {
        return Ok(());
    }
    // What would not fit into an empty workspace needs no counting.
    let verdict = match meter.check(more) {
        Err(errno) => Err(errno),
        Ok(()) => {
            let used = count(caller).await?;
            caller.data_mut().meter.counted(used, more)
        }
    };
    match verdict {
        Err(errno::DQUOT) => caller.data().control.refuse(Refusal::WorkspaceBytes),
        Err(_) => caller.data().control.refuse(Refusal::WorkspaceFiles),
        Ok(()) => {}
    }
    verdict
}

/// What all files take, those that have no name any more too: no further than to where the quota is used up.
async fn count(caller: &mut Caller<'_, Host>) -> Result<Amount, Errno> {
    let mut used = Amount::default();
    let live = caller.data().files.live();
    host::charge(caller, prices::each(prices::COUNTED, live.len())).await;
    for fd in live {
        let stat = host_calls::stat(&mut caller.data_mut().wasi, fd).await.ok();
        let orphan = stat.filter(|stat| stat.is_file && stat.links == 0);
        used = used.plus(Amount { bytes: orphan.map_or(0, |stat| stat.size), files: 0 });
    }
    for mount in caller.data().meter.writable() {
        match count_below(caller, mount, used).await {
            Ok(more) => used = more,
            Err(errno::INTR) => return Err(errno::INTR),
            // What cannot be looked at cannot be known to be within the quota.
            Err(errno) => {
                tracing::warn!(errno = errno.answer(), "the files of the workspace cannot be counted");
                return Ok(Amount { bytes: u64::MAX, ..used });
            }
        }
    }
    Ok(used)
}

/// Adds what is below a mount, until it is past the quota.
async fn count_below(caller: &mut Caller<'_, Host>, mount: u32, mut used: Amount) -> Result<Amount, Errno> {
    let top = host_calls::directory(&mut caller.data_mut().wasi, mount.cast_signed(), ".").await?;
    let mut walk = Walk::new(&top, Lengths::Wanted).map_err(errno::of)?;
    loop {
        let mut seen: usize = 0;
        for met in std::iter::from_fn(|| walk.step()).take(BATCH) {
            seen += 1;
            used = used.plus(match met.map_err(errno::of)? {
                Met::Directory => Amount { bytes: 0, files: 1 },
                Met::File(bytes) => Amount { bytes, files: 1 },
                Met::Other => Amount::default(),
            });
        }
        let asked = host::work(caller, prices::each(prices::COUNTED, seen)).await;
        if used.files > SHORT {
            asked?;
        }
        if seen < BATCH || caller.data().meter.is_past(used) {
            return Ok(used);
        }
    }
}
