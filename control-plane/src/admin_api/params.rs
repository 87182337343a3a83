//! Parameters from query and body as one set, with getters that collect what is wrong field by field.
//!
//! Bodies are urlencoded (Rails' `product[name]=x`, `list[]=x` included), `multipart/form-data` or JSON, flat or wrapped
//! (`{"product": {"name": "x"}}`). Everything a client can type ends here as a value we can store or as a 4xx.

mod multipart;
mod parse;
mod reads;

use crate::error::{Error, FieldErrors};
use crate::secrets::Secret;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::fmt;

pub use reads::ReadLog;

/// The request's parameters, and what was found wrong with them so far.
///
/// Getters return what they could read and note what they could not; [`Params::check`] ends the reading.
#[derive(Default)]
pub struct Params {
    values: Map<String, Value>,
    uploads: HashMap<String, Upload>,
    errors: FieldErrors,
    /// Notes which parameters are read, when somebody wants to know.
    reads: Option<reads::OfRoute>,
}

/// A file that was sent in a form.
#[derive(Clone, Default)]
pub struct Upload {
    /// What the client calls it; may hold anything.
    pub file_name: String,
    /// What the client says it is; may hold anything.
    pub content_type: String,
    /// Its bytes.
    pub content: Vec<u8>,
}

impl fmt::Debug for Params {
    /// Names only: values may be passwords and keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

impl Params {
    /// Reads query and body.
    ///
    /// # Errors
    /// 400 for what cannot be read, 413 for too much, 415 for a type that is neither JSON nor a form's,
    /// 422 for characters that no text of ours may hold.
    pub async fn read(request: Request) -> Result<Self, Error> {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.map_err(|_| {
            Error::Refused(
                StatusCode::PAYLOAD_TOO_LARGE,
                "The request's body is too large or was cut off".into(),
            )
        })?;
        let content_type = parts
            .headers
            .get(header::CONTENT_TYPE)
            .map_or("", |value| value.to_str().unwrap_or("?"));
        let (mut values, uploads) = if multipart::is_multipart(content_type) {
            let form = multipart::read(content_type, &body).await?;
            (form.values, form.uploads)
        } else {
            (parse::body(content_type, &body)?, HashMap::new())
        };
        // A client that says it twice means what it says in the body.
        for (name, value) in parse::form(parts.uri.query().unwrap_or("").as_bytes())? {
            values.entry(name).or_insert(value);
        }
        parse::refuse_odd_characters(&values)?;
        Ok(Self {
            values: parse::unwrapped(values),
            uploads,
            errors: FieldErrors::default(),
            reads: reads::OfRoute::of(&parts),
        })
    }

    /// Every getter takes its value from here.
    fn read_value(&self, name: &str) -> Option<&Value> {
        if let Some(reads) = &self.reads {
            reads.note(name);
        }
        self.values.get(name)
    }

    /// Notes an error.
    pub fn error(&mut self, field: &str, message: impl Into<String>) {
        self.errors.0.push((field.into(), message.into()));
    }

    /// Whether something was noted about a field.
    #[must_use]
    pub fn is_noted(&self, field: &str) -> bool {
        self.errors.0.iter().any(|(noted, _)| noted == field)
    }

    /// Everything noted so far as one 422.
    ///
    /// # Errors
    /// When anything was noted.
    pub fn check(&mut self) -> Result<(), Error> {
        if self.errors.0.is_empty() {
            Ok(())
        } else {
            Err(Error::Invalid(std::mem::take(&mut self.errors)))
        }
    }

    /// Whether the parameter was sent at all.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.read_value(name).is_some()
    }

