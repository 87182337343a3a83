//! What the provider makes of an application: it may call, it may not for a while, it goes. Its account is told.

use crate::db::Tx;
use crate::error::Error;
use crate::events;
use crate::mail::{self, Kind, Mail, To};
use crate::store::applications::{self as rows, Event};

/// Changes an application's state.
///
/// # Errors
/// 404 when there is none, 422 when this cannot happen in its state.
pub async fn transition(tx: &mut Tx, account_id: i64, id: i64, event: Event) -> Result<(), Error> {
    rows::transition(tx, account_id, id, event).await?;
    let (kind, happened) = match event {
        Event::Accept => (Kind::ApplicationAccepted, events::APPLICATION_UPDATED),
        Event::Suspend => (Kind::ApplicationSuspended, events::APPLICATION_SUSPENDED),
        Event::Resume => (Kind::ApplicationResumed, events::APPLICATION_UPDATED),
    };
    mail::about_application(tx, kind, account_id, id).await?;
    events::record(tx, happened, id).await
}

/// Removes an application. Of one that waited for approval its account is told that it will not get it.
///
/// # Errors
/// 404 when there is none.
pub async fn delete(tx: &mut Tx, account_id: i64, id: i64) -> Result<(), Error> {
    let application = rows::get(tx, Some(account_id), id).await?;
    if application.state == "pending" {
        let mail = Mail::new(Kind::ApplicationRejected, To::Admins(account_id))
            .text("application_name", &application.name)
            .text("service_name", &application.product_name);
        mail::record(tx, mail).await?;
    }
    events::record(tx, events::APPLICATION_DELETED, id).await?;
    rows::delete(tx, account_id, id).await
}

/// A developer removes an application of its own: nobody has to be told that it was turned away.
///
/// # Errors
/// 404 when there is none.
pub async fn withdraw(tx: &mut Tx, account_id: i64, id: i64) -> Result<(), Error> {
    rows::get(tx, Some(account_id), id).await?;
    events::record(tx, events::APPLICATION_DELETED, id).await?;
    rows::delete(tx, account_id, id).await
}
