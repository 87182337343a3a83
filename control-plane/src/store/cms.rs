//! What the portal is made of: a tree of sections, templates (pages, layouts, partials), and files.

pub mod files;
pub mod sections;
pub mod templates;

use crate::db::Tx;
use crate::error::Error;
use crate::{on, run};

/// Whether a page or a file other than this one is found at a path.
///
/// # Errors
/// When the database does not answer.
pub async fn is_taken(tx: &mut Tx, path: &str, but: Place) -> Result<bool, Error> {
    let (page, file) = match but {
        Place::New => (0, 0),
        Place::Page(id) => (id, 0),
        Place::File(id) => (0, id),
    };
    let found: i64 = on!(tx, |c| sqlx::query_scalar(
        "select (select count(*) from cms_template where path = $1 and id <> $2)
              + (select count(*) from cms_file where path = $1 and id <> $3)"
    )
    .bind(path)
    .bind(page)
    .bind(file)
    .fetch_one(c))?;
    Ok(found > 0)
}

/// Whose path it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Nobody's yet.
    New,
    /// The template's with this id.
    Page(i64),
    /// The file's with this id.
    File(i64),
}

/// Which state of templates, files and colours this is: it moves with every write to them.
///
/// # Errors
/// When the database does not answer.
pub async fn revision(tx: &mut Tx) -> Result<i64, Error> {
    Ok(on!(tx, |c| sqlx::query_scalar(
        "select n from cms_revision where one = 1"
    )
    .fetch_one(c))?)
}

/// Moves the revision, in the transaction that writes.
///
/// # Errors
/// When the database does not answer.
pub async fn touch(tx: &mut Tx) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "update cms_revision set n = n + 1 where one = 1"
    )
    .execute(c))?;
    Ok(())
}
