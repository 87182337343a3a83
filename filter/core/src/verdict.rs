//! What a client is told when its request is refused, and what it is told about its limits.
//!
//! The decision names a [`Refusal`]; this makes the answer of it, in the product's own words where the
//! provider has set them. It never says whether an application or a key exists.

mod json;
mod limits;

use crate::credential::Sources;
use crate::wire::{ErrorTextV1, ErrorsV1};
use alloc::{
    string::{String, ToString},
    vec,
    vec::Vec,
};

pub use limits::{LimitState, limit_name, most_constrained, rate_limit_headers, retry_after_secs};

/// Why a request is refused, as a word for counters, statistics and the `code` of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// No product answers at this host and path.
    UnknownHost,
    /// No credentials.
    AuthMissing,
    /// Unknown application, wrong key, suspended, pending, or contradictory credentials.
    AuthFailed,
    /// No mapping rule matches.
    NoMatch,
    /// The plan does not include a metric that the request would use.
    MetricDisabled,
    /// A limit has no room for the request.
    LimitsExceeded,
    /// The gateway does not know enough yet to decide.
    NotReady,
}

/// A refusal, with what its answer has to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal<'a> {
    /// No product answers at this host and path.
    UnknownHost,
    /// No credentials.
    AuthMissing,
    /// Credentials that do not let the request in; the answer is the same whatever is wrong with them.
    AuthFailed,
    /// No mapping rule matches.
    NoMatch,
    /// The plan does not include a metric that the request would use.
    MetricDisabled,
    /// At least one of these limits has no room for the request.
    LimitsExceeded(&'a [LimitState<'a>]),
    /// The gateway does not know enough yet to decide.
    NotReady {
        /// When it is worth trying again.
        retry_after_secs: u64,
    },
}

/// An answer to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

/// How a product's refusals look, checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Errors(Option<Texts>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Texts {
    auth_missing: ErrorTextV1,
    auth_failed: ErrorTextV1,
    no_match: ErrorTextV1,
    limits_exceeded: ErrorTextV1,
}

/// Why a configured refusal cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ErrorsError {
    /// Envoy sends nothing else, and 1xx would not end the request.
    #[error("{0}: the status must be between 200 and 599")]
    Status(&'static str),
    /// It goes into a header as it is.
    #[error("{0}: the content type must be 1 to 255 printable ASCII characters")]
    ContentType(&'static str),
}

// === impl Reason ===

impl Reason {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::UnknownHost,
        Self::AuthMissing,
        Self::AuthFailed,
        Self::NoMatch,
        Self::MetricDisabled,
        Self::LimitsExceeded,
        Self::NotReady,
    ];

    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownHost => "unknown_host",
            Self::AuthMissing => "auth_missing",
            Self::AuthFailed => "auth_failed",
            Self::NoMatch => "no_match",
            Self::MetricDisabled => "metric_disabled",
            Self::LimitsExceeded => "limits_exceeded",
            Self::NotReady => "not_ready",
        }
    }

    /// The default status, and what the default body says in its `title` and `detail`.
    const fn problem(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::UnknownHost => (404, "Not Found", "No API is served at this address."),
            Self::AuthMissing => (
                401,
                "Unauthorized",
                "Send the credentials of an application.",
            ),
            Self::AuthFailed => (
                403,
                "Forbidden",
                "These credentials do not give access. Check them and the state of the application.",
            ),
            Self::NoMatch => (404, "Not Found", "The API has no such method and path."),
            Self::MetricDisabled => (
                403,
                "Forbidden",
                "The application's plan does not include this call.",
            ),
            Self::LimitsExceeded => (
                429,
                "Request cannot be satisfied as assigned quota has been exceeded",
                "The application has used up a limit of its plan.",
            ),
            Self::NotReady => (
                503,
                "Service Unavailable",
                "The gateway cannot decide on requests yet. Try again shortly.",
            ),
        }
    }
}

// === impl Refusal ===

