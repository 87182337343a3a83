//! Bytes → parameters: urlencoded with Rails' brackets, or JSON.

use crate::error::Error;
use axum::http::StatusCode;
use serde_json::{Map, Value};

/// More parameters than any client of ours has a use for.
const MOST_PARAMS: usize = 1000;

pub(super) fn body(content_type: &str, body: &[u8]) -> Result<Map<String, Value>, Error> {
    let media_type = content_type
        .split(';')
        .next()
        .unwrap_or("")
        .trim()
        .to_ascii_lowercase();
    match media_type.as_str() {
        _ if body.is_empty() => Ok(Map::new()),
        "" | "application/x-www-form-urlencoded" => form(body),
        "application/json" => json(body),
        other if other.starts_with("application/") && other.ends_with("+json") => json(body),
        _ => Err(Error::Refused(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Send the parameters as application/x-www-form-urlencoded, multipart/form-data or application/json".into(),
        )),
    }
}

fn json(body: &[u8]) -> Result<Map<String, Value>, Error> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(values)) if values.len() <= MOST_PARAMS => Ok(values),
        Ok(_) => Err(Error::bad_request(
            "The body must be a JSON object of parameters",
        )),
        Err(error) => Err(Error::bad_request(format!("The body is not JSON: {error}"))),
    }
}

pub(super) fn form(bytes: &[u8]) -> Result<Map<String, Value>, Error> {
    let mut values = Map::new();
    for (count, pair) in bytes
        .split(|b| *b == b'&')
        .filter(|pair| !pair.is_empty())
        .enumerate()
    {
        if count >= MOST_PARAMS {
            return Err(Error::bad_request("There are too many parameters"));
        }
        let at = pair.iter().position(|b| *b == b'=');
        let (name, value) = match at {
            Some(at) => (&pair[..at], &pair[at + 1..]),
            None => (pair, &b""[..]),
        };
        let Some(name) = decoded(name) else {
            return Err(Error::bad_request("A parameter's name is not UTF-8"));
        };
        let Some(value) = decoded(value) else {
            return Err(Error::invalid(printable(&name), "is not UTF-8"));
        };
        put(&mut values, &name, Value::String(value));
    }
    Ok(values)
}

/// `a`, `a[]`, `a[b]` and `a[][b]` (a new item of the list begins when `b` comes again). Later ones win.
pub(super) fn put(values: &mut Map<String, Value>, name: &str, value: Value) {
    let Some((outer, inner)) = name
        .strip_suffix(']')
        .and_then(|name| name.split_once('['))
        .filter(|(outer, _)| !outer.is_empty())
    else {
        values.insert(name.into(), value);
        return;
    };
    let slot = values.entry(outer).or_insert(Value::Null);
    let member = inner.strip_prefix("][");
    match (inner, member) {
        ("", _) => match slot {
            Value::Array(items) => items.push(value),
            _ => *slot = Value::Array(vec![value]),
        },
        (_, Some(member)) => {
            if !slot.is_array() {
                *slot = Value::Array(Vec::new());
            }
            if let Value::Array(items) = slot {
                match items.last_mut() {
                    Some(Value::Object(last)) if !last.contains_key(member) => {
                        last.insert(member.into(), value);
                    }
                    _ => items.push(Value::Object(Map::from_iter([(member.into(), value)]))),
                }
            }
        }
        _ => {
            if let Value::Object(members) = slot {
                members.insert(inner.into(), value);
            } else {
                *slot = Value::Object(Map::from_iter([(inner.into(), value)]));
            }
        }
    }
}

/// `+` is a space; a `%` that begins no byte stands for itself. `None` when the bytes are not UTF-8.
fn decoded(bytes: &[u8]) -> Option<String> {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after) {
            (b'+', _) => plain.push(b' '),
            (b'%', [high, low, beyond @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    plain.push(high * 16 + low);
                    rest = beyond;
                }
                _ => plain.push(byte),
            },
            _ => plain.push(byte),
        }
    }
    String::from_utf8(plain).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

/// Neither PostgreSQL nor XML can hold these, so no text of ours does.
pub(super) fn refuse_odd_characters(values: &Map<String, Value>) -> Result<(), Error> {
    for (name, value) in values {
        if name.contains(is_odd) || holds_odd(value) {
            return Err(Error::invalid(
                printable(name),
                "contains characters that are not allowed",
            ));
        }
    }
    Ok(())
}

fn holds_odd(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(is_odd),
        Value::Array(items) => items.iter().any(holds_odd),
        Value::Object(members) => members
            .iter()
            .any(|(name, value)| name.contains(is_odd) || holds_odd(value)),
        _ => false,
    }
}

fn is_odd(letter: char) -> bool {
    (letter.is_control() && !matches!(letter, '\t' | '\n' | '\r'))
        || matches!(letter, '\u{fffe}' | '\u{ffff}')
}

/// A client's own word for its parameter, short and harmless enough to be shown in an error.
pub(super) fn printable(name: &str) -> String {
    name.chars()
        .take(60)
        .map(|letter| if is_odd(letter) { '\u{fffd}' } else { letter })
        .collect()
}

/// Parameters whose value may be an object with names of the client's own.
const OPAQUE: &[&str] = &["annotations", "body"];

/// Members of wrapping objects become parameters of their own, unless there are such already.
pub(super) fn unwrapped(values: Map<String, Value>) -> Map<String, Value> {
    let mut flat = values.clone();
    for (name, value) in values {
        if let Value::Object(members) = value
            && !OPAQUE.contains(&name.as_str())
        {
            for (name, value) in members {
                flat.entry(name).or_insert(value);
            }
        }
    }
    flat
}
