//! `POST /admin/api/sso_tokens`: a link by which a developer is signed in to the portal, once.

use super::auth::Write;
use super::format::{Answer, Object};
use crate::app::App;
use crate::db::Tx;
use crate::error::Error;
use crate::secrets::Secret;
use crate::sso;
use crate::store::users::{self, User};
use axum::extract::State;
use axum::http::StatusCode;

/// `POST /admin/api/sso_tokens`
///
/// As in 3scale `expires_in` may be up to a day; a link lives ten minutes at most.
///
/// # Errors
/// See [`Error`].
pub async fn create(State(app): State<App>, mut call: Write) -> Result<Answer, Error> {
    let params = &mut call.params;
    let portal_url = app.config.portal_url.as_str();
    let user_id = params.opt_id("user_id");
    let username = params
        .opt_text("username", 255)
        .filter(|username| !username.is_empty());
    if user_id.is_none() && username.is_none() && !params.is_noted("user_id") {
        params.error("base", "One of user_id or username is required");
    }
    let lifetime_secs = params
        .opt_int("expires_in", 31, 86_400)
        .unwrap_or(sso::LONGEST_SECS);
    let redirect_path = params
        .opt_text("redirect_url", 4000)
        .and_then(|address| sso::portal_path(portal_url, &address));
    if redirect_path.is_none() && params.has("redirect_url") && !params.is_noted("redirect_url") {
        params.error("redirect_url", "must be a path of the portal, as in /admin");
    }
    let protocol = params.opt_choice("protocol", &["https", "http"]);
    params.check()?;
    let mut tx = app.db.begin().await?;
    let user = find(&mut tx, user_id, username.as_deref()).await?;
    let redirect_path = redirect_path.unwrap_or_else(|| "/".into());
    let link = sso::issue(&mut tx, user.id, redirect_path, lifetime_secs).await?;
    tx.commit().await?;
    let base = match (protocol, portal_url.split_once("://")) {
        (Some(protocol), Some((_, rest))) => format!("{protocol}://{rest}"),
        _ => portal_url.to_owned(),
    };
    let url = format!(
        "{base}/session/create?token={}&expires_at={}",
        link.token.reveal(),
        link.expires_at.div_euclid(1000)
    );
    let object = Object::new("sso_token")
        .with("sso_url", Secret::new(url))
        .json("token", link.token)
        .bare("sso_url");
    Ok(Answer::ok(object).with_status(StatusCode::CREATED))
}

/// As in 3scale an id that is given decides.
async fn find(tx: &mut Tx, user_id: Option<i64>, username: Option<&str>) -> Result<User, Error> {
    let field = if user_id.is_some() {
        "user_id"
    } else {
        "username"
    };
    let username = username.filter(|_| user_id.is_none());
    let user = users::find(tx, user_id, username, None)
        .await?
        .ok_or_else(|| Error::invalid(field, "is invalid"))?;
    if !sso::may_sign_in(tx, &user).await? {
        return Err(Error::invalid(
            field,
            "may not sign in: the user must be active and its account approved",
        ));
    }
    Ok(user)
}
