//! `POST /gateway/v1/sync`: how a gateway is, and a sealed batch of usage, answered once it is in the ledger.

use super::Form;
use super::auth::Caller;
use crate::app::App;
use crate::error::Error;
use crate::ledger::Delivery;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use tallygate_core::wire::{Sync, SyncAnswer};

/// Takes one delivery; answers in the form it came in.
pub async fn sync(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Error> {
    let form = Form::sent(&headers)?;
    let Sync::V1(sync) = form.read(&body)?;
    let answer = app
        .gateways
        .ledger
        .take(Delivery {
            gateway: caller.id,
            sync,
        })
        .await?;
    Ok(form.answer(&SyncAnswer::V1(answer)))
}
