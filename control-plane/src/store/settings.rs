//! The provider's settings: one row each, absent until changed.

use crate::db::Tx;
use crate::error::Error;
use crate::{on, run};

/// A yes-or-no setting: its name and what it is until set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its name in the database and in the API.
    pub name: &'static str,
    /// Its value until set.
    pub default: bool,
}

/// Whether developers may sign up in the portal. The API's signup is not bound by it.
pub const SIGNUPS_ENABLED: Setting = Setting {
    name: "signups_enabled",
    default: true,
};
/// Whether new accounts wait for the provider.
pub const ACCOUNT_APPROVAL_REQUIRED: Setting = Setting {
    name: "account_approval_required",
    default: false,
};
/// Whether sealed copies of credentials are kept, so that they can be shown again.
pub const CREDENTIALS_RETRIEVABLE: Setting = Setting {
    name: "credentials_retrievable",
    default: true,
};

/// All of them, in the order they are shown.
pub const ALL: &[Setting] = &[
    SIGNUPS_ENABLED,
    ACCOUNT_APPROVAL_REQUIRED,
    CREDENTIALS_RETRIEVABLE,
];

/// A setting's value.
///
/// # Errors
/// When the database does not answer.
pub async fn get(tx: &mut Tx, setting: Setting) -> Result<bool, Error> {
    let value: Option<String> = on!(tx, |c| sqlx::query_scalar(
        "select value from setting where name = $1"
    )
    .bind(setting.name)
    .fetch_optional(c))?;
    Ok(value.map_or(setting.default, |value| value == "true"))
}

/// Sets it.
///
/// # Errors
/// When the database does not answer.
pub async fn set(tx: &mut Tx, setting: Setting, value: bool) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "insert into setting (name, value) values ($1, $2)
         on conflict (name) do update set value = excluded.value"
    )
    .bind(setting.name)
    .bind(if value { "true" } else { "false" })
    .execute(c))?;
    Ok(())
}

/// Forgets every sealed copy of a credential, for ever. What authenticates, the digests, stays.
///
/// # Errors
/// When the database does not answer.
pub async fn forget_sealed_credentials(tx: &mut Tx) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "update application set user_key = null where user_key is not null"
    )
    .execute(c))?;
    run!(tx, |c| sqlx::query(
        "update application_key set value = null where value is not null"
    )
    .execute(c))?;
    Ok(())
}

/// A setting that is a text, if it was ever set.
///
/// # Errors
/// When the database does not answer.
pub async fn text(tx: &mut Tx, name: &str) -> Result<Option<String>, Error> {
    Ok(on!(tx, |c| sqlx::query_scalar(
        "select value from setting where name = $1"
    )
    .bind(name)
    .fetch_optional(c))?)
}

/// Sets a text.
///
/// # Errors
/// When the database does not answer.
pub async fn set_text(tx: &mut Tx, name: &str, value: &str) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "insert into setting (name, value) values ($1, $2)
         on conflict (name) do update set value = excluded.value"
    )
    .bind(name)
    .bind(value)
    .execute(c))?;
    Ok(())
}
