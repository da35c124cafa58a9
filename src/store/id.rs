//! Session ids: part of paths and of object names, so nothing else may be one.

use std::fmt;
use std::str::FromStr;

use super::error::StoreError;

/// A valid id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(String);

impl SessionId {
    /// 1 to 128 of `[A-Za-z0-9._-]`, not beginning with a dot, without `..`.
    pub fn parse(text: &str) -> Result<Self, StoreError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let valid = (1..=128).contains(&text.len())
            && text.bytes().all(allowed)
            && !text.starts_with('.')
            && !text.contains("..");
        if valid { Ok(Self(text.to_owned())) } else { Err(StoreError::BadId(text.chars().take(200).collect())) }
    }

    /// A new UUID, version 4.
    pub fn random() -> Self {
        Self(uuid::Uuid::new_v4().to_string())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is a UUID, as [`SessionId::random`] makes them.
    pub fn is_uuid(&self) -> bool {
        uuid::Uuid::try_parse(&self.0).is_ok_and(|uuid| uuid.to_string() == self.0)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for SessionId {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_never_lead_out_of_their_directory() {
        for good in ["a", "report-2026_v1.2", "A", &"x".repeat(128), "550e8400-e29b-41d4-a716-446655440000"] {
            assert_eq!(SessionId::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", ".", "..", ".a", "a..b", "a/b", "a\\b", "a b", "ä", "a\0", "a%2e", "a#1", &"x".repeat(129)] {
            assert!(SessionId::parse(bad).is_err(), "{bad:?}");
        }
        assert!(SessionId::random().is_uuid());
        assert!(!SessionId::parse("550E8400-E29B-41D4-A716-446655440000").unwrap().is_uuid());
    }
}
