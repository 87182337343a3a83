//! Service tokens: made with their product, shown in its configurations, checked by digest.

use crate::db::Tx;
use crate::error::Error;
use crate::secrets::{self, SERVICE_TOKEN_VALUE, Secret, Secrets};
use crate::store::service_tokens as rows;

/// Tokens a product may have: enough to give each agent its own.
pub const MOST: usize = 100;

/// Makes a token.
///
/// # Errors
/// 422 when the product has as many as it may.
pub async fn create(
    tx: &mut Tx,
    secrets: &Secrets,
    product_id: i64,
    name: &str,
) -> Result<rows::ServiceToken, Error> {
    if rows::list(tx, product_id).await?.len() >= MOST {
        return Err(Error::invalid(
            "base",
            format!("A product may have {MOST} service tokens: delete those that nobody uses"),
        ));
    }
    let token = secrets::new_service_token();
    let sealed = secrets.seal(SERVICE_TOKEN_VALUE, &token)?;
    let digest = secrets::token_digest(token.reveal());
    let id = rows::insert(tx, product_id, name, &digest, &sealed).await?;
    rows::get(tx, product_id, id).await
}

/// Makes a product's first token, if it has none.
///
/// # Errors
/// When the database does not answer.
pub async fn ensure(tx: &mut Tx, secrets: &Secrets, product_id: i64) -> Result<(), Error> {
    if rows::list(tx, product_id).await?.is_empty() {
        create(tx, secrets, product_id, "default").await?;
    }
    Ok(())
}

/// What agents are told to call with: the oldest token there is.
///
/// # Errors
/// When it was sealed with another key.
pub async fn current(
    tx: &mut Tx,
    secrets: &Secrets,
    product_id: i64,
) -> Result<Option<Secret>, Error> {
    let tokens = rows::list(tx, product_id).await?;
    tokens
        .first()
        .map(|token| value(secrets, token))
        .transpose()
}

/// A token's value.
///
/// # Errors
/// When it was sealed with another key.
pub fn value(secrets: &Secrets, token: &rows::ServiceToken) -> Result<Secret, Error> {
    Ok(secrets.open(SERVICE_TOKEN_VALUE, &token.value)?)
}
