//! Keys that reach beyond their object: a page's script that copies a key `__proto__` from one object to another
//! changes what *all* objects of the page are.

use serde_json::Value;

use super::removals::{Kind, Removals};

/// Takes such keys out of JSON, at any depth. A key `constructor` is harmless as long as it is only a key.
pub fn strip(value: &mut Value, removed: &mut Removals) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(|value| strip(value, removed)),
        Value::Object(object) => {
            // Kept in order, since a front-end may show it.
            if object.shift_remove("__proto__").is_some() {
                removed.add(Kind::Malformed);
            }
            object.values_mut().for_each(|value| strip(value, removed));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_all_objects_goes_at_any_depth() {
        let text = r#"{"a":[{"__proto__":{"x":1},"b":{"__proto__":2}}],"constructor":3,"z":4}"#;
        let (mut value, mut removed) = (serde_json::from_str(text).unwrap(), Removals::new());
        strip(&mut value, &mut removed);
        assert_eq!(value.to_string(), r#"{"a":[{"b":{}}],"constructor":3,"z":4}"#);
        assert_eq!(removed.count(Kind::Malformed), 2);
    }
}
