//! `GET /admin/api/objects/status`: whether something that was deleted is gone.
//!
//! 3scale deletes in the background and its clients poll; here a delete is done when it is answered.

use super::auth::Read;
use super::format::Answer;
use crate::app::App;
use crate::error::Error;
use crate::store::{accounts, products};
use axum::extract::State;

/// What can be asked about.
const TYPES: &[&str] = &["service", "account", "proxy", "backend_api"];

/// 200 while it is there, 404 when it is not.
///
/// # Errors
/// See [`Error`].
pub async fn status(State(app): State<App>, mut call: Read) -> Result<Answer, Error> {
    let params = &mut call.params;
    let kind = params.opt_choice("object_type", TYPES);
    if kind.is_none() && !params.is_noted("object_type") {
        params.error("object_type", "can't be blank");
    }
    let id = params.int("object_id", 1, i64::MAX);
    params.check()?;
    let mut tx = app.db.read().await?;
    match kind {
        Some("account") => {
            accounts::get(&mut tx, id).await?;
        }
        // A proxy goes by the id of its product.
        Some("service" | "proxy") => {
            products::get(&mut tx, id).await?;
        }
        _ => return Err(Error::NotFound),
    }
    Ok(Answer::empty())
}
