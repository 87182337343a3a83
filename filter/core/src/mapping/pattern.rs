//! The grammar of patterns: text that a person typed, checked and brought into canonical form.
//!
//! ```text
//! pattern := path ["$"] ["?" query]        at most 255 characters
//! path    := "/" segment ("/" segment)*    repeated slashes count as one
//! segment := (literal | "{" name "}")*     every literal stands for itself
//! query   := part ("&" part)*
//! part    := name "=" (literal | "{" name "}")
//! ```
//! The path is a prefix unless `$` ends it. `{name}` is one or more characters of one segment.

use super::index::IndexedPath;
use crate::path::{decode, is_pchar, percent_code, push_segment_byte};
use alloc::{boxed::Box, string::String, vec::Vec};

/// The longest pattern.
pub const MAX_PATTERN_CHARS: usize = 255;

/// Stands for a placeholder in [`Pattern::path`]: a byte that no canonical path holds.
pub(super) const PLACEHOLDER: u8 = 0xFF;

/// What a rule's requests look like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: Box<str>,
    /// Canonical, with [`PLACEHOLDER`] for each placeholder.
    path: Box<[u8]>,
    /// Whether the whole path must match.
    anchored: bool,
    query: Box<[QueryPart]>,
}

/// A parameter the request must have; both sides decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct QueryPart {
    pub(super) name: Box<[u8]>,
    /// The value it must have; none when any will do.
    pub(super) value: Option<Box<[u8]>>,
}

/// What is wrong with a pattern, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Nothing but blanks.
    #[error("write a path, for example /v1/mail or / for every path")]
    Blank,
    /// More than [`MAX_PATTERN_CHARS`].
    #[error("shorten it to {MAX_PATTERN_CHARS} characters: it has {0}")]
    TooLong(usize),
    /// Does not begin with a slash.
    #[error("begin it with /; host and scheme are not part of a pattern")]
    NotAbsolute,
    /// White space.
    #[error("remove the white space; a space within a path is written %20")]
    Space,
    /// A character that cannot stand for itself.
    #[error("write {0:?} percent-encoded; it cannot be part of a request's path or query as it is")]
    Character(char),
    /// A `%` without two hexadecimal digits.
    #[error("follow % with two hexadecimal digits; a percent sign itself is written %25")]
    Percent,
    /// A `$` before the end.
    #[error(
        "move $ to the end of the path, where it means that nothing may follow; a dollar sign itself is written %24"
    )]
    Dollar,
    /// A brace without its other half, or a name that is none.
    #[error("write placeholders as {{name}}, with letters, digits and _ in the name")]
    Placeholder,
    /// A name used twice.
    #[error(
        "use \"{0}\" only once: placeholders of the path and names of query parameters must all differ"
    )]
    Repeated(String),
    /// A segment `.` or `..`.
    #[error("leave out the segments . and ..: they are resolved before a request is matched")]
    DotSegment,
    /// A query part without `=`, or without a name before it.
    #[error("write query parts as name=value or name={{placeholder}}, joined by &")]
    QueryPart,
    /// A placeholder as the name of a query parameter.
    #[error("name the query parameter: a placeholder can only be its value")]
    QueryName,
    /// A query value that mixes a placeholder with other text.
    #[error("let the value of \"{0}\" be either literal or one placeholder, not both")]
    QueryValue(String),
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// When it breaks the grammar; the message says what to do.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        check_outline(text)?;
        let (path, query) = match text.split_once('?') {
            Some((path, query)) => (path, query),
            None => (text, ""),
        };
        let (path, anchored) = match path.strip_suffix('$') {
            Some(path) => (path, true),
            None => (path, false),
        };
        let mut names = Vec::new();
        let path = parse_path(path, &mut names)?;
        let query = parse_query(query, &mut names)?;
        Ok(Self {
            text: text.into(),
            path,
            anchored,
            query,
        })
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The path for the index, which will know it by `number`.
    pub(super) fn indexed(&self, number: u32) -> IndexedPath<'_> {
        IndexedPath {
            path: &self.path,
            anchored: self.anchored,
            number,
        }
    }

    pub(super) fn query(&self) -> &[QueryPart] {
        &self.query
    }
}

impl core::str::FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        Self::parse(text)
    }
}

impl core::fmt::Display for Pattern {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.text.fmt(f)
    }
}

