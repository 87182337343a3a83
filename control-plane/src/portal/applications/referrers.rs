//! Hosts that an application's requests may come from, where the product asks.

use super::make::problems;
use super::{own, path, show};
use crate::admin_api::path::Ids;
use crate::applications;
use crate::error::Error;
use crate::portal::flash::Flash;
use crate::portal::form::Form;
use crate::portal::view::Redirect;
use crate::portal::visitor::Member;
use axum::response::Response;

/// `POST /admin/applications/{id}/referrer_filters`: `referrer_filter`.
///
/// # Errors
/// 404 when it is not one of the account's.
pub async fn add(member: Member, Ids([id]): Ids<1>, mut form: Form) -> Result<Response, Error> {
    let value = form.params.opt_text("referrer_filter", 1_000);
    let added = async {
        form.params.check()?;
        let mut tx = member.app.db.begin().await?;
        let account_id = member.account().id;
        let value = value.unwrap_or_default();
        applications::add_referrer_filter(&mut tx, account_id, id, &value).await?;
        tx.commit().await?;
        Ok(value)
    };
    match added.await {
        Ok(value) => Ok(Redirect::to(path(id))
            .flash(Flash::notice(format!("Requests may come from {value}.")))
            .respond(&member)),
        Err(error) => show::again(&member, id, form.again(&problems(error)?)).await,
    }
}

/// `POST /admin/applications/{id}/referrer_filters/{filter_id}/delete`
///
/// # Errors
/// 404 when there is none.
pub async fn delete(member: Member, Ids([id, filter_id]): Ids<2>) -> Result<Response, Error> {
    let mut tx = member.app.db.begin().await?;
    own(&mut tx, &member, id).await?;
    applications::remove_referrer_filter(&mut tx, member.account().id, id, filter_id).await?;
    tx.commit().await?;
    Ok(Redirect::to(path(id))
        .flash(Flash::notice("The host is removed."))
        .respond(&member))
}
