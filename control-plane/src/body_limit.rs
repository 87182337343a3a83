//! Bodies that say they are too big: refused, but read first, so that whoever is still sending gets to see why.
//!
//! (A connection closed in the middle of a request is a broken pipe to the client, not an answer.)

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
pub const BODY_BYTES: usize = 1024 * 1024;
/// How much of a bigger one is read for politeness.
const READ_BYTES: usize = 64 * 1024 * 1024;
/// And for how long.
const READ_TIME: Duration = Duration::from_secs(10);

/// Refuses what announces more than [`BODY_BYTES`].
pub async fn refuse(request: Request, next: Next) -> Response {
    if request.body().size_hint().lower() <= BODY_BYTES as u64 {
        return next.run(request).await;
    }
    // Whether it ended, or was given up, the answer is the same.
    let _ = tokio::time::timeout(READ_TIME, discard(request.into_body())).await;
    Error::Refused(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!("The request's body is too large (maximum is {BODY_BYTES} bytes)"),
    )
    .into_response()
}

async fn discard(mut body: Body) {
    let mut left = READ_BYTES;
    while let Some(Ok(frame)) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let bytes = frame.data_ref().map_or(0, |data| data.len());
        match left.checked_sub(bytes) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}
