//! What a form sent, and the form again: with what was typed, and what is wrong with it.

use crate::admin_api::params::Params;
use crate::app::App;
use crate::drop;
use crate::error::{Error, FieldErrors};
use crate::liquid::drops::Texts;
use axum::extract::{FromRequest, Request};
use serde_json::Value;
use std::collections::BTreeMap;

/// What a form sent.
#[derive(Debug)]
pub struct Form {
    /// To be read from.
    pub params: Params,
    kept: BTreeMap<String, String>,
}

drop! {
    /// A form that is shown, perhaps again.
    pub struct FormDrop as "form" {
        /// What was typed, by field; passwords and keys are not kept.
        values: Texts,
        /// What is wrong, by field; `base` is about none.
        errors: Texts,
        /// Whether anything is wrong.
        is_invalid: bool,
    }
}

impl Form {
    /// The form again: with what was typed and what is wrong.
    #[must_use]
    pub fn again(&self, errors: &FieldErrors) -> FormDrop {
        let mut by_field: BTreeMap<String, String> = BTreeMap::new();
        for (field, message) in &errors.0 {
            let told = by_field.entry(field.clone()).or_default();
            if !told.is_empty() {
                told.push_str("; ");
            }
            told.push_str(message);
        }
        FormDrop {
            values: Texts(self.kept.clone()),
            is_invalid: !by_field.is_empty(),
            errors: Texts(by_field),
        }
    }
}

impl FormDrop {
    /// A form that is shown first, with these values in it.
    #[must_use]
    pub fn blank<'a>(values: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let values = values
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Self {
            values: Texts(values),
            errors: Texts::default(),
            is_invalid: false,
        }
    }
}

impl FromRequest<App> for Form {
    type Rejection = Error;

    async fn from_request(request: Request, _: &App) -> Result<Self, Error> {
        let params = Params::read(request).await?;
        let kept = params
            .iter()
            .filter(|(name, _)| !name.contains("password") && !name.contains("key"))
            .filter_map(|(name, value)| match value {
                Value::String(text) => Some((name.to_owned(), text.clone())),
                Value::Number(number) => Some((name.to_owned(), number.to_string())),
                Value::Bool(yes) => Some((name.to_owned(), yes.to_string())),
                _ => None,
            })
            .collect();
        Ok(Self { params, kept })
    }
}
