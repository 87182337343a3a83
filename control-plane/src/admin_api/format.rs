//! One answer, two forms: 3scale's XML and its wrapped JSON, chosen by the path's extension.
//!
//! [`negotiate`] wraps the router: it takes `.xml` or `.json` off the path before routing and renders
//! what comes back. Handlers build [`Node`]s and never know. XML is the default, as in 3scale.

mod mask;
mod node;
mod render;

use super::etag::{self, Condition};
use crate::error::Error;
use axum::body::Body;
use axum::extract::Request;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

pub use node::{List, Node, Object, timestamp};

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The default.
    Xml,
    /// `.json`.
    Json,
}

/// A successful answer.
#[derive(Clone, Debug)]
pub struct Answer {
    status: StatusCode,
    body: Option<Node>,
    location: Option<String>,
}

impl Answer {
    /// 200 with a body.
    pub fn ok(body: impl Into<Node>) -> Self {
        Self {
            status: StatusCode::OK,
            body: Some(body.into()),
            location: None,
        }
    }

    /// 201 with a body and where it is found, a path without extension.
    pub fn created(body: impl Into<Node>, location: String) -> Self {
        Self {
            status: StatusCode::CREATED,
            body: Some(body.into()),
            location: Some(location),
        }
    }

    /// 200 with nothing: what 3scale answers to DELETE.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            status: StatusCode::OK,
            body: None,
            location: None,
        }
    }

    /// With another status.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }
}

impl Answer {
    /// As JSON without secrets, for what is kept of it; none when it says nothing.
    #[must_use]
    pub fn masked(&self) -> Option<String> {
        let node = mask::node(self.body.as_ref()?);
        Some(render::document(&node, Format::Json))
    }

    /// As it is sent in a form.
    #[must_use]
    pub fn render(&self, format: Format) -> Rendered {
        Rendered {
            status: self.status,
            location: self.location.as_ref().map(|location| {
                let extension = match format {
                    Format::Xml => "xml",
                    Format::Json => "json",
                };
                format!("{location}.{extension}")
            }),
            body: self
                .body
                .as_ref()
                .map(|node| render::document(node, format)),
            format,
        }
    }
}

/// An answer in its form: what is sent, or kept to be sent again. Never logged: it may show credentials.
pub struct Rendered {
    /// Its status.
    pub status: StatusCode,
    /// Where a new resource is found.
    pub location: Option<String>,
    /// Its text.
    pub body: Option<String>,
    /// The form.
    pub format: Format,
}

impl IntoResponse for Rendered {
    fn into_response(self) -> Response {
        let mut response = match self.body {
            Some(text) => body(self.status, self.format, text),
            None => self.status.into_response(),
        };
        if let Some(location) = self
            .location
            .and_then(|location| HeaderValue::from_str(&location).ok())
        {
            response.headers_mut().insert(header::LOCATION, location);
        }
        response
    }
}

impl IntoResponse for Answer {
    /// Rendered by [`negotiate`], which alone knows the form.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Whether a path belongs to the APIs that speak 3scale's forms.
fn is_ours(path: &str) -> bool {
    path.starts_with("/admin/api/") || path.starts_with("/stats/")
}

/// Takes the extension off the path, calls, and renders the answer.
pub async fn negotiate(mut request: Request, next: Next) -> Response {
    if !is_ours(request.uri().path()) {
        return next.run(request).await;
    }
    let (path, format) = split_extension(request.uri().path());
    if let Some(uri) = with_path(request.uri(), path) {
        *request.uri_mut() = uri;
    }
    request.extensions_mut().insert(format);
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let known = reads.then(|| Condition::if_none_match(request.headers()));
    let mut response = next.run(request).await;
    if let Some(answer) = response.extensions_mut().remove::<Answer>() {
        let rendered = answer.render(format);
        return match known {
            Some(known) => tagged(rendered, known.as_ref()),
            None => rendered.into_response(),
        };
    }
    let status = response.status();
    let error = match response.extensions_mut().remove::<Error>() {
        Some(error) => error,
        None if status == StatusCode::NOT_FOUND => Error::NotFound,
        // A layer's own refusal: too large, too slow.
        None if status.is_client_error() || status.is_server_error() => {
            let reason = status.canonical_reason().unwrap_or("Error");
            Error::Refused(status, reason.to_owned())
        }
        None => return response,
    };
    let mut rendered = failure(&error, format);
    for name in [header::ALLOW, header::RETRY_AFTER] {
        if let Some(value) = response.headers_mut().remove(&name) {
            rendered.headers_mut().insert(name, value);
        }
    }
    rendered
}

/// An answer to a read with its tag; without its body when that is what the client knows.
fn tagged(rendered: Rendered, known: Option<&Condition>) -> Response {
    let tag = match (rendered.status, &rendered.body) {
        (StatusCode::OK, Some(text)) => etag::of(text),
        _ => return rendered.into_response(),
    };
    let mut response = if known.is_some_and(|known| known.is_met_weakly_by(&tag)) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        rendered.into_response()
    };
    if let Some(tag) = etag::header_value(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

fn split_extension(path: &str) -> (&str, Format) {
    if let Some(path) = path.strip_suffix(".json") {
        (path, Format::Json)
    } else {
        (path.strip_suffix(".xml").unwrap_or(path), Format::Xml)
    }
}

fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    let path_and_query = match uri.query() {
        Some(query) => PathAndQuery::try_from(format!("{path}?{query}")),
        None => PathAndQuery::try_from(path),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path_and_query.ok()?);
    Uri::from_parts(parts).ok()
}

fn failure(error: &Error, format: Format) -> Response {
    body(error.status(), format, render::error(error, format))
}

fn body(status: StatusCode, format: Format, text: String) -> Response {
    let content_type = match format {
        Format::Xml => "application/xml; charset=utf-8",
        Format::Json => "application/json; charset=utf-8",
    };
    (
        status,
        [
            (header::CONTENT_TYPE, content_type),
            (header::CACHE_CONTROL, "no-store"),
        ],
        Body::from(text),
    )
        .into_response()
}