impl Refusal<'_> {
    /// Why.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::UnknownHost => Reason::UnknownHost,
            Self::AuthMissing => Reason::AuthMissing,
            Self::AuthFailed => Reason::AuthFailed,
            Self::NoMatch => Reason::NoMatch,
            Self::MetricDisabled => Reason::MetricDisabled,
            Self::LimitsExceeded(_) => Reason::LimitsExceeded,
            Self::NotReady { .. } => Reason::NotReady,
        }
    }

    /// The answer to it; `sources` are the product's, when it is known.
    ///
    /// [`rate_limit_headers`] are the caller's to add, where the product wants them.
    #[must_use]
    pub fn reply(&self, errors: &Errors, sources: Option<&Sources>) -> Reply {
        let mut reply = match errors.text(self.reason()) {
            Some(text) => Reply {
                status: text.status,
                headers: vec![header("content-type", text.content_type.clone())],
                body: text.body.clone().into_bytes(),
            },
            None => self.problem(sources),
        };
        if reply.status == 401
            && let Some(sources) = sources
        {
            let challenge = sources.challenge().to_string();
            reply.headers.push(header("www-authenticate", challenge));
        }
        let retry_after_secs = match self {
            Self::LimitsExceeded(limits) => retry_after_secs(limits),
            Self::NotReady { retry_after_secs } => Some((*retry_after_secs).max(1)),
            _ => None,
        };
        if let Some(secs) = retry_after_secs {
            reply.headers.push(header("retry-after", secs.to_string()));
        }
        reply
    }

    fn problem(&self, sources: Option<&Sources>) -> Reply {
        let reason = self.reason();
        let (status, title, detail) = reason.problem();
        let mut body = json::Object::new();
        body.string(
            "type",
            match self {
                Self::LimitsExceeded(_) => limits::QUOTA_EXCEEDED,
                _ => "about:blank",
            },
        );
        body.string("title", title);
        body.number("status", status);
        body.string(
            "detail",
            match (self, sources) {
                (Self::AuthMissing, Some(sources)) => sources.instructions(),
                _ => detail,
            },
        );
        body.string("code", reason.as_str());
        if let Self::LimitsExceeded(limits) = self {
            let exceeded = limits.iter().filter(|limit| limit.is_exceeded());
            body.strings("violated-policies", exceeded.map(|limit| limit.name));
        }
        Reply {
            status,
            headers: vec![header(
                "content-type",
                "application/problem+json".to_string(),
            )],
            body: body.finish(),
        }
    }
}

fn header(name: &str, value: String) -> (String, String) {
    (name.to_string(), value)
}

// === impl Errors ===

impl Errors {
    /// The provider's text for a refusal, if it is one that can be set and they have been set.
    fn text(&self, reason: Reason) -> Option<&ErrorTextV1> {
        let texts = self.0.as_ref()?;
        match reason {
            Reason::AuthMissing => Some(&texts.auth_missing),
            // 3scale's clients know a disabled metric as failed authorisation.
            Reason::AuthFailed | Reason::MetricDisabled => Some(&texts.auth_failed),
            Reason::NoMatch => Some(&texts.no_match),
            Reason::LimitsExceeded => Some(&texts.limits_exceeded),
            Reason::UnknownHost | Reason::NotReady => None,
        }
    }
}

impl TryFrom<&ErrorsV1> for Errors {
    type Error = ErrorsError;

    fn try_from(wire: &ErrorsV1) -> Result<Self, ErrorsError> {
        let ErrorsV1::Custom {
            auth_missing,
            auth_failed,
            no_match,
            limits_exceeded,
        } = wire
        else {
            return Ok(Self::default());
        };
        Ok(Self(Some(Texts {
            auth_missing: checked("auth_missing", auth_missing)?,
            auth_failed: checked("auth_failed", auth_failed)?,
            no_match: checked("no_match", no_match)?,
            limits_exceeded: checked("limits_exceeded", limits_exceeded)?,
        })))
    }
}

fn checked(field: &'static str, text: &ErrorTextV1) -> Result<ErrorTextV1, ErrorsError> {
    if !(200..=599).contains(&text.status) {
        return Err(ErrorsError::Status(field));
    }
    let printable = text
        .content_type
        .bytes()
        .all(|byte| (b' '..=b'~').contains(&byte));
    if !printable || !(1..=255).contains(&text.content_type.len()) {
        return Err(ErrorsError::ContentType(field));
    }
    Ok(text.clone())
}
