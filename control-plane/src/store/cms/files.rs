//! Files: images, stylesheets, scripts. They are rows, so that every replica has them.

use crate::admin_api::page::Page;
use crate::db::Tx;
use crate::error::Error;
use crate::{on, row, run};

row! {
    /// A file, without its content.
    #[derive(Clone, Debug)]
    pub struct File {
        /// Its id.
        pub id: i64,
        /// Its section.
        pub section_id: i64,
        /// Where it is found.
        pub path: String,
        /// The uploaded file's own name.
        pub title: String,
        /// Its media type.
        pub content_type: String,
        /// Whether browsers save it instead of showing it.
        pub downloadable: bool,
        /// Milliseconds since 1970.
        pub created_at: i64,
        /// Milliseconds since 1970.
        pub updated_at: i64,
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, section_id, path, title, content_type, downloadable, created_at, updated_at from cms_file ",
            $rest
        )
    };
}

/// A page of them, oldest first, and how many there are; of one section or of all.
///
/// # Errors
/// When the database does not answer.
pub async fn page(
    tx: &mut Tx,
    section_id: Option<i64>,
    page: Page,
) -> Result<(Vec<File>, i64), Error> {
    let section = section_id.unwrap_or(0);
    let rows = on!(tx, |c| sqlx::query_as::<_, File>(select!(
        "where ($1 = 0 or section_id = $1) order by id limit $2 offset $3"
    ))
    .bind(section)
    .bind(page.limit())
    .bind(page.offset())
    .fetch_all(c))?;
    let total: i64 = on!(tx, |c| sqlx::query_scalar(
        "select count(*) from cms_file where ($1 = 0 or section_id = $1)"
    )
    .bind(section)
    .fetch_one(c))?;
    Ok((rows, total))
}

/// One.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(tx: &mut Tx, id: i64) -> Result<File, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, File>(select!(
        "where id = $1"
    ))
    .bind(id)
    .fetch_one(c))?)
}

/// One by its path.
///
/// # Errors
/// When the database does not answer.
pub async fn find_path(tx: &mut Tx, path: &str) -> Result<Option<File>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, File>(select!(
        "where path = $1"
    ))
    .bind(path)
    .fetch_optional(c))?)
}

/// What is in it.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn content(tx: &mut Tx, id: i64) -> Result<Vec<u8>, Error> {
    Ok(on!(tx, |c| sqlx::query_scalar(
        "select content from cms_file where id = $1"
    )
    .bind(id)
    .fetch_one(c))?)
}

/// Writes a new one; its id and times are chosen here.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(tx: &mut Tx, file: &File, content: &[u8]) -> Result<i64, Error> {
    let now_ms = tx.now_ms().await?;
    Ok(on!(tx, |c| {
        sqlx::query_scalar(
        "insert into cms_file (section_id, path, title, content_type, downloadable, content, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $7) returning id"
    )
    .bind(file.section_id)
    .bind(&file.path)
    .bind(&file.title)
    .bind(&file.content_type)
    .bind(file.downloadable)
    .bind(content)
    .bind(now_ms)
    .fetch_one(c)
    })?)
}

/// Writes what may change; the content, when there is another.
///
/// # Errors
/// When the database does not answer.
pub async fn update(tx: &mut Tx, file: &File, content: Option<&[u8]>) -> Result<(), Error> {
    let now_ms = tx.now_ms().await?;
    run!(tx, |c| {
        sqlx::query(
        "update cms_file set section_id = $1, path = $2, title = $3, content_type = $4, downloadable = $5,
                content = coalesce($6, content), updated_at = $7
         where id = $8"
    )
    .bind(file.section_id)
    .bind(&file.path)
    .bind(&file.title)
    .bind(&file.content_type)
    .bind(file.downloadable)
    .bind(content)
    .bind(now_ms)
    .bind(file.id)
    .execute(c)
    })?;
    Ok(())
}

/// Removes it.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn delete(tx: &mut Tx, id: i64) -> Result<(), Error> {
    let removed = run!(tx, |c| sqlx::query("delete from cms_file where id = $1")
        .bind(id)
        .execute(c))?;
    if removed == 0 {
        return Err(Error::NotFound);
    }
    Ok(())
}
