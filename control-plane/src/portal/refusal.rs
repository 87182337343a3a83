//! What went wrong, as a page: 403, 404, 429, 500.

use super::visitor::Visitor;
use crate::app::App;
use crate::drop;
use crate::error::Error;
use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

drop! {
    /// The page of an error.
    pub struct ErrorPage as "error pages" {
        /// The HTTP status.
        status: i64,
        /// What went wrong, in a sentence.
        message: String,
    }
}

/// Renders errors of handlers as pages. What cannot be rendered stays as it is.
pub async fn as_page(State(app): State<App>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let wants_page = parts.headers.get(header::ACCEPT).is_none_or(|accept| {
        String::from_utf8_lossy(accept.as_bytes()).contains('*')
            || String::from_utf8_lossy(accept.as_bytes()).contains("text/html")
    });
    let Ok(visitor) = Visitor::from_request_parts(&mut parts, &app).await else {
        return next.run(Request::from_parts(parts, body)).await;
    };
    let response = next.run(Request::from_parts(parts, body)).await;
    let Some(error) = response.extensions().get::<Error>().cloned() else {
        return response;
    };
    if !wants_page {
        return response;
    }
    let status = error.status();
    let (name, title) = page_of(status);
    let values = ErrorPage {
        status: status.as_u16().into(),
        message: match &error {
            Error::NotFound => "There is nothing at this address.".into(),
            other => other.public_message(),
        },
    };
    match visitor.page_with(status, name, title, &values).await {
        Ok(mut page) => {
            if let Some(after) = response.headers().get(header::RETRY_AFTER) {
                page.headers_mut()
                    .insert(header::RETRY_AFTER, after.clone());
            }
            page
        }
        Err(cause) => {
            tracing::error!(%cause, "the page of an error cannot be shown");
            response
        }
    }
}

fn page_of(status: StatusCode) -> (&'static str, &'static str) {
    match status {
        StatusCode::NOT_FOUND => ("errors/not_found", "Not found"),
        StatusCode::FORBIDDEN => ("errors/forbidden", "Not allowed"),
        StatusCode::TOO_MANY_REQUESTS => ("errors/refused", "Too many attempts"),
        status if status.is_server_error() => ("errors/failure", "Something went wrong"),
        _ => ("errors/refused", "That did not work"),
    }
}
