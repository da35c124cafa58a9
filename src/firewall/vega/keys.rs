//! The keys of charts: all that Vega and Vega-Lite know, in their versions 5 and 6, with what each may hold. What is not
//! here goes. The tables are text, `vega.keys` and `vega_lite.keys`: a rule, and the keys that it holds for.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::language::Language;

/// What the value of a key may be. Lists hold what one may be, and objects are parts of the chart of their own, unless
/// the rule says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// No text: numbers, truth values, other parts of the chart.
    Plain,
    /// A word of the language.
    Word,
    /// A text to be read.
    Text,
    /// The name of something in the chart.
    Name,
    /// A path to a column.
    Field,
    /// Any values, as they are compared with those of the data.
    Values,
    /// One value, of whatever form.
    Literal,
    /// Data, in what describes a data set; values elsewhere.
    Rows,
    /// Names of data sets with their data.
    Datasets,
    /// Parts that the chart names itself.
    Named,
    /// An expression.
    Expression,
    /// A test: an expression, or an object that says what is compared.
    Predicate,
    /// Names the events that something listens to.
    Events,
    /// What is listened to, or a column.
    On,
    /// A colour or a gradient.
    Colour,
    /// What pointer is shown.
    Cursor,
    /// How layers are mixed; ends up in a style sheet.
    Blend,
    /// An address of data or of a picture.
    Url,
    /// A font.
    Font,
    /// A shape: a word, or the steps of a line.
    Shape,
    /// How a number or a time is written.
    Format,
    /// Which function writes it.
    FormatType,
    /// A part of a date, or how it is written.
    Date,
    /// A place on the earth.
    Degrees,
    /// What is shown where the pointer is.
    Tooltip,
    /// A control that sets a signal.
    Bind,
    /// How columns are read.
    Parse,
    /// What stands between the columns of a table.
    Delimiter,
    /// What transforms the data, or marks.
    Transform,
    /// The data sets, or the name of one.
    Data,
    /// The name of data that a data set is made of, or where events come from.
    Source,
    /// What marks are drawn for.
    From,
    /// What a new value is, or how marks look then.
    Update,
    /// The name of a signal that a transform sets, or an expression.
    Signal,
    /// A path from the group around a mark.
    GroupField,
    /// How often to go up.
    Level,
    /// Where the chart's language is described.
    Schema,
    /// What others wish to know beside the chart; the viewer's own options are among it.
    Usermeta,
    /// What leads elsewhere, or out of the chart.
    Gone,
}

const RULES: [(&str, Rule); 39] = [
    ("plain", Rule::Plain),
    ("word", Rule::Word),
    ("text", Rule::Text),
    ("name", Rule::Name),
    ("field", Rule::Field),
    ("values", Rule::Values),
    ("literal", Rule::Literal),
    ("rows", Rule::Rows),
    ("datasets", Rule::Datasets),
    ("named", Rule::Named),
    ("expression", Rule::Expression),
    ("predicate", Rule::Predicate),
    ("events", Rule::Events),
    ("on", Rule::On),
    ("colour", Rule::Colour),
    ("cursor", Rule::Cursor),
    ("blend", Rule::Blend),
    ("url", Rule::Url),
    ("font", Rule::Font),
    ("shape", Rule::Shape),
    ("format", Rule::Format),
    ("format_type", Rule::FormatType),
    ("date", Rule::Date),
    ("degrees", Rule::Degrees),
    ("tooltip", Rule::Tooltip),
    ("bind", Rule::Bind),
    ("parse", Rule::Parse),
    ("delimiter", Rule::Delimiter),
    ("transform", Rule::Transform),
    ("data", Rule::Data),
    ("source", Rule::Source),
    ("from", Rule::From),
    ("update", Rule::Update),
    ("signal", Rule::Signal),
    ("group_field", Rule::GroupField),
    ("level", Rule::Level),
    ("schema", Rule::Schema),
    ("usermeta", Rule::Usermeta),
    ("gone", Rule::Gone),
];

type Table = HashMap<&'static str, Rule>;

static VEGA: LazyLock<Table> = LazyLock::new(|| table(include_str!("vega.keys")));
static VEGA_LITE: LazyLock<Table> = LazyLock::new(|| table(include_str!("vega_lite.keys")));

/// What a key of a chart may hold; nothing if the language has no such key.
pub fn rule(language: Language, key: &str) -> Option<Rule> {
    let table = match language {
        Language::Vega => &VEGA,
        Language::VegaLite => &VEGA_LITE,
    };
    table.get(key).copied()
}

/// Lines of a rule, a colon and keys; further lines of the same rule are indented, and comments begin with `#`.
fn table(text: &'static str) -> Table {
    let mut keys = Table::new();
    let mut rule = Rule::Gone;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (named, rest) = line.split_once(':').unwrap_or(("", line));
        if let Some((_, known)) = RULES.iter().find(|(name, _)| *name == named) {
            rule = *known;
        }
        keys.extend(rest.split_ascii_whitespace().map(|key| (key, rule)));
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_one_rule_that_there_is() {
        for text in [include_str!("vega.keys"), include_str!("vega_lite.keys")] {
            let mut seen = Vec::new();
            for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
                let (named, rest) = line.split_once(':').unwrap_or(("", line));
                let known = RULES.iter().any(|(name, _)| *name == named);
                assert!(known || (named.is_empty() && line.starts_with(' ')), "{line}");
                seen.extend(rest.split_ascii_whitespace());
            }
            let mut once = seen.clone();
            once.sort_unstable();
            once.dedup();
            assert_eq!(once.len(), seen.len(), "a key is there twice");
            assert!(seen.len() > 400);
        }
    }
}
