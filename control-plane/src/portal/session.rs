//! Sessions: a random text in a cookie, of which the database knows a digest.
//!
//! A session ends two weeks after it began, a day after it was last used, when its user signs out or may not sign in any
//! more, and when the password changes. Signing in always begins a new one.

use super::audit;
use crate::app::App;
use crate::db::Tx;
use crate::error::Error;
use crate::secrets::{self, Secret};
use crate::sso;
use crate::store::accounts::{self, Account};
use crate::store::sessions::{self as rows, Session};
use crate::store::users::{self, User};
use axum::http::HeaderMap;
use axum::http::header::{COOKIE, USER_AGENT};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};

/// How long a session lasts at most.
const LONGEST_MS: i64 = 14 * DAY_MS;
/// How long it lasts unused.
const IDLE_MS: i64 = DAY_MS;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Uses closer together than this are not written down.
const MINUTE_MS: i64 = 60 * 1000;

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub(super) struct SignedIn {
    /// The session.
    pub(super) session: Session,
    /// The user.
    pub(super) user: User,
    /// The user's account.
    pub(super) account: Account,
}

/// Whose session a request shows, if it shows one that is in force.
pub(super) async fn of(
    app: &App,
    tx: &mut Tx,
    headers: &HeaderMap,
) -> Result<Option<SignedIn>, Error> {
    let Some(token) = cookie(app, headers, SESSION) else {
        return Ok(None);
    };
    let Some(session) = rows::find(tx, &secrets::token_digest(&token)).await? else {
        return Ok(None);
    };
    let now_ms = tx.now_ms().await?;
    if session.expires_at <= now_ms || session.last_seen_at + IDLE_MS <= now_ms {
        return Ok(None);
    }
    let Some(user) = users::find(tx, Some(session.user_id), None, None).await? else {
        return Ok(None);
    };
    if !sso::may_sign_in(tx, &user).await? {
        return Ok(None);
    }
    let account = accounts::get(tx, user.account_id).await?;
    if session.last_seen_at + MINUTE_MS <= now_ms {
        let mut tx = app.db.begin_aside().await?;
        rows::touch(&mut tx, session.id, now_ms).await?;
        tx.commit().await?;
    }
    Ok(Some(SignedIn {
        session,
        user,
        account,
    }))
}

/// Begins a session, in the transaction that found out who it is; the one that the browser had ends. The cookie is the only copy of its text.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn begin(
    app: &App,
    tx: &mut Tx,
    user_id: i64,
    headers: &HeaderMap,
) -> Result<Cookie<'static>, Error> {
    audit::note_user(user_id);
    // Whoever was signed in with this browser no longer is.
    if let Some(before) = cookie(app, headers, SESSION)
        && let Some(before) = rows::find(tx, &secrets::token_digest(&before)).await?
    {
        rows::delete(tx, before.user_id, before.id).await?;
    }
    let token = secrets::random_token("", 32);
    let now_ms = tx.now_ms().await?;
    let agent = headers
        .get(USER_AGENT)
        .map(|agent| String::from_utf8_lossy(agent.as_bytes()).into_owned())
        .unwrap_or_default();
    let agent: String = agent
        .chars()
        .filter(|letter| !letter.is_control())
        .take(255)
        .collect();
    let digest = secrets::token_digest(token.reveal());
    rows::insert(tx, user_id, &digest, &agent, now_ms + LONGEST_MS).await?;
    Ok(set_cookie(app, SESSION, &token, Kept::Long))
}

const SESSION: &str = "tallygate_session";

/// What a request's cookie says.
pub(super) fn cookie(app: &App, headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(COOKIE)?;
    let jar = CookieJar::from_headers(headers);
    Some(jar.get(&cookie_name(app, name))?.value().to_owned())
}

/// How long a browser keeps a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// Until it is closed.
    Open,
    /// Until it is taken away; how long it is worth something is decided here.
    Long,
    /// It goes now.
    Gone,
}

/// A cookie that only this host gets, and no script.
pub(super) fn set_cookie(app: &App, name: &str, value: &Secret, kept: Kept) -> Cookie<'static> {
    let mut cookie = Cookie::new(cookie_name(app, name), value.reveal().to_owned());
    match kept {
        Kept::Open => {}
        Kept::Long => cookie.make_permanent(),
        Kept::Gone => cookie.make_removal(),
    }
    cookie.set_http_only(true);
    cookie.set_same_site(SameSite::Lax);
    cookie.set_path("/");
    cookie.set_secure(is_https(app));
    cookie
}

/// A cookie that takes the session's away.
pub(super) fn end_cookie(app: &App) -> Cookie<'static> {
    set_cookie(app, SESSION, &Secret::new(""), Kept::Gone)
}

/// Browsers take a `__Host-` cookie from an https page of this very host alone.
fn cookie_name(app: &App, name: &str) -> String {
    if is_https(app) {
        format!("__Host-{name}")
    } else {
        name.to_owned()
    }
}

fn is_https(app: &App) -> bool {
    app.config.portal_url.starts_with("https://")
}
