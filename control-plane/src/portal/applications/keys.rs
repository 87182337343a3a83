//! What an application calls with, changed: one more key, one less, one in place of another, another `user_key`.

use super::make::problems;
use super::{Own, own, path, show};
use crate::admin_api::path::{Ids, Segments};
use crate::applications::self_service::require;
use crate::applications::{self, AddKey, MOST_LABEL, MOST_OVERLAP_SECS, OIDC, Rotation};
use crate::credentials::{self, Fresh};
use crate::error::Error;
use crate::portal::flash::Flash;
use crate::portal::form::Form;
use crate::portal::view::Redirect;
use crate::portal::visitor::Member;
use crate::secrets::{self, Secret};
use crate::store::keys as rows;
use axum::response::Response;

/// `POST /admin/applications/{id}/keys`: `label`, and `key` where developers choose it; else one is made.
///
/// # Errors
/// 404 when it is not one of the account's, 403 when the product lets developers not.
pub async fn add(member: Member, Ids([id]): Ids<1>, mut form: Form) -> Result<Response, Error> {
    match added(&member, id, &mut form).await {
        Ok(fresh) => Ok(to_page(&member, id, "Here is the new key.", &fresh)),
        Err(error) => show::again(&member, id, form.again(&problems(error)?)).await,
    }
}

async fn added(member: &Member, id: i64, form: &mut Form) -> Result<Fresh, Error> {
    let chosen = form.params.secret("key");
    let label = form
        .params
        .opt_text("label", MOST_LABEL)
        .unwrap_or_default();
    form.params.check()?;
    let app = &member.app;
    let mut tx = app.db.begin().await?;
    let Own { may, .. } = own(&mut tx, member, id).await?;
    require(may.keys)?;
    let chosen = (!chosen.reveal().is_empty()).then_some(chosen);
    if chosen.is_some() {
        require(may.key_values)?;
    }
    let add = AddKey {
        chosen,
        label,
        expires_at: None,
    };
    let account_id = member.account().id;
    let fresh = applications::add_key(&mut tx, &app.secrets, account_id, id, add).await?;
    tx.commit().await?;
    Ok(fresh)
}

/// `POST /admin/applications/{id}/keys/{key}/delete`
///
/// # Errors
/// See [`add`].
pub async fn delete(member: Member, segments: Segments) -> Result<Response, Error> {
    let id = segments.id("id")?;
    let named = Secret::new(segments.text("key")?);
    let mut tx = member.app.db.begin().await?;
    tx.hold_revision().await?;
    let Own { may, product, .. } = own(&mut tx, &member, id).await?;
    require(may.keys)?;
    let had = rows::of(&mut tx, &[id]).await?;
    let mut lasting = had.iter().filter(|key| key.expires_at.is_none());
    let only = match (lasting.next(), lasting.next()) {
        (Some(only), None) => {
            credentials::masked(&only.digest) == named.reveal()
                || secrets::same(&only.digest, &credentials::key_digest(&named))
        }
        _ => false,
    };
    if only && (product.mandatory_app_key || product.backend_version == OIDC) {
        return Ok(Redirect::to(path(id))
            .flash(Flash::error(
                "This is the only key that lasts: add another one before you delete it.",
            ))
            .respond(&member));
    }
    applications::remove_key(&mut tx, member.account().id, id, &named).await?;
    tx.commit().await?;
    Ok(Redirect::to(path(id))
        .flash(Flash::notice("The key is deleted: it has stopped working."))
        .respond(&member))
}

/// `POST /admin/applications/{id}/keys/{key}/label`: `label`; empty for none.
///
/// # Errors
/// See [`add`].
pub async fn label(member: Member, segments: Segments, mut form: Form) -> Result<Response, Error> {
    let id = segments.id("id")?;
    let named = Secret::new(segments.text("key")?);
    let labelled = async {
        let label = form
            .params
            .opt_text("label", MOST_LABEL)
            .unwrap_or_default();
        form.params.check()?;
        let mut tx = member.app.db.begin().await?;
        require(own(&mut tx, &member, id).await?.may.keys)?;
        applications::label_key(&mut tx, member.account().id, id, &named, &label).await?;
        tx.commit().await
    };
    match labelled.await {
        Ok(()) => Ok(Redirect::to(path(id))
            .flash(Flash::notice("Saved."))
            .respond(&member)),
        Err(error) => show::again(&member, id, form.again(&problems(error)?)).await,
    }
}

/// `POST /admin/applications/{id}/keys/{key}/rotate`: `overlap`, for how many seconds the old key still works.
///
/// # Errors
/// See [`add`].
pub async fn rotate(member: Member, segments: Segments, mut form: Form) -> Result<Response, Error> {
    let id = segments.id("id")?;
    let named = Secret::new(segments.text("key")?);
    let app = &member.app;
    let rotated = async {
        let overlap_secs = form
            .params
            .opt_int("overlap", 0, MOST_OVERLAP_SECS)
            .unwrap_or_default();
        form.params.check()?;
        let mut tx = app.db.begin().await?;
        require(own(&mut tx, &member, id).await?.may.keys)?;
        let rotation = Rotation {
            overlap_secs,
            ..Rotation::default()
        };
        let account_id = member.account().id;
        let fresh =
            applications::rotate_key(&mut tx, &app.secrets, account_id, id, &named, rotation)
                .await?;
        tx.commit().await?;
        let message = match overlap_secs {
            0 => "Here is the new key. The old one has stopped working.",
            _ => "Here is the new key. The old one still works for a while: see below until when.",
        };
        Ok((message, fresh))
    };
    match rotated.await {
        Ok((message, fresh)) => Ok(to_page(&member, id, message, &fresh)),
        Err(error) => show::again(&member, id, form.again(&problems(error)?)).await,
    }
}

/// `POST /admin/applications/{id}/user_key`: another one; the old one stops working.
///
/// # Errors
/// See [`add`].
pub async fn regenerate(member: Member, Ids([id]): Ids<1>) -> Result<Response, Error> {
    let app = &member.app;
    let mut tx = app.db.begin().await?;
    tx.hold_revision().await?;
    let Own {
        application, may, ..
    } = own(&mut tx, &member, id).await?;
    require(may.keys)?;
    let key = secrets::new_application_key();
    let fresh = applications::replace_user_key(&mut tx, &app.secrets, &application, key).await?;
    tx.commit().await?;
    let message = "Here is the new key. The old one has stopped working.";
    Ok(to_page(&member, id, message, &fresh))
}

/// The application's page, which shows the key once more than it is kept.
fn to_page(member: &Member, id: i64, message: &str, fresh: &Fresh) -> Response {
    let flash = match fresh.0.first() {
        Some(key) => Flash::notice(message).with_secret(key),
        None => Flash::notice(message),
    };
    Redirect::to(path(id)).flash(flash).respond(member)
}
