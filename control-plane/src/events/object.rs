//! What an event is about, as the API would show it in XML (which has no links, and so needs no address).

use crate::admin_api::alerts;
use crate::admin_api::format::Object;
use crate::admin_api::shapes::{self, Base};
use crate::applications;
use crate::credentials::Fresh;
use crate::db::Tx;
use crate::error::Error;
use crate::secrets::Secrets;
use crate::store::{accounts, alerts as alert_rows, contracts, users};
use std::collections::BTreeSet;

const BASE: Base<'_> = Base("");

/// The row of this kind with this id.
///
/// # Errors
/// 404 when there is none.
pub(super) async fn of(
    tx: &mut Tx,
    secrets: &Secrets,
    kind: &str,
    id: i64,
) -> Result<Object, Error> {
    match kind {
        "account" => account(tx, id).await,
        "user" => {
            let user = users::find(tx, Some(id), None, None).await?;
            let user = user.ok_or(Error::NotFound)?;
            Ok(shapes::user(BASE, &user))
        }
        "application" => {
            let view = applications::view(tx, secrets, id, &Fresh::default()).await?;
            Ok(shapes::application(BASE, &view))
        }
        "alert" => {
            let alert = alert_rows::get(tx, id).await?;
            Ok(alerts::object(&alert))
        }
        other => Err(Error::internal(format!("an event about a {other}"))),
    }
}

async fn account(tx: &mut Tx, id: i64) -> Result<Object, Error> {
    let account = accounts::get(tx, id).await?;
    let users = users::of(tx, &[id]).await?;
    let contracts = contracts::of_accounts(tx, &[id]).await?;
    let plan_ids: BTreeSet<i64> = contracts
        .iter()
        .map(|contract| contract.plan_id)
        .chain(account.plan_id)
        .collect();
    let plans = contracts::by_ids(tx, plan_ids).await?;
    let plans: Vec<_> = plans.iter().collect();
    let users: Vec<_> = users.iter().collect();
    Ok(shapes::account(BASE, &account, &plans, &users, None))
}
