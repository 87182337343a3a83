//! API specifications that the portal shows.

use crate::admin_api::access::Products;
use crate::admin_api::page::Page;
use crate::db::Tx;
use crate::error::Error;
use crate::{on, row, run};

row! {
    /// A specification.
    #[derive(Clone, Debug)]
    pub struct ActiveDoc {
        /// Its id.
        pub id: i64,
        /// Its stable slug.
        pub system_name: String,
        /// Shown to people.
        pub name: String,
        /// Free text.
        pub description: String,
        /// The product it describes, if any.
        pub product_id: Option<i64>,
        /// JSON, as it was uploaded.
        pub body: String,
        /// [`crate::api_spec::Format`]; empty when it was not validated.
        pub format: String,
        /// Whether developers see it.
        pub published: bool,
        /// Whether it is taken as it is.
        pub skip_swagger_validations: bool,
        /// Milliseconds since 1970.
        pub created_at: i64,
        /// Milliseconds since 1970.
        pub updated_at: i64,
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, system_name, name, description, product_id, body, format, published,
                    skip_swagger_validations, created_at, updated_at
             from active_doc ",
            $rest
        )
    };
}

/// A page of those of no product or of one that may be reached, oldest first, and how many there are.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    tx: &mut Tx,
    reach: &Products,
    page: Page,
) -> Result<(Vec<ActiveDoc>, i64), Error> {
    let reach = reach.listed();
    let rows = on!(tx, |c| sqlx::query_as::<_, ActiveDoc>(select!(
        "where $3 is null or product_id is null or $3 like '%,' || product_id || ',%'
         order by id limit $1 offset $2"
    ))
    .bind(page.limit())
    .bind(page.offset())
    .bind(reach.as_deref())
    .fetch_all(c))?;
    let total: i64 = on!(tx, |c| sqlx::query_scalar(
        "select count(*) from active_doc
         where $1 is null or product_id is null or $1 like '%,' || product_id || ',%'"
    )
    .bind(reach.as_deref())
    .fetch_one(c))?;
    Ok((rows, total))
}

/// One.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(tx: &mut Tx, id: i64) -> Result<ActiveDoc, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, ActiveDoc>(select!(
        "where id = $1"
    ))
    .bind(id)
    .fetch_one(c))?)
}

row! {
    /// A specification that developers see, without what it says.
    #[derive(Clone, Debug)]
    pub struct Listed {
        /// Its stable slug.
        pub system_name: String,
        /// Shown to people.
        pub name: String,
        /// Free text.
        pub description: String,
        /// The product it describes, if any.
        pub product_id: Option<i64>,
    }
}

/// Those that developers see, by name.
///
/// # Errors
/// When the database does not answer.
pub async fn published(tx: &mut Tx) -> Result<Vec<Listed>, Error> {
    Ok(on!(tx, |c| {
        sqlx::query_as::<_, Listed>(
        "select system_name, name, description, product_id from active_doc where published order by name, id"
    )
    .fetch_all(c)
    })?)
}

/// One that developers see.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn published_by_name(tx: &mut Tx, system_name: &str) -> Result<ActiveDoc, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, ActiveDoc>(select!(
        "where system_name = $1 and published"
    ))
    .bind(system_name)
    .fetch_one(c))?)
}

/// System names that are taken.
///
/// # Errors
/// When the database does not answer.
pub async fn system_names(tx: &mut Tx) -> Result<Vec<String>, Error> {
    Ok(on!(tx, |c| sqlx::query_scalar(
        "select system_name from active_doc"
    )
    .fetch_all(c))?)
}

/// Writes a new one; its id and times are chosen here.
///
/// # Errors
/// 409 when its system name is taken; when the database does not answer.
pub async fn insert(tx: &mut Tx, doc: &ActiveDoc) -> Result<i64, Error> {
    let now_ms = tx.now_ms().await?;
    Ok(on!(tx, |c| {
        sqlx::query_scalar(
        "insert into active_doc (system_name, name, description, product_id, body, format, published,
                                 skip_swagger_validations, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9) returning id"
    )
    .bind(&doc.system_name)
    .bind(&doc.name)
    .bind(&doc.description)
    .bind(doc.product_id)
    .bind(&doc.body)
    .bind(&doc.format)
    .bind(doc.published)
    .bind(doc.skip_swagger_validations)
    .bind(now_ms)
    .fetch_one(c)
    })?)
}

/// Writes what may change.
///
/// # Errors
/// When the database does not answer.
pub async fn update(tx: &mut Tx, doc: &ActiveDoc) -> Result<(), Error> {
    let now_ms = tx.now_ms().await?;
    run!(tx, |c| {
        sqlx::query(
        "update active_doc set name = $1, description = $2, product_id = $3, body = $4, format = $5, published = $6,
                               skip_swagger_validations = $7, updated_at = $8
         where id = $9"
    )
    .bind(&doc.name)
    .bind(&doc.description)
    .bind(doc.product_id)
    .bind(&doc.body)
    .bind(&doc.format)
    .bind(doc.published)
    .bind(doc.skip_swagger_validations)
    .bind(now_ms)
    .bind(doc.id)
    .execute(c)
    })?;
    Ok(())
}

/// Removes it.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn delete(tx: &mut Tx, id: i64) -> Result<(), Error> {
    let removed = run!(tx, |c| sqlx::query("delete from active_doc where id = $1")
        .bind(id)
        .execute(c))?;
    if removed == 0 {
        return Err(Error::NotFound);
    }
    Ok(())
}
