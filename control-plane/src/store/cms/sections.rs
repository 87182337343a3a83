//! Sections: a tree, whose root is always there.

use crate::admin_api::page::Page;
use crate::db::Tx;
use crate::error::Error;
use crate::{on, row, run};

/// The root's system name.
pub const ROOT: &str = "root";

row! {
    /// A section.
    #[derive(Clone, Debug)]
    pub struct Section {
        /// Its id.
        pub id: i64,
        /// None for the root alone.
        pub parent_id: Option<i64>,
        /// Shown to people.
        pub title: String,
        /// Its slug.
        pub system_name: String,
        /// Its part of paths.
        pub partial_path: String,
        /// Whether everybody may read what is in it.
        pub public: bool,
        /// Milliseconds since 1970.
        pub created_at: i64,
        /// Milliseconds since 1970.
        pub updated_at: i64,
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, parent_id, title, system_name, partial_path, public, created_at, updated_at from cms_section ",
            $rest
        )
    };
}

/// A page of all, oldest first, and how many there are.
///
/// # Errors
/// When the database does not answer.
pub async fn page(tx: &mut Tx, page: Page) -> Result<(Vec<Section>, i64), Error> {
    let rows = on!(tx, |c| sqlx::query_as::<_, Section>(select!(
        "order by id limit $1 offset $2"
    ))
    .bind(page.limit())
    .bind(page.offset())
    .fetch_all(c))?;
    let total: i64 = on!(tx, |c| sqlx::query_scalar(
        "select count(*) from cms_section"
    )
    .fetch_one(c))?;
    Ok((rows, total))
}

/// One.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(tx: &mut Tx, id: i64) -> Result<Section, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, Section>(select!(
        "where id = $1"
    ))
    .bind(id)
    .fetch_one(c))?)
}

/// One by its system name.
///
/// # Errors
/// When the database does not answer.
pub async fn find(tx: &mut Tx, system_name: &str) -> Result<Option<Section>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, Section>(select!(
        "where system_name = $1"
    ))
    .bind(system_name)
    .fetch_optional(c))?)
}

/// All system names.
///
/// # Errors
/// When the database does not answer.
pub async fn system_names(tx: &mut Tx) -> Result<Vec<String>, Error> {
    Ok(on!(tx, |c| sqlx::query_scalar(
        "select system_name from cms_section"
    )
    .fetch_all(c))?)
}

/// Whether another section below the same parent has this title.
///
/// # Errors
/// When the database does not answer.
pub async fn is_title_taken(tx: &mut Tx, section: &Section) -> Result<bool, Error> {
    let found: i64 = on!(tx, |c| {
        sqlx::query_scalar(
        "select count(*) from cms_section where coalesce(parent_id, 0) = $1 and title = $2 and id <> $3"
    )
    .bind(section.parent_id.unwrap_or(0))
    .bind(&section.title)
    .bind(section.id)
    .fetch_one(c)
    })?;
    Ok(found > 0)
}

/// The ids from a section up to the root, itself first.
///
/// # Errors
/// When the database does not answer.
pub async fn ancestry(tx: &mut Tx, id: i64) -> Result<Vec<i64>, Error> {
    Ok(on!(tx, |c| {
        sqlx::query_scalar(
        "with recursive line (id, parent_id, depth) as (
             select id, parent_id, 0 from cms_section where id = $1
             union all
             select s.id, s.parent_id, l.depth + 1 from cms_section s join line l on s.id = l.parent_id
             where l.depth < 1000
         )
         select id from line order by depth"
    )
    .bind(id)
    .fetch_all(c)
    })?)
}

/// Writes a new one; its id and times are chosen here.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(tx: &mut Tx, section: &Section) -> Result<i64, Error> {
    let now_ms = tx.now_ms().await?;
    Ok(on!(tx, |c| {
        sqlx::query_scalar(
        "insert into cms_section (parent_id, title, system_name, partial_path, public, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $6) returning id"
    )
    .bind(section.parent_id)
    .bind(&section.title)
    .bind(&section.system_name)
    .bind(&section.partial_path)
    .bind(section.public)
    .bind(now_ms)
    .fetch_one(c)
    })?)
}

/// Writes what may change.
///
/// # Errors
/// When the database does not answer.
pub async fn update(tx: &mut Tx, section: &Section) -> Result<(), Error> {
    let now_ms = tx.now_ms().await?;
    run!(tx, |c| {
        sqlx::query(
        "update cms_section set parent_id = $1, title = $2, system_name = $3, partial_path = $4, public = $5, updated_at = $6
         where id = $7"
    )
    .bind(section.parent_id)
    .bind(&section.title)
    .bind(&section.system_name)
    .bind(&section.partial_path)
    .bind(section.public)
    .bind(now_ms)
    .bind(section.id)
    .execute(c)
    })?;
    Ok(())
}

/// Removes it; what is in it goes to `heir`.
///
/// # Errors
/// 409 when a section below has the title of one in `heir`.
pub async fn delete(tx: &mut Tx, id: i64, heir: i64) -> Result<(), Error> {
    for sql in [
        "update cms_template set section_id = $2 where section_id = $1",
        "update cms_file set section_id = $2 where section_id = $1",
        "update cms_section set parent_id = $2 where parent_id = $1",
    ] {
        run!(tx, |c| sqlx::query(sql).bind(id).bind(heir).execute(c))?;
    }
    run!(tx, |c| sqlx::query("delete from cms_section where id = $1")
        .bind(id)
        .execute(c))?;
    Ok(())
}
