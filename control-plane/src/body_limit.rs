//! Bodies are read to their end before anything answers, those that are too big as well.
//!
//! (Answered in the middle of its body, a request's connection is closed: a broken pipe to whoever is still
//! sending, or to the client's next request, and no answer.)

use crate::error::Error;
use axum::body::{Body, HttpBody as _};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

/// The most a request's body may have.
const BODY_BYTES: usize = 1024 * 1024;
/// The same where files and specifications are uploaded, which may come as base64 or escaped.
const UPLOAD_BYTES: usize = 8 * 1024 * 1024;
const UPLOADS: &[&str] = &["/admin/api/active_docs", "/admin/api/cms/files"];
/// How much of a bigger one is read for politeness.
const READ_BYTES: usize = 64 * 1024 * 1024;
/// How long a body may take to arrive.
const READ_TIME: Duration = Duration::from_secs(30);

/// Why a body is of no use.
enum Unusable {
    TooBig,
    CutOff,
}

/// The most that a request to this path may have.
#[must_use]
pub fn limit(path: &str) -> usize {
    if UPLOADS.iter().any(|upload| path.starts_with(upload)) {
        UPLOAD_BYTES
    } else {
        BODY_BYTES
    }
}

/// Hands the request on with its whole body, or refuses it.
pub async fn read(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let most = limit(parts.uri.path());
    let refusal = match tokio::time::timeout(READ_TIME, whole(body, most)).await {
        Ok(Ok(body)) => {
            let request = Request::from_parts(parts, Body::from(body));
            return next.run(request).await;
        }
        Ok(Err(Unusable::TooBig)) => Error::Refused(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("The request's body is too large (maximum is {most} bytes)"),
        ),
        Ok(Err(Unusable::CutOff)) => Error::bad_request("The request's body was cut off"),
        Err(_) => Error::Refused(
            StatusCode::REQUEST_TIMEOUT,
            "The request's body took too long to arrive".into(),
        ),
    };
    refusal.into_response()
}

async fn whole(mut body: Body, most: usize) -> Result<Vec<u8>, Unusable> {
    let mut bytes = Vec::new();
    let mut read = 0;
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.map_err(|_| Unusable::CutOff)?;
        let data = frame.data_ref().map_or(&[][..], |data| data);
        read += data.len();
        if read <= most {
            bytes.extend_from_slice(data);
        } else {
            bytes = Vec::new();
        }
        if read > READ_BYTES {
            break;
        }
    }
    if read <= most {
        Ok(bytes)
    } else {
        Err(Unusable::TooBig)
    }
}