/// What must hold of the text as a whole.
fn check_outline(text: &str) -> Result<(), PatternError> {
    if text.trim().is_empty() {
        return Err(PatternError::Blank);
    }
    let chars = text.chars().count();
    if chars > MAX_PATTERN_CHARS {
        return Err(PatternError::TooLong(chars));
    }
    if text.contains(char::is_whitespace) {
        return Err(PatternError::Space);
    }
    if !text.starts_with('/') {
        return Err(PatternError::NotAbsolute);
    }
    Ok(())
}

fn parse_path(text: &str, names: &mut Vec<Box<[u8]>>) -> Result<Box<[u8]>, PatternError> {
    let mut path = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        rest = match first {
            '/' => {
                if path.last() != Some(&b'/') {
                    path.push(b'/');
                }
                rest.get(1..)
            }
            '{' => {
                let (name, after) = take_placeholder(rest)?;
                add_name(names, name.as_bytes().into())?;
                path.push(PLACEHOLDER);
                Some(after)
            }
            '%' => {
                let (byte, _) = percent_code(rest.as_bytes()).ok_or(PatternError::Percent)?;
                push_segment_byte(&mut path, byte);
                rest.get(3..)
            }
            literal => {
                let byte = check_literal(literal, is_path_literal)?;
                push_segment_byte(&mut path, byte);
                rest.get(1..)
            }
        }
        .unwrap_or_default();
    }
    let mut segments = path.split(|byte| *byte == b'/');
    if segments.any(|segment| matches!(segment, b"." | b"..")) {
        return Err(PatternError::DotSegment);
    }
    Ok(path.into())
}

fn parse_query(text: &str, names: &mut Vec<Box<[u8]>>) -> Result<Box<[QueryPart]>, PatternError> {
    text.split('&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (name, value) = part.split_once('=').ok_or(PatternError::QueryPart)?;
            if name.is_empty() {
                return Err(PatternError::QueryPart);
            }
            if name.contains(['{', '}']) {
                return Err(PatternError::QueryName);
            }
            let decoded: Box<[u8]> = parse_query_literal(name)?;
            add_name(names, decoded.clone())?;
            let value = match value.contains(['{', '}']) {
                true => match take_placeholder(value)? {
                    (_, "") => None,
                    _ => return Err(PatternError::QueryValue(name.into())),
                },
                false => Some(parse_query_literal(value)?),
            };
            Ok(QueryPart {
                name: decoded,
                value,
            })
        })
        .collect()
}

fn parse_query_literal(text: &str) -> Result<Box<[u8]>, PatternError> {
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        rest = match first {
            '%' => {
                percent_code(rest.as_bytes()).ok_or(PatternError::Percent)?;
                rest.get(3..)
            }
            literal => {
                check_literal(literal, is_query_literal)?;
                rest.get(1..)
            }
        }
        .unwrap_or_default();
    }
    Ok(decode(text.as_bytes()).into())
}

/// Takes `{name}` off the front.
fn take_placeholder(text: &str) -> Result<(&str, &str), PatternError> {
    let inside = text.strip_prefix('{').ok_or(PatternError::Placeholder)?;
    let (name, rest) = inside.split_once('}').ok_or(PatternError::Placeholder)?;
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if name.is_empty() || !name.bytes().all(is_name) {
        return Err(PatternError::Placeholder);
    }
    Ok((name, rest))
}

fn add_name(names: &mut Vec<Box<[u8]>>, name: Box<[u8]>) -> Result<(), PatternError> {
    if names.contains(&name) {
        return Err(PatternError::Repeated(
            String::from_utf8_lossy(&name).into(),
        ));
    }
    names.push(name);
    Ok(())
}

fn check_literal(literal: char, allowed: fn(u8) -> bool) -> Result<u8, PatternError> {
    match u8::try_from(literal) {
        Ok(byte) if allowed(byte) => Ok(byte),
        Ok(b'$') => Err(PatternError::Dollar),
        Ok(b'{' | b'}') => Err(PatternError::Placeholder),
        _ => Err(PatternError::Character(literal)),
    }
}

fn is_path_literal(byte: u8) -> bool {
    is_pchar(byte) && byte != b'$'
}

fn is_query_literal(byte: u8) -> bool {
    is_pchar(byte) || matches!(byte, b'/' | b'?' | b'[' | b']')
}