    /// The value as it was sent.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.read_value(name)
    }

    /// Takes a parameter out, as it was sent.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.read_value(name)?;
        self.values.remove(name)
    }

    /// Takes out a password or key as it was sent, not trimmed; blank when there is none.
    pub fn secret(&mut self, name: &str) -> Secret {
        match self.take(name) {
            Some(Value::String(text)) => Secret::new(text),
            _ => Secret::new(""),
        }
    }

    /// Takes out a file that was sent.
    pub fn upload(&mut self, name: &str) -> Option<Upload> {
        self.uploads.remove(name)
    }

    /// Puts a parameter in, under whatever name a handler wants to read it by.
    pub fn put(&mut self, name: &str, value: Value) {
        self.values.insert(name.into(), value);
    }

    /// All parameters, for resources with fields of the provider's own.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.values
            .iter()
            .map(|(name, value)| (name.as_str(), value))
    }

    /// Text of at most `max` characters; blank or null is `Some("")`, absent is `None`.
    pub fn opt_text(&mut self, name: &str, max: usize) -> Option<String> {
        let text = match self.read_value(name)? {
            Value::Null => String::new(),
            Value::String(text) => text.trim().to_owned(),
            Value::Bool(value) => value.to_string(),
            Value::Number(value) => value.to_string(),
            Value::Array(_) | Value::Object(_) => {
                self.error(name, "must be a text");
                return None;
            }
        };
        if text.chars().count() > max {
            self.error(name, format!("is too long (maximum is {max} characters)"));
            return None;
        }
        Some(text)
    }

    /// Text that must be there and not blank.
    pub fn text(&mut self, name: &str, max: usize) -> String {
        let noted = self.errors.0.len();
        let text = self.opt_text(name, max).unwrap_or_default();
        if text.is_empty() && self.errors.0.len() == noted {
            self.error(name, "can't be blank");
        }
        text
    }

    /// Text that may be absent, but not blank when it is there.
    pub fn opt_filled(&mut self, name: &str, max: usize) -> Option<String> {
        let text = self.opt_text(name, max)?;
        if text.is_empty() {
            self.error(name, "can't be blank");
            return None;
        }
        Some(text)
    }

    /// One of a few words; blank counts as absent.
    pub fn opt_choice(&mut self, name: &str, choices: &[&'static str]) -> Option<&'static str> {
        let text = self.opt_text(name, 255)?;
        if text.is_empty() {
            return None;
        }
        let choice = choices.iter().find(|choice| **choice == text).copied();
        if choice.is_none() {
            self.error(name, format!("must be one of {}", choices.join(", ")));
        }
        choice
    }

    /// A whole number from `min` to `max`; blank or null counts as absent.
    pub fn opt_int(&mut self, name: &str, min: i64, max: i64) -> Option<i64> {
        let text = match self.read_value(name)? {
            Value::Null => return None,
            Value::Number(number) => number.to_string(),
            Value::String(text) if text.trim().is_empty() => return None,
            Value::String(text) => text.trim().to_owned(),
            _ => {
                self.error(name, "is not a number");
                return None;
            }
        };
        match text.parse::<i64>() {
            Ok(number) if number < min => {
                self.error(name, format!("must be greater than or equal to {min}"));
                None
            }
            Ok(number) if number > max => {
                self.error(name, format!("must be less than or equal to {max}"));
                None
            }
            Ok(number) => Some(number),
            Err(_) if is_integer(&text) => {
                self.error(name, format!("must be between {min} and {max}"));
                None
            }
            Err(_) => {
                self.error(name, "is not a whole number");
                None
            }
        }
    }

    /// A whole number that must be there.
    pub fn int(&mut self, name: &str, min: i64, max: i64) -> i64 {
        let noted = self.errors.0.len();
        match self.opt_int(name, min, max) {
            Some(number) => number,
            None => {
                if self.errors.0.len() == noted {
                    self.error(name, "can't be blank");
                }
                min
            }
        }
    }

    /// An id of another row.
    pub fn opt_id(&mut self, name: &str) -> Option<i64> {
        self.opt_int(name, 1, i64::MAX)
    }

    /// An amount of money or the like: finite, not negative.
    pub fn opt_amount(&mut self, name: &str) -> Option<f64> {
        let text = match self.read_value(name)? {
            Value::Null => return None,
            Value::Number(number) => number.to_string(),
            Value::String(text) if text.trim().is_empty() => return None,
            Value::String(text) => text.trim().to_owned(),
            _ => String::new(),
        };
        match text.parse::<f64>() {
            Ok(amount) if amount.is_finite() && (0.0..=1e12).contains(&amount) => Some(amount),
            Ok(_) => {
                self.error(name, "must be between 0 and 1000000000000");
                None
            }
            Err(_) => {
                self.error(name, "is not a number");
                None
            }
        }
    }

    /// Yes or no, as forms and JSON say it; blank or null counts as absent.
    pub fn opt_bool(&mut self, name: &str) -> Option<bool> {
        let text = match self.read_value(name)? {
            Value::Null => return None,
            Value::Bool(value) => return Some(*value),
            Value::Number(number) => number.to_string(),
            Value::String(text) => text.trim().to_ascii_lowercase(),
            _ => "?".into(),
        };
        match text.as_str() {
            "" => None,
            "true" | "1" | "t" | "on" | "yes" => Some(true),
            "false" | "0" | "f" | "off" | "no" => Some(false),
            _ => {
                self.error(name, "must be true or false");
                None
            }
        }
    }

    /// A day (its beginning, UTC) or a time, as milliseconds since 1970; blank or null counts as absent.
    pub fn opt_time(&mut self, name: &str) -> Option<i64> {
        let text = self.opt_text(name, 64).filter(|text| !text.is_empty())?;
        let instant = text.parse::<jiff::Timestamp>().or_else(|_| {
            text.parse::<jiff::civil::DateTime>()
                .and_then(|time| jiff::tz::TimeZone::UTC.to_timestamp(time))
        });
        match instant {
            Ok(instant) => Some(instant.as_millisecond()),
            Err(_) => {
                self.error(
                    name,
                    "must be a date (2026-01-31) or a time (2026-01-31T12:00:00Z)",
                );
                None
            }
        }
    }

    /// A list of texts: a JSON or Rails list, or one text with commas.
    pub fn opt_texts(&mut self, name: &str, max: usize) -> Option<Vec<String>> {
        let list: Option<Vec<String>> = match self.read_value(name)? {
            Value::Null => Some(Vec::new()),
            Value::String(text) => Some(
                text.split(',')
                    .map(|item| item.trim().to_owned())
                    .filter(|item| !item.is_empty())
                    .collect(),
            ),
            Value::Array(items) => items
                .iter()
                .map(|item| item.as_str().map(|text| text.trim().to_owned()))
                .collect(),
            _ => None,
        };
        match list {
            Some(list) if list.iter().all(|item| item.chars().count() <= max) => Some(list),
            Some(_) => {
                self.error(name, format!("has an item longer than {max} characters"));
                None
            }
            None => {
                self.error(name, "must be a list of texts");
                None
            }
        }
    }
}

fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}
