//! `/admin/api/provider`: the provider's own account.

use super::auth::{Read, Write};
use super::format::{Answer, Object, timestamp};
use super::services::is_email;
use crate::app::App;
use crate::db::Tx;
use crate::error::Error;
use crate::provider::{self, ProviderRow};
use crate::store::settings::{self, FROM_EMAIL};
use axum::extract::State;

/// Settings that 3scale keeps with the provider, beside its name and address for support.
const FINANCE_SUPPORT_EMAIL: &str = "finance_support_email";
const SITE_ACCESS_CODE: &str = "site_access_code";

/// `GET /admin/api/provider`.
///
/// # Errors
/// See [`Error`].
pub async fn show(State(app): State<App>, _call: Read) -> Result<Answer, Error> {
    let mut tx = app.db.read().await?;
    Ok(Answer::ok(read(&app, &mut tx).await?))
}

/// `PUT /admin/api/provider`.
///
/// # Errors
/// See [`Error`].
pub async fn update(State(app): State<App>, mut call: Write) -> Result<Answer, Error> {
    let params = &mut call.params;
    let mut tx = app.db.begin().await?;
    let mut row = provider::get(&mut tx).await?;
    if let Some(name) = params.opt_filled("org_name", 255) {
        row.name = name;
    }
    if let Some(address) = params.opt_filled("support_email", 255) {
        row.email = address;
        if !is_email(&row.email) {
            params.error("support_email", "must be an e-mail address");
        }
    }
    let mut changed = Vec::new();
    for name in [FROM_EMAIL, FINANCE_SUPPORT_EMAIL, SITE_ACCESS_CODE] {
        if let Some(text) = params.opt_text(name, 255) {
            if name != SITE_ACCESS_CODE && !text.is_empty() && !is_email(&text) {
                params.error(name, "must be an e-mail address");
            }
            changed.push((name, text));
        }
    }
    params.check()?;
    provider::update(&mut tx, &row).await?;
    for (name, value) in &changed {
        settings::set_text(&mut tx, name, value).await?;
    }
    let node = read(&app, &mut tx).await?;
    tx.commit().await?;
    Ok(Answer::ok(node))
}

async fn read(app: &App, tx: &mut Tx) -> Result<Object, Error> {
    let ProviderRow {
        id,
        name,
        email,
        created_at,
        updated_at,
    } = provider::get(tx).await?;
    let from_email = settings::text(tx, FROM_EMAIL)
        .await?
        .filter(|address| !address.is_empty());
    Ok(Object::new("account")
        .with("id", id)
        .with("org_name", name)
        .with("state", "approved")
        .with("domain", host(&app.config.portal_url))
        .with("admin_domain", host(&app.config.admin_url))
        .with("admin_base_url", &app.config.admin_url)
        .with("base_url", &app.config.portal_url)
        .with("from_email", from_email.unwrap_or_else(|| email.clone()))
        .with("support_email", email)
        .with(
            FINANCE_SUPPORT_EMAIL,
            settings::text(tx, FINANCE_SUPPORT_EMAIL).await?,
        )
        .with(
            SITE_ACCESS_CODE,
            settings::text(tx, SITE_ACCESS_CODE).await?,
        )
        .with("created_at", timestamp(created_at))
        .with("updated_at", timestamp(updated_at)))
}

/// An address without its scheme.
fn host(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, rest)| rest)
}
