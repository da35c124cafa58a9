//! What the process's allocator keeps of memory that was freed. A flood of small messages, or one large one, leaves
//! pages behind that are free and still the process's own; here they go back to the system. It knows sizes alone.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::sandbox::memory::mapping;

/// By how much the process may grow before it is looked for free pages.
const NOTABLE: u64 = 8 << 20;
/// How far above what it took at the start the process counts as large.
const LARGE: u64 = 24 << 20;
/// A large process is looked through once in so many times, grown or not: what was in use then may be free now, and nothing
/// says so.
const AGAIN: u64 = 8;
/// When they are looked for: what was in use may be free only when its last reader is done with it.
const LOOKS: [Duration; 4] =
    [Duration::ZERO, Duration::from_millis(100), Duration::from_millis(400), Duration::from_millis(1_500)];

/// The process's anonymous memory after the last look, in bytes.
static SETTLED: AtomicU64 = AtomicU64::new(u64::MAX);
/// The same at the start.
static START: AtomicU64 = AtomicU64::new(u64::MAX);
/// How often nothing was looked for in a large process, one after the other.
static PASSED: AtomicU64 = AtomicU64::new(0);
static LOOKING: AtomicBool = AtomicBool::new(false);

/// Has the allocator take large blocks from the system and give them back one by one. To be called once, at the start.
pub fn prepare() {
    mapping::map_large_blocks();
    let now = anonymous().unwrap_or(u64::MAX);
    SETTLED.store(now, Ordering::Relaxed);
    START.store(now, Ordering::Relaxed);
}

/// Gives free pages back, if the process has grown; in the background, and cheap where there is nothing to do. To be
/// called wherever much may have become free.
pub fn relieve() {
    let Some(now) = anonymous() else { return };
    let settled = SETTLED.fetch_min(now, Ordering::Relaxed);
    let large = now >= START.load(Ordering::Relaxed).saturating_add(LARGE);
    let again = large && PASSED.fetch_add(1, Ordering::Relaxed) % AGAIN == AGAIN - 1;
    let grown = now >= settled.saturating_add(NOTABLE);
    if !(grown || again) || LOOKING.swap(true, Ordering::AcqRel) {
        return;
    }
    let looking = std::thread::Builder::new().name("heap".to_owned()).spawn(move || {
        for pause in LOOKS {
            std::thread::sleep(pause);
            let Some(now) = anonymous() else { break };
            if again || now >= SETTLED.load(Ordering::Relaxed).saturating_add(NOTABLE / 4) {
                mapping::give_back();
            }
        }
        // What is left is in use.
        SETTLED.store(anonymous().unwrap_or(u64::MAX), Ordering::Relaxed);
        LOOKING.store(false, Ordering::Release);
    });
    if looking.is_err() {
        LOOKING.store(false, Ordering::Release);
    }
}

/// The process's anonymous memory in bytes, as far as it is resident; `None` where the system does not say.
fn anonymous() -> Option<u64> {
    static STATM: OnceLock<Option<File>> = OnceLock::new();
    let file = STATM.get_or_init(|| File::open("/proc/self/statm").ok()).as_ref()?;
    let mut text = [0; 128];
    let length = file.read_at(&mut text, 0).ok()?;
    let text = std::str::from_utf8(text.get(..length)?).ok()?;
    let mut pages = text.split(' ').skip(1).map(str::parse::<u64>);
    let (resident, shared) = (pages.next()?.ok()?, pages.next()?.ok()?);
    Some(resident.saturating_sub(shared).saturating_mul(rustix::param::page_size() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn memory_that_is_in_use_is_seen() {
        let before = anonymous().unwrap();
        let block = std::hint::black_box(vec![1_u8; 64 << 20]);
        // Other tests free and take memory meanwhile.
        assert!(anonymous().unwrap() > before + (16 << 20));
        drop(block);
    }
}
