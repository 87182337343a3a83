//! `/admin/api/authentication_providers` (developers at the portal) and `/admin/api/account/authentication_providers` (the
//! provider's users at the console): where people may sign in from.

mod read;

use super::auth::{Read, Write};
use super::format::{Answer, List, Object, timestamp};
use super::path::Ids;
use crate::app::App;
use crate::db::Tx;
use crate::error::Error;
use crate::secrets::{AUTHENTICATION_PROVIDER_SECRET, Secret};
use crate::store::authentication_providers::{self as rows, AccountType, AuthenticationProvider};
use crate::store::settings;
use axum::extract::State;

/// Which of the two paths is called.
pub trait Side: Send + Sync + 'static {
    /// Who signs in.
    const TYPE: AccountType;
    /// The path, without extension.
    const PATH: &'static str;
}

/// Developers, at the portal.
#[derive(Debug)]
pub struct Developers;
/// The provider's users, at the console.
#[derive(Debug)]
pub struct ProviderUsers;

impl Side for Developers {
    const TYPE: AccountType = AccountType::Developer;
    const PATH: &'static str = "/admin/api/authentication_providers";
}
impl Side for ProviderUsers {
    const TYPE: AccountType = AccountType::Provider;
    const PATH: &'static str = "/admin/api/account/authentication_providers";
}

/// `GET …`
///
/// # Errors
/// See [`Error`].
pub async fn index<S: Side>(State(app): State<App>, _call: Read) -> Result<Answer, Error> {
    let mut tx = app.db.read().await?;
    let found = rows::list(&mut tx, S::TYPE).await?;
    let items = found
        .iter()
        .map(|row| shape(&app, row))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Answer::ok(List::new(
        "authentication_providers",
        "authentication_provider",
        items,
    )))
}

/// `POST …`
///
/// # Errors
/// See [`Error`].
pub async fn create<S: Side>(State(app): State<App>, mut call: Write) -> Result<Answer, Error> {
    let (mut new, secret) = read::new(&mut call.params, S::TYPE);
    call.params.check()?;
    new.client_secret = Some(app.secrets.seal(AUTHENTICATION_PROVIDER_SECRET, &secret)?);
    let mut tx = app.db.begin().await?;
    // Nobody else takes the name that is found free.
    tx.hold_revision().await?;
    for field in rows::taken(&mut tx, &new).await? {
        call.params.error(field, "has already been taken");
    }
    call.params.check()?;
    let id = rows::insert(&mut tx, &new).await?;
    let object = shape(&app, &rows::get(&mut tx, S::TYPE, id).await?)?;
    tx.commit().await?;
    Ok(Answer::created(object, format!("{}/{id}", S::PATH)))
}

/// `GET …/{id}`
///
/// # Errors
/// See [`Error`].
pub async fn show<S: Side>(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    _call: Read,
) -> Result<Answer, Error> {
    let mut tx = app.db.read().await?;
    let row = rows::get(&mut tx, S::TYPE, id).await?;
    Ok(Answer::ok(shape(&app, &row)?))
}

/// `PUT …/{id}`: what is given changes.
///
/// # Errors
/// See [`Error`].
pub async fn update<S: Side>(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    mut call: Write,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    tx.hold_revision().await?;
    let mut row = rows::get(&mut tx, S::TYPE, id).await?;
    let was_published = row.published;
    let secret = read::changes(&mut call.params, &mut row);
    call.params.check()?;
    if let Some(secret) = secret {
        row.client_secret = Some(app.secrets.seal(AUTHENTICATION_PROVIDER_SECRET, &secret)?);
    }
    if was_published && !row.published {
        refuse_last_door(&mut tx, &row).await?;
    }
    rows::update(&mut tx, &row).await?;
    let object = shape(&app, &rows::get(&mut tx, S::TYPE, id).await?)?;
    tx.commit().await?;
    Ok(Answer::ok(object))
}

/// `DELETE …/{id}`
///
/// # Errors
/// See [`Error`].
pub async fn delete<S: Side>(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    _call: Write,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    tx.hold_revision().await?;
    let row = rows::get(&mut tx, S::TYPE, id).await?;
    if row.published {
        refuse_last_door(&mut tx, &row).await?;
    }
    rows::delete(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Answer::empty())
}

/// Keeps the only published one of the console while there is no other way in.
async fn refuse_last_door(tx: &mut Tx, row: &AuthenticationProvider) -> Result<(), Error> {
    if row.account_type == AccountType::Provider.as_str()
        && settings::get(tx, settings::ENFORCE_SSO).await?
        && rows::count_published(tx, AccountType::Provider).await? == 1
    {
        return Err(Error::invalid(
            "published",
            "must stay while enforce_sso is on: nobody could sign in to the console",
        ));
    }
    Ok(())
}

fn shape(app: &App, row: &AuthenticationProvider) -> Result<Object, Error> {
    let secret = match &row.client_secret {
        Some(sealed) => app.secrets.open(AUTHENTICATION_PROVIDER_SECRET, sealed)?,
        None => Secret::new(""),
    };
    let base = if row.account_type == AccountType::Provider.as_str() {
        &app.config.admin_url
    } else {
        &app.config.portal_url
    };
    Ok(Object::new("authentication_provider")
        .with("id", row.id)
        .with("kind", &row.kind)
        .with("account_type", &row.account_type)
        .with("name", &row.name)
        .with("system_name", &row.system_name)
        .with("client_id", &row.client_id)
        .with("client_secret", secret)
        .with("site", &row.site)
        .with("token_url", &row.token_url)
        .with("user_info_url", &row.user_info_url)
        .with("authorize_url", &row.authorize_url)
        .with(
            "skip_ssl_certificate_verification",
            row.skip_ssl_certificate_verification,
        )
        .with(
            "automatically_approve_accounts",
            row.automatically_approve_accounts,
        )
        .with("branding_state", row.branding_state.clone())
        .with("username_key", &row.username_key)
        .with("identifier_key", &row.identifier_key)
        .with("trust_email", row.trust_email)
        .with("published", row.published)
        .with("created_at", timestamp(row.created_at))
        .with("updated_at", timestamp(row.updated_at))
        .with(
            "callback_url",
            format!("{base}/auth/{}/callback", row.system_name),
        ))
}
