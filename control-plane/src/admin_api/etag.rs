//! `ETag`: what an answer says, as a short tag, so that a client can ask whether it still says the same
//! (`If-None-Match`), or write only if it does (`If-Match`).

use super::format::{Answer, Format};
use axum::http::{HeaderMap, HeaderValue, header};
use sha2::{Digest as _, Sha256};

/// Bytes of a digest in a tag.
const BYTES: usize = 16;

/// The tag of an answer's text, quotes included.
#[must_use]
pub fn of(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    format!(
        "\"{}\"",
        hex::encode(digest.get(..BYTES).unwrap_or_default())
    )
}

/// A condition on tags, from one header: a list of them, or `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Whatever is there.
    Any,
    /// One of these.
    OneOf(Vec<String>),
}

impl Condition {
    /// `If-Match`.
    #[must_use]
    pub fn if_match(headers: &HeaderMap) -> Option<Self> {
        Self::read(headers, &header::IF_MATCH)
    }

    /// `If-None-Match`.
    #[must_use]
    pub fn if_none_match(headers: &HeaderMap) -> Option<Self> {
        Self::read(headers, &header::IF_NONE_MATCH)
    }

    fn read(headers: &HeaderMap, name: &header::HeaderName) -> Option<Self> {
        let mut tags = Vec::new();
        let mut given = false;
        for value in headers.get_all(name) {
            given = true;
            // Ours have no commas; what is not one of ours meets nothing, however it is cut.
            for tag in value.to_str().unwrap_or_default().split(',') {
                match tag.trim() {
                    "*" => return Some(Self::Any),
                    tag => tags.push(tag.to_owned()),
                }
            }
        }
        given.then_some(Self::OneOf(tags))
    }

    /// Whether a tag meets it, both being strong: for writes.
    #[must_use]
    pub fn is_met_by(&self, tag: &str) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(tags) => tags.iter().any(|one| one == tag),
        }
    }

    /// Whether a tag meets it, weak or strong: for reads.
    #[must_use]
    pub fn is_met_weakly_by(&self, tag: &str) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(tags) => tags
                .iter()
                .any(|one| one.strip_prefix("W/").unwrap_or(one) == tag),
        }
    }

    /// Whether an answer meets it in either form: who has read JSON may write XML.
    #[must_use]
    pub fn is_met_by_answer(&self, answer: &Answer) -> bool {
        [Format::Json, Format::Xml].into_iter().any(|format| {
            let text = answer.render(format).body.unwrap_or_default();
            self.is_met_by(&of(&text))
        })
    }
}

/// As a header's value.
#[must_use]
pub fn header_value(tag: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(tag).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(value: &'static str) -> Condition {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_MATCH, HeaderValue::from_static(value));
        Condition::if_match(&headers).unwrap()
    }

    #[test]
    fn tags_meet_conditions() {
        let tag = of("text");
        assert_eq!(tag.len(), 2 * BYTES + 2);
        assert_ne!(tag, of("texts"));
        for (value, strong, weak) in [
            ("*", true, true),
            ("\"982d9e3eb996f559e633f4d194def376\"", true, true),
            ("\"x\" , \"982d9e3eb996f559e633f4d194def376\"", true, true),
            ("W/\"982d9e3eb996f559e633f4d194def376\"", false, true),
            ("982d9e3eb996f559e633f4d194def376", false, false),
            ("\"x\"", false, false),
            ("", false, false),
        ] {
            assert_eq!(condition(value).is_met_by(&tag), strong, "{value}");
            assert_eq!(condition(value).is_met_weakly_by(&tag), weak, "{value}");
        }
        assert_eq!(Condition::if_match(&HeaderMap::new()), None);
    }
}
