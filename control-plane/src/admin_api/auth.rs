//! Who calls, and what they may do: `access_token` or `provider_key`, as parameter or HTTP Basic.
//!
//! As in 3scale, whoever may not is told 403, never 401. A handler names what it needs by its extractor:
//! [`Read`], [`Write`], [`ReadStats`], [`ReadContent`] or [`WriteContent`]. A token never reaches further than its owner
//! ([`super::access`]).

use super::access::{Access, Route};
use super::params::Params;
use super::writes;
use crate::app::App;
use crate::db::Db;
use crate::error::Error;
use crate::on;
use crate::secrets::{self, Secret};
use crate::store::access_tokens::{self, Presented};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::marker::PhantomData;

/// A permission that a call needs.
pub trait Permission: Send + Sync + 'static {
    /// The access token's scope.
    const SCOPE: &'static str;
    /// Whether it must be a read-write token.
    const WRITE: bool;
}

/// An authorised call: its parameters, without those that authorised it.
#[derive(Debug)]
pub struct Call<P> {
    /// Its parameters.
    pub params: Params,
    /// Who calls.
    pub caller: Caller,
    /// What they may reach.
    pub access: Access,
    permission: PhantomData<fn() -> P>,
}

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// The provider key's holder: may do everything.
    Provider,
    /// The access token with this id.
    Token(i64),
}

/// On a request that the control plane makes to itself, in the course of a call that was authorised.
#[derive(Clone, Debug)]
pub(super) struct ForItself(pub(super) Caller, pub(super) Access);

/// Reads of `account_management`.
#[derive(Debug)]
pub struct ReadAccounts;
/// Writes of `account_management`.
#[derive(Debug)]
pub struct WriteAccounts;
/// Reads of `stats`.
#[derive(Debug)]
pub struct ReadStatistics;
/// Reads of `cms`.
#[derive(Debug)]
pub struct ReadContents;
/// Writes of `cms`.
#[derive(Debug)]
pub struct WriteContents;

impl Permission for ReadAccounts {
    const SCOPE: &'static str = "account_management";
    const WRITE: bool = false;
}
impl Permission for WriteAccounts {
    const SCOPE: &'static str = "account_management";
    const WRITE: bool = true;
}
impl Permission for ReadStatistics {
    const SCOPE: &'static str = "stats";
    const WRITE: bool = false;
}
impl Permission for ReadContents {
    const SCOPE: &'static str = "cms";
    const WRITE: bool = false;
}
impl Permission for WriteContents {
    const SCOPE: &'static str = "cms";
    const WRITE: bool = true;
}

/// Extractor for reads of the Account Management API.
pub type Read = Call<ReadAccounts>;
/// Extractor for its writes.
pub type Write = Call<WriteAccounts>;
/// Extractor for the analytics API.
pub type ReadStats = Call<ReadStatistics>;
/// Extractor for reads of the CMS API.
pub type ReadContent = Call<ReadContents>;
/// Extractor for its writes.
pub type WriteContent = Call<WriteContents>;

/// Scopes an access token may have.
pub const SCOPES: &[&str] = &[
    "account_management",
    "stats",
    "cms",
    "finance",
    "policy_registry",
];

const NO_CREDENTIALS: Error = Error::Forbidden("Access denied");
const NOT_ALLOWED: Error =
    Error::Forbidden("Your access token does not have the correct permissions");

impl<P: Permission> FromRequest<App> for Call<P> {
    type Rejection = Error;

    async fn from_request(request: Request, app: &App) -> Result<Self, Error> {
        if let Some(ForItself(caller, access)) = request.extensions().get().cloned() {
            return Ok(Self {
                params: Params::read(request).await?,
                caller,
                access,
                permission: PhantomData,
            });
        }
        let (mut parts, body) = request.into_parts();
        let route = Route::of(&mut parts).await?;
        let request = Request::from_parts(parts, body);
        let basic = basic_token(request.headers());
        let mut params = Params::read(request).await?;
        let access_token = text(params.take("access_token"));
        let provider_key = text(params.take("provider_key"));
        let (caller, access) = if let Some(token) = access_token {
            by_access_token::<P>(&app.db, &token).await?
        } else if let Some(key) = provider_key {
            by_provider_key(&app.db, &key).await?
        } else if let Some(token) = basic {
            match by_access_token::<P>(&app.db, &token).await {
                Err(Error::Forbidden("Access denied")) => by_provider_key(&app.db, &token).await?,
                other => other?,
            }
        } else {
            return Err(NO_CREDENTIALS);
        };
        access.check(&app.db, &route, &params, P::WRITE).await?;
        writes::note_caller(caller, &access);
        Ok(Self {
            params,
            caller,
            access,
            permission: PhantomData,
        })
    }
}

/// A token's last use is noted at most this often.
const LAST_USE_RESOLUTION_MS: i64 = 60_000;

async fn by_access_token<P: Permission>(
    db: &Db,
    token: &Secret,
) -> Result<(Caller, Access), Error> {
    let row = access_tokens::present(db, token)
        .await?
        .ok_or(NO_CREDENTIALS)?;
    let now_ms = db.now_ms().await?;
    if row.expires_at.is_some_and(|at| at <= now_ms) || row.state == "suspended" {
        return Err(NO_CREDENTIALS);
    }
    let in_scope = row.scopes.split(',').any(|scope| scope == P::SCOPE);
    if !in_scope || (P::WRITE && row.permission != "rw") {
        return Err(NOT_ALLOWED);
    }
    if row
        .last_used_at
        .is_none_or(|at| at + LAST_USE_RESOLUTION_MS <= now_ms)
    {
        // Who may read still may when the database cannot be written.
        if let Err(error) = note_use(db, row.id, now_ms).await {
            tracing::warn!(token = row.id, %error, "the last use of an access token is not noted");
        }
    }
    let Presented {
        id,
        owner_id,
        role,
        sections,
        product_ids,
        ..
    } = row;
    let access = Access::of_user(owner_id, &role, &sections, product_ids.as_deref());
    Ok((Caller::Token(id), access))
}

async fn note_use(db: &Db, token_id: i64, now_ms: i64) -> Result<(), Error> {
    let mut tx = db.begin_aside().await?;
    access_tokens::note_use(&mut tx, token_id, now_ms).await?;
    tx.commit().await
}

async fn by_provider_key(db: &Db, key: &Secret) -> Result<(Caller, Access), Error> {
    let digest: Option<Vec<u8>> = on!(db, |c| sqlx::query_scalar(
        "select key_digest from provider"
    )
    .fetch_optional(c))?;
    let given = secrets::token_digest(key.reveal());
    match digest {
        Some(digest) if secrets::same(&digest, &given) => {
            Ok((Caller::Provider, Access::of_provider()))
        }
        _ => Err(NO_CREDENTIALS),
    }
}

/// The first non-empty of user and password.
fn basic_token(headers: &HeaderMap) -> Option<Secret> {
    let (scheme, encoded) = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = decoded.split_once(':').unwrap_or((&decoded, ""));
    [user, password]
        .into_iter()
        .find(|part| !part.is_empty())
        .map(Secret::new)
}

fn text(value: Option<Value>) -> Option<Secret> {
    match value {
        Some(Value::String(text)) if !text.is_empty() => Some(Secret::new(text)),
        _ => None,
    }
}
