//! What a check costs, by what it is of and how large that is. Counted in steps and not in time, so that what passes
//! is the same on every machine; a step is about what a guest's instruction is, so that guests can be charged for it.

use serde_json::Value;

use super::bundle::{Treatment, treatment};

/// Steps for all outputs of one cell: four seconds or so, for 80 MB of HTML or 2 GB of pictures.
pub const PER_CELL: u64 = 40_000_000_000;

/// Steps for a reply, which is checked when the cell can be interrupted no more.
pub const PER_REPLY: u64 = 2_000_000_000;

/// Steps for a byte of terminal text.
const TEXT: u64 = 20;

/// Steps for a byte of a widget's message, which may be HTML and a notebook's outputs.
const WIDGET: u64 = 500;

/// Steps for a part of JSON besides its bytes.
const PART: u64 = 20;

/// What is left of what a cell's outputs may cost.
#[derive(Clone, Copy, Debug)]
pub struct Budget(u64);

impl Budget {
    /// This many steps.
    pub fn new(steps: u64) -> Self {
        Self(steps)
    }

    /// Takes steps, if there are so many.
    pub fn take(&mut self, steps: u64) -> bool {
        let left = self.0.checked_sub(steps);
        self.0 = left.unwrap_or(self.0);
        left.is_some()
    }
}

/// Steps for one type of a bundle.
pub fn of_type(kind: &str, contents: &Value) -> u64 {
    let per_byte = match treatment(kind) {
        None | Some(Treatment::Code | Treatment::WidgetView) => 1,
        Some(Treatment::Picture) => 20,
        Some(Treatment::Text) => TEXT,
        Some(Treatment::Data | Treatment::Latex) => 50,
        Some(Treatment::Plotly) => 100,
        Some(Treatment::Html | Treatment::Svg | Treatment::Vega) => 500,
        Some(Treatment::Markdown) => 1000,
    };
    size(contents).saturating_mul(per_byte)
}

/// Steps for the data of a comm's message.
pub fn of_comm(data: &Value) -> u64 {
    size(data).saturating_mul(WIDGET)
}

/// Steps for terminal text.
pub fn of_text(bytes: usize) -> u64 {
    (bytes as u64).saturating_mul(TEXT)
}

/// About as many bytes as it has, written out.
fn size(value: &Value) -> u64 {
    let inside: u64 = match value {
        Value::String(text) => text.len() as u64,
        Value::Array(list) => list.iter().map(size).sum(),
        Value::Object(object) => object.iter().map(|(key, value)| key.len() as u64 + size(value)).sum(),
        _ => 0,
    };
    inside.saturating_add(match value {
        Value::String(_) => 2,
        _ => PART / 2,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_costs_more_is_more_steps() {
        let text = json!("x".repeat(1000));
        let steps = |kind| of_type(kind, &text);
        assert!(steps("text/plain") < steps("application/json"));
        assert!(steps("application/json") < steps("text/html") && steps("text/html") < steps("text/markdown"));
        assert!(of_type("application/json", &json!([[[1], {}], null])) > of_type("application/json", &json!([])));
    }

    #[test]
    fn a_table_of_ten_megabytes_is_a_part_of_what_a_cell_may_show() {
        let mut budget = Budget::new(PER_CELL);
        let table = json!("x".repeat(10_000_000));
        assert!((0..7).all(|_| budget.take(of_type("text/html", &table))));
        assert!(!budget.take(of_type("text/html", &json!("x".repeat(20_000_000)))) && budget.take(10));
    }
}
