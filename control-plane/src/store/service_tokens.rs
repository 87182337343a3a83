//! Service tokens: what a product's Service Management API is called with.

use crate::db::Tx;
use crate::error::Error;
use crate::{on, row, run};

row! {
    /// A service token.
    #[derive(Clone, Debug)]
    pub struct ServiceToken {
        /// Its id.
        pub id: i64,
        /// The product whose applications it may ask about.
        pub product_id: i64,
        /// What the provider calls it.
        pub name: String,
        /// Its value, sealed.
        pub value: Vec<u8>,
        /// Milliseconds since 1970.
        pub created_at: i64,
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, product_id, name, value, created_at from service_token ",
            $rest
        )
    };
}

/// All tokens of a product, oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(tx: &mut Tx, product_id: i64) -> Result<Vec<ServiceToken>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, ServiceToken>(select!(
        "where product_id = $1 order by id"
    ))
    .bind(product_id)
    .fetch_all(c))?)
}

/// One token of a product.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(tx: &mut Tx, product_id: i64, id: i64) -> Result<ServiceToken, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, ServiceToken>(select!(
        "where product_id = $1 and id = $2"
    ))
    .bind(product_id)
    .bind(id)
    .fetch_one(c))?)
}

/// Writes a new token.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(
    tx: &mut Tx,
    product_id: i64,
    name: &str,
    digest: &[u8],
    value: &[u8],
) -> Result<i64, Error> {
    let now = tx.now_ms().await?;
    Ok(on!(tx, |c| {
        sqlx::query_scalar::<_, i64>(
        "insert into service_token (product_id, name, digest, value, created_at) values ($1, $2, $3, $4, $5) returning id"
    )
    .bind(product_id)
    .bind(name)
    .bind(digest)
    .bind(value)
    .bind(now)
    .fetch_one(c)
    })?)
}

/// Removes a token; it works no longer.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn delete(tx: &mut Tx, product_id: i64, id: i64) -> Result<(), Error> {
    let deleted = run!(tx, |c| sqlx::query(
        "delete from service_token where product_id = $1 and id = $2"
    )
    .bind(product_id)
    .bind(id)
    .execute(c))?;
    if deleted == 0 {
        return Err(Error::NotFound);
    }
    Ok(())
}

/// Whether a token is one of this product, which is not deleted.
///
/// # Errors
/// When the database does not answer.
pub async fn is_of(tx: &mut Tx, product_id: i64, digest: &[u8]) -> Result<bool, Error> {
    let found: Option<i64> = on!(tx, |c| {
        sqlx::query_scalar(
            "select service_token.id from service_token
         join product on product.id = service_token.product_id and product.deleted_at is null
         where digest = $1 and product_id = $2",
        )
        .bind(digest)
        .bind(product_id)
        .fetch_optional(c)
    })?;
    Ok(found.is_some())
}

/// SHA-256 of the provider key.
///
/// # Errors
/// When the database does not answer.
pub async fn provider_key_digest(tx: &mut Tx) -> Result<Option<Vec<u8>>, Error> {
    Ok(on!(tx, |c| sqlx::query_scalar(
        "select key_digest from provider"
    )
    .fetch_optional(c))?)
}

/// The ids of the first two products: one alone needs no name.
///
/// # Errors
/// When the database does not answer.
pub async fn first_products(tx: &mut Tx) -> Result<Vec<i64>, Error> {
    Ok(on!(tx, |c| sqlx::query_scalar(
        "select id from product where deleted_at is null order by id limit 2"
    )
    .fetch_all(c))?)
}
