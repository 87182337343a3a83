//! Which gateway calls: `Authorization: Bearer` and its token, of which only a digest is kept.

use crate::app::App;
use crate::db::Db;
use crate::error::Error;
use crate::publish::Environment;
use crate::secrets::token_digest;
use crate::{on, row};
use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;

/// Extractor: the gateway whose token came with the call.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Its id.
    pub id: i64,
    /// Where it stands.
    pub environment: Environment,
    digest: Vec<u8>,
}

row! {
    struct Gateway {
        id: i64,
        environment: String,
    }
}

const NO_TOKEN: Error = Error::Unauthorized("send a gateway's token: Authorization: Bearer tgg_…");
const UNKNOWN: Error = Error::Unauthorized(
    "no gateway has this token: it was removed, or belongs to another installation",
);

impl FromRequestParts<App> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let token = parts
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .ok_or(NO_TOKEN)?;
        by_digest(&app.db, token_digest(token)).await
    }
}

impl Caller {
    /// Whether the token still is one, for calls that have waited.
    ///
    /// # Errors
    /// 401 when it was removed.
    pub async fn check_again(self, db: &Db) -> Result<Self, Error> {
        by_digest(db, self.digest).await
    }
}

async fn by_digest(db: &Db, digest: Vec<u8>) -> Result<Caller, Error> {
    let gateway = on!(db, |c| sqlx::query_as::<_, Gateway>(
        "select id, environment from gateway where token_digest = $1 and deleted_at is null"
    )
    .bind(&digest)
    .fetch_optional(c))?
    .ok_or(UNKNOWN)?;
    let environment = Environment::of_gateway(&gateway.environment)
        .ok_or_else(|| Error::internal(format!("gateway {} is in no environment", gateway.id)))?;
    Ok(Caller {
        id: gateway.id,
        environment,
        digest,
    })
}
