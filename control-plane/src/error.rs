//! What can go wrong while a request is served, and how it is told.
//!
//! A handler returns an [`Error`]; the surface it was called through renders it: the Account Management API
//! in 3scale's shapes (`admin_api::format`), everything else as `application/problem+json`. Failures of our
//! own are logged here, once, and never shown.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// Why a request was not served.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// 422: what was sent does not pass, field by field.
    #[error("not valid: {}", .0.sentences().join("; "))]
    Invalid(FieldErrors),
    /// 404.
    #[error("not found")]
    NotFound,
    /// 401: the gateway API knows no such token.
    #[error("{0}")]
    Unauthorized(&'static str),
    /// 403.
    #[error("{0}")]
    Forbidden(&'static str),
    /// 429: come back later.
    #[error("Too many attempts. Wait {} and try again.", in_words(*.retry_after_secs))]
    TooMany {
        /// When, in seconds.
        retry_after_secs: i64,
    },
    /// Any other 4xx.
    #[error("{1}")]
    Refused(StatusCode, String),
    /// 503: come back in a moment.
    #[error("the database is busy")]
    Busy,
    /// 500.
    #[error("internal error: {0}")]
    Internal(Arc<anyhow::Error>),
}

/// Messages by the field they are about, in the order they were found; `base` is about none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldErrors(pub Vec<(String, String)>);

impl Error {
    /// 422 about one field.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid(FieldErrors(vec![(field.into(), message.into())]))
    }

    /// 409: somebody else has it.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::Refused(StatusCode::CONFLICT, message.into())
    }

    /// 400: it cannot even be read.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::Refused(StatusCode::BAD_REQUEST, message.into())
    }

    /// 500, for what cannot happen.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::Internal(Arc::new(anyhow::Error::msg(message.into())))
    }

    /// The HTTP status it becomes.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Refused(status, _) => *status,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What the caller is told; nothing about our insides.
    #[must_use]
    pub fn public_message(&self) -> String {
        match self {
            Self::Internal(_) => "Something went wrong on our side".into(),
            Self::Busy => "The database is busy, try again".into(),
            Self::NotFound => "Not found".into(),
            other => other.to_string(),
        }
    }

    /// Whether a row with the same unique value exists already.
    #[must_use]
    pub fn is_duplicate(&self) -> bool {
        matches!(self, Self::Refused(StatusCode::CONFLICT, _))
    }
}

impl FieldErrors {
    /// `Name can't be blank`, for those who read no field names.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        self.0
            .iter()
            .map(|(field, message)| match field.as_str() {
                "base" => message.clone(),
                field => format!("{} {message}", humanize(field)),
            })
            .collect()
    }
}

/// How long to wait, rounded up to minutes.
fn in_words(secs: i64) -> String {
    match (secs + 59) / 60 {
        ..=1 => "a minute".to_owned(),
        minutes if minutes <= 90 => format!("{minutes} minutes"),
        minutes => format!("{} hours", (minutes + 59) / 60),
    }
}

/// `friendly_name` → `Friendly name`.
fn humanize(field: &str) -> String {
    let spaced = field.replace('_', " ");
    let mut letters = spaced.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => spaced,
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::RowNotFound => Self::NotFound,
            sqlx::Error::PoolTimedOut => Self::Busy,
            sqlx::Error::Database(cause) if cause.is_unique_violation() => {
                Self::conflict("has already been taken")
            }
            // SQLITE_BUSY and its kin; PostgreSQL's serialization failure, deadlock and lock timeout.
            sqlx::Error::Database(cause)
                if matches!(
                    cause.code().as_deref(),
                    Some("5" | "6" | "261" | "517" | "40001" | "40P01" | "55P03")
                ) =>
            {
                Self::Busy
            }
            _ => Self::Internal(Arc::new(error.into())),
        }
    }
}

impl From<anyhow::Error> for Error {
    fn from(error: anyhow::Error) -> Self {
        Self::Internal(Arc::new(error))
    }
}

impl IntoResponse for Error {
    /// Problem+json; the error itself rides along for surfaces that render it differently.
    fn into_response(self) -> Response {
        if let Self::Internal(cause) = &self {
            tracing::error!(error = format!("{cause:#}"), "request failed");
        }
        let status = self.status();
        let mut problem = serde_json::json!({
            "title": status.canonical_reason().unwrap_or("Error"),
            "status": status.as_u16(),
            "detail": self.public_message(),
        });
        if let (Self::Invalid(errors), Some(members)) = (&self, problem.as_object_mut()) {
            let errors = errors
                .0
                .iter()
                .map(|(field, message)| serde_json::json!({"field": field, "message": message}))
                .collect();
            members.insert("errors".into(), serde_json::Value::Array(errors));
        }
        let mut response = (
            status,
            [(header::CONTENT_TYPE, "application/problem+json")],
            problem.to_string(),
        )
            .into_response();
        match self {
            Self::Unauthorized(_) => {
                response
                    .headers_mut()
                    .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Self::Busy => {
                response
                    .headers_mut()
                    .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            Self::TooMany { retry_after_secs } => {
                response
                    .headers_mut()
                    .insert(header::RETRY_AFTER, HeaderValue::from(retry_after_secs));
            }
            _ => {}
        }
        response.extensions_mut().insert(self);
        response
    }
}
