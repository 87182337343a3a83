//! Refusals in 3scale's words: `<error code="…">text</error>`, by which agents know what is wrong.

use super::options::Options;
use crate::error::Error;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use quick_xml::escape::escape;

/// A call that makes no sense, or that names nothing that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its HTTP status.
    pub status: StatusCode,
    /// 3scale's code.
    pub code: &'static str,
    /// What is wrong.
    pub text: String,
}

/// Why an authenticated call is denied although all that it names exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// 3scale's code.
    pub code: &'static str,
    /// Why.
    pub text: String,
}

/// Why a call has no answer.
#[derive(Clone, Debug)]
pub enum Failure {
    /// It is the agent's.
    Refused(Refusal),
    /// It is ours, or the database's.
    Failed(Error),
}

/// More of a value than this is not repeated in a message.
const MOST_ECHOED: usize = 256;

pub(super) const XML: &str = "application/vnd.3scale-v2.0+xml; charset=utf-8";
pub(super) const REJECTION_REASON: &str = "3scale-rejection-reason";

impl Refusal {
    fn new(status: StatusCode, code: &'static str, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { status, code, text }
    }

    fn forbidden(code: &'static str, text: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, text)
    }

    fn bad_request(code: &'static str, text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, text)
    }

    pub(super) fn no_token() -> Self {
        Self::forbidden(
            "provider_key_or_service_token_required",
            "Provider key or service token are required",
        )
    }

    pub(super) fn provider_key(key: &str) -> Self {
        let text = format!("provider key \"{}\" is invalid", echoed(key));
        Self::forbidden("provider_key_invalid", text)
    }

    pub(super) fn service_token(token: &str, service: &str) -> Self {
        let (token, service) = (echoed(token), echoed(service));
        let text = format!("service token \"{token}\" or service id \"{service}\" is invalid");
        Self::forbidden("service_token_invalid", text)
    }

    pub(super) fn service_id(id: &str) -> Self {
        let text = format!("service id \"{}\" is invalid", echoed(id));
        Self::forbidden("service_id_invalid", text)
    }

    pub(super) fn no_service_id() -> Self {
        let text = "Service ID is missing";
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "service_id_missing", text)
    }

    pub(super) fn both_credentials() -> Self {
        Self::forbidden(
            "authentication_error",
            "either app_id or user_key is allowed, not both",
        )
    }

    pub(super) fn user_key(key: &str) -> Self {
        let text = format!("user key \"{}\" is invalid", echoed(key));
        Self::forbidden("user_key_invalid", text)
    }

    pub(super) fn application(id: &str) -> Self {
        let text = format!("application with id=\"{}\" was not found", echoed(id));
        Self::new(StatusCode::NOT_FOUND, "application_not_found", text)
    }

    pub(super) fn metric(name: &str) -> Self {
        let text = format!("metric \"{}\" is invalid", echoed(name));
        Self::new(StatusCode::NOT_FOUND, "metric_invalid", text)
    }

    pub(super) fn usage_value(metric: &str, value: &str) -> Self {
        let metric = echoed(metric);
        let text = if value.is_empty() {
            format!("usage value for metric \"{metric}\" can not be empty")
        } else {
            format!(
                "usage value \"{}\" for metric \"{metric}\" is invalid",
                echoed(value)
            )
        };
        Self::forbidden("usage_value_invalid", text)
    }

    pub(super) fn too_old(secs: u64) -> Self {
        let text = format!("reporting transactions older than {secs} seconds is not allowed");
        Self::forbidden("transaction_timestamp_too_old", text)
    }

    pub(super) fn too_new(secs: u64) -> Self {
        let text =
            format!("reporting transactions more than {secs} seconds in the future is not allowed");
        Self::forbidden("transaction_timestamp_too_new", text)
    }

    pub(super) fn not_valid_data() -> Self {
        let text = "all data must be valid UTF8";
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "not_valid_data", text)
    }

    pub(super) fn transactions_blank() -> Self {
        Self::bad_request("transactions_is_blank", "transactions parameter is blank")
    }

    pub(super) fn transactions_format() -> Self {
        Self::bad_request(
            "transactions_format_invalid",
            "transactions format is invalid",
        )
    }

    pub(super) fn content_type(given: &str) -> Self {
        let text = format!("invalid Content-Type: {}", echoed(given));
        Self::bad_request("content_type_invalid", text)
    }

    fn idempotency_key(status: StatusCode, text: String) -> Self {
        Self::new(status, "idempotency_key_invalid", text)
    }

    /// As it is answered.
    #[must_use]
    pub fn response(&self, options: Options) -> Response {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<error code=\"{}\">{}</error>\n",
            self.code,
            xml_text(&self.text)
        );
        let mut response = if options.no_body {
            self.status.into_response()
        } else {
            (self.status, [(header::CONTENT_TYPE, XML)], body).into_response()
        };
        if options.rejection_reason_header {
            let reason = HeaderValue::from_static(self.code);
            response.headers_mut().insert(REJECTION_REASON, reason);
        }
        response
    }
}

impl Denial {
    fn new(code: &'static str, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { code, text }
    }

    pub(super) fn key(key: Option<&str>) -> Self {
        let text = match key {
            Some(key) => format!("application key \"{}\" is invalid", echoed(key)),
            None => "application key is missing".to_owned(),
        };
        Self::new("application_key_invalid", text)
    }

    pub(super) fn referrer(referrer: Option<&str>) -> Self {
        let text = match referrer {
            Some(referrer) => format!("referrer \"{}\" is not allowed", echoed(referrer)),
            None => "referrer is missing".to_owned(),
        };
        Self::new("referrer_not_allowed", text)
    }

    pub(super) fn not_active() -> Self {
        Self::new("application_not_active", "application is not active")
    }

    pub(super) fn redirect_uri(uri: &str) -> Self {
        let text = format!("redirect_uri \"{}\" is invalid", echoed(uri));
        Self::new("redirect_uri_invalid", text)
    }

    pub(super) fn oauth_not_enabled() -> Self {
        Self::new("oauth_not_enabled", "oauth is not enabled for service")
    }

    pub(super) fn limits() -> Self {
        Self::new("limits_exceeded", "usage limits are exceeded")
    }
}

impl Failure {
    /// As it is answered.
    #[must_use]
    pub fn response(self, options: Options) -> Response {
        match self {
            Self::Refused(refusal) => refusal.response(options),
            // A key for calls that are done once: the agent's own.
            Self::Failed(error @ (Error::Invalid(_) | Error::Refused(..))) => {
                Refusal::idempotency_key(error.status(), error.public_message()).response(options)
            }
            Self::Failed(error) => error.into_response(),
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

fn echoed(value: &str) -> &str {
    match value.char_indices().nth(MOST_ECHOED) {
        Some((end, _)) => value.get(..end).unwrap_or_default(),
        None => value,
    }
}

/// Text or an attribute's value, without what XML has no way to say.
pub(super) fn xml_text(text: &str) -> String {
    let harmless: String = text
        .chars()
        .map(|letter| match letter {
            '\t' | '\n' | '\r' => ' ',
            '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
            letter if letter.is_control() => '\u{fffd}',
            letter => letter,
        })
        .collect();
    escape(harmless.as_str()).into_owned()
}
