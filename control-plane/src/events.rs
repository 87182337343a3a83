//! What happens to accounts, users and applications, told to the provider's webhook.
//!
//! Whoever changes one of them calls [`record`] in the same transaction: the event goes into the outbox as it is to be
//! sent, and [`crate::webhooks`] delivers it later. When nobody wants to know, that costs one look at one row.

mod object;

use crate::admin_api::auth::Caller;
use crate::admin_api::format::{Answer, Format, Object};
use crate::admin_api::writes;
use crate::db::Tx;
use crate::error::Error;
use crate::secrets::{self, Secret, WEBHOOK_BODY};
use crate::store::webhook_events::{self as outbox, NewEvent};
use crate::store::{applications, users, webhooks};

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// What it happened to: `account`, `user`, `application` or `alert`.
    pub kind: &'static str,
    /// What happened, as in `created`.
    pub action: &'static str,
    /// What the provider switches it on by, as in `account_created_on`.
    pub switch: &'static str,
}

macro_rules! events {
    ($($(#[$meta:meta])* $name:ident: $kind:literal $action:literal $switch:literal,)*) => {
        $($(#[$meta])* pub const $name: Event = Event { kind: $kind, action: $action, switch: $switch };)*

        /// All of them, in the order in which their switches are shown.
        pub const ALL: &[Event] = &[$($name),*];
    };
}

events! {
    /// An account was made.
    ACCOUNT_CREATED: "account" "created" "account_created_on",
    /// An account was changed: its name, its state.
    ACCOUNT_UPDATED: "account" "updated" "account_updated_on",
    /// An account was removed.
    ACCOUNT_DELETED: "account" "deleted" "account_deleted_on",
    /// An account was put on another account plan.
    ACCOUNT_PLAN_CHANGED: "account" "plan_changed" "account_plan_changed_on",
    /// A user of an account was made.
    USER_CREATED: "user" "created" "user_created_on",
    /// A user was changed: its name, its state, its role.
    USER_UPDATED: "user" "updated" "user_updated_on",
    /// A user was removed.
    USER_DELETED: "user" "deleted" "user_deleted_on",
    /// An application was made.
    APPLICATION_CREATED: "application" "created" "application_created_on",
    /// An application was changed: its name, its state.
    APPLICATION_UPDATED: "application" "updated" "application_updated_on",
    /// An application was removed.
    APPLICATION_DELETED: "application" "deleted" "application_deleted_on",
    /// An application may not call for a while.
    APPLICATION_SUSPENDED: "application" "suspended" "application_suspended_on",
    /// An application was put on another plan.
    APPLICATION_PLAN_CHANGED: "application" "plan_changed" "application_plan_changed_on",
    /// An application has another `user_key`.
    APPLICATION_USER_KEY_UPDATED: "application" "user_key_updated" "application_user_key_updated_on",
    /// An application has one more key.
    APPLICATION_KEY_CREATED: "application" "key_created" "application_key_created_on",
    /// An application has one key less.
    APPLICATION_KEY_DELETED: "application" "key_deleted" "application_key_deleted_on",
    /// An application has another key in place of one.
    APPLICATION_KEY_UPDATED: "application" "key_updated" "application_key_updated_on",
    /// A limit came close, or was passed.
    ALERT_RAISED: "alert" "raised" "alert_raised_on",
}

/// Records an event about the row with this id, as it is now: what is removed is told of before it is.
///
/// # Errors
/// When the database does not answer, or the row does not exist though somebody wants to know of it.
pub async fn record(tx: &mut Tx, event: Event, id: i64) -> Result<(), Error> {
    let Some(secrets) = tx.secrets() else {
        return Ok(());
    };
    let Some(webhook) = webhooks::get(tx).await? else {
        return Ok(());
    };
    if !webhook.wants(event.switch) || !is_told(webhook.provider_actions) {
        return Ok(());
    }
    let object = object::of(tx, &secrets, event.kind, id).await?;
    let told = Object::new("event")
        .with("action", event.action)
        .with("type", event.kind)
        .with("object", Object::new("object").with(event.kind, object));
    let body = Answer::ok(told)
        .render(Format::Xml)
        .body
        .unwrap_or_default();
    let event_id = secrets::random_token("evt_", 16);
    let new = NewEvent {
        event_id: event_id.reveal(),
        kind: event.kind,
        action: event.action,
        object_id: id,
        body: &secrets.seal(WEBHOOK_BODY, &Secret::new(body))?,
    };
    outbox::insert(tx, new).await
}

/// Records that an account goes, with all that is its own.
///
/// # Errors
/// See [`record`].
pub async fn record_account_deletion(tx: &mut Tx, id: i64) -> Result<(), Error> {
    for application in applications::of_account(tx, id).await? {
        record(tx, APPLICATION_DELETED, application.id).await?;
    }
    for user in users::of(tx, &[id]).await? {
        record(tx, USER_DELETED, user.id).await?;
    }
    record(tx, ACCOUNT_DELETED, id).await
}

/// As in 3scale: what developers do is told, what the provider's people do by their tokens only if the provider wants it,
/// and what is done with the provider key, which is nobody's, never.
fn is_told(provider_actions: bool) -> bool {
    match writes::caller() {
        None => true,
        Some(Caller::Token(_)) => provider_actions,
        Some(Caller::Provider) => false,
    }
}
