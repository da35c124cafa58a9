//! What can be seen of Cellblock from outside while it works: logged events and counters.
//!
//! `events` is the one table of events, their fields and their documentation; `field` says how values become log
//! text; `line` is the form of JSON lines and the guard on every line; `visible` says what of a text from outside people may
//! be shown; `metrics` counts, in `histogram`s. A leaf:
//! knows neither Jupyter nor how a session works, and keeps nothing that a cell showed.

mod events;
mod field;
mod histogram;
mod line;
mod metrics;
mod reference;
mod visible;

pub use events::*;
pub use field::{MOST_PATH, Path, Source};
pub use histogram::Histogram;
pub use line::{Guard, JsonLines};
pub use metrics::{CellEnd, Metrics, Step, exception_name};
pub use reference::page;
pub use visible::{is_name, is_visible, shown, shown_json, shown_lines};
