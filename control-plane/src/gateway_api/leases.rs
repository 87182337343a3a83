//! `POST /gateway/v1/leases`: a request at a gateway waits for credit, answered once what is granted is in the ledger.

use super::Form;
use super::auth::Caller;
use crate::app::App;
use crate::error::Error;
use crate::leases::Question;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use tallygate_core::wire::{Ask, AskAnswer};

/// Decides one ask; answers in the form it came in.
pub async fn leases(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Error> {
    let form = Form::sent(&headers)?;
    let Ask::V1(ask) = form.read(&body)?;
    let answer = app
        .gateways
        .leases
        .ask(Question {
            gateway: caller.id,
            ask,
        })
        .await?;
    Ok(form.answer(&AskAnswer::V1(answer)))
}
