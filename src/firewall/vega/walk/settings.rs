//! Parts with rules of their own: addresses, tooltips, controls, transforms, what the viewer is told.

use serde_json::{Map, Value};

use super::super::super::removals::Kind;
use super::super::super::url::{Place, Verdict, judge};
use super::super::expression::{Node, parse};
use super::super::keys::Rule;
use super::super::language::Language;
use super::super::{MAX_DEPTH, bind, embed, names};
use super::Fate::{self, Goes, Refused, Stays};
use super::{Sink, Spot, Walk};

/// The transforms of Vega's data.
const TRANSFORMS: &str = "aggregate bin collect contour countpattern cross crossfilter density dotbin extent filter flatten \
    fold force formula geojson geopath geopoint geoshape graticule identifier impute isocontour joinaggregate kde kde2d \
    linkpath loess lookup nest pack partition pie pivot project quantile regression resolvefilter sample sequence stack \
    stratify timeunit tree treelinks treemap voronoi window wordcloud";

/// Those of marks: they give marks numbers and lines, and have no expressions over them.
const OF_MARKS: &str =
    "force geopath geopoint geoshape label linkpath pack partition pie stack tree treemap voronoi wordcloud";

impl Walk<'_> {
    /// An address of data or of a picture: within the chart, or none.
    pub(super) fn address(&mut self, value: &mut Value, spot: Spot) -> Fate {
        let fits = |value: &Value| match value.as_str().map(|address| judge(address, Place::Image)) {
            Some(Verdict::Fine) => true,
            Some(Verdict::Remote) => self.remote,
            Some(Verdict::Code) | None => false,
        };
        match value {
            Value::Object(object) if object.len() == 1 && object.get("value").is_some_and(fits) => Stays,
            // Where addresses may lead elsewhere they may be in the data, or worked out.
            Value::Object(object) if self.remote && !object.contains_key("value") => {
                self.loads = true;
                self.part(object, spot)
            }
            value if fits(value) => {
                self.loads |= spot.around == "data";
                Stays
            }
            _ => Goes(Kind::Remote),
        }
    }

    pub(super) fn tooltip(&mut self, value: &mut Value, spot: Spot) -> Fate {
        if self.declared.pivots && is_row(value, 0) {
            return Goes(Kind::PlotCode);
        }
        if self.declared.pivots
            && let Some(Value::String(content)) = value.get_mut("content")
        {
            // All columns, of which one might be made up as a picture's address; those that are drawn instead.
            *content = "encoding".to_string();
        }
        self.ordinary(Rule::Tooltip, value, Spot { sink: Sink::Read, ..spot })
    }

    pub(super) fn bind(&mut self, value: &mut Value, spot: Spot) -> Fate {
        match value {
            // Legends and scales that a selection is bound to.
            Value::String(word) if self.language == Language::VegaLite => {
                Fate::stays_if(matches!(word.as_str(), "legend" | "scales"))
            }
            Value::Object(object) if object.contains_key("input") || object.contains_key("element") => {
                match bind::sanitize(object, self.remote) {
                    Some(count) => {
                        self.removed.add_many(Kind::PlotCode, count);
                        Stays
                    }
                    None => Goes(Kind::PlotCode),
                }
            }
            Value::Object(object) if self.language == Language::VegaLite => {
                if let (1, Some(Value::String(events))) = (object.len(), object.get("legend")) {
                    return self.events(events, spot);
                }
                // A control for each column.
                let (mut count, all) = (0, object.len());
                object.retain(|column, control| {
                    let control = control
                        .as_object_mut()
                        .filter(|_| names::is_path(column))
                        .and_then(|control| bind::sanitize(control, self.remote));
                    count += control.unwrap_or(0);
                    control.is_some()
                });
                self.removed.add_many(
                    Kind::PlotCode,
                    count.saturating_add(u32::try_from(all - object.len()).unwrap_or(u32::MAX)),
                );
                Fate::stays_if(!object.is_empty())
            }
            _ => Goes(Kind::PlotCode),
        }
    }

    /// Transforms of data or of marks; in Vega-Lite they have no names.
    pub(super) fn transforms(&mut self, value: &mut Value, spot: Spot) -> Fate {
        let Value::Array(list) = value else { return Goes(Kind::PlotCode) };
        let known = if spot.in_marks { OF_MARKS } else { TRANSFORMS };
        if self.language == Language::Vega {
            let count = list.len();
            list.retain(|transform| {
                let kind = transform.get("type").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
                known.split_ascii_whitespace().any(|other| other == kind)
            });
            for _ in list.len()..count {
                self.removed.add(Kind::PlotCode);
            }
        }
        let spot = Spot { in_transform: true, ..spot };
        for transform in list {
            let Value::Object(transform) = transform else { return Goes(Kind::PlotCode) };
            if spot.in_marks && transform.contains_key("expr") {
                return Refused;
            }
            if self.part(transform, spot) == Refused {
                return Refused;
            }
        }
        Stays
    }

    pub(super) fn usermeta(&mut self, value: &mut Value) -> Fate {
        let Value::Object(usermeta) = value else { return Goes(Kind::PlotCode) };
        let Some(Value::Object(options)) = usermeta.get_mut("embedOptions") else { return Goes(Kind::PlotCode) };
        let mut gone = embed::options(options);
        let count = usermeta.len();
        usermeta.retain(|key, _| key == "embedOptions");
        gone = gone.saturating_add(u32::try_from(count - usermeta.len()).unwrap_or(u32::MAX));
        self.removed.add_many(Kind::PlotCode, gone);
        Stays
    }

    /// Which events there are at all.
    pub(super) fn event_settings(&mut self, settings: &mut Map<String, Value>) -> Fate {
        let is_list = |value: &Value| match value {
            Value::Bool(_) => true,
            Value::Array(list) => list.iter().all(|word| word.as_str().is_some_and(names::is_word)),
            _ => false,
        };
        let count = settings.len();
        settings.retain(|key, value| match key.as_str() {
            "bind" => matches!(value.as_str(), Some("none" | "container")),
            "defaults" => value.as_object().is_some_and(|defaults| {
                defaults.iter().all(|(key, value)| matches!(key.as_str(), "prevent" | "allow") && is_list(value))
            }),
            "view" | "window" | "selector" | "timer" => is_list(value),
            _ => false,
        });
        for _ in settings.len()..count {
            self.removed.add(Kind::PlotCode);
        }
        Stays
    }
}

/// Whether a tooltip may be a row of data as it is, since it is not written out.
fn is_row(tooltip: &Value, depth: usize) -> bool {
    match tooltip {
        Value::Array(list) => depth < MAX_DEPTH && list.iter().any(|item| is_row(item, depth + 1)),
        Value::Object(object) => object.iter().any(|(key, value)| match (key.as_str(), value) {
            ("signal" | "expr", Value::String(text)) => !matches!(parse(text), Some(Node::Object(_))),
            _ => depth < MAX_DEPTH && is_row(value, depth + 1),
        }),
        _ => false,
    }
}
