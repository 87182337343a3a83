//! Pages, layouts and partials: a draft, what is published, and what was.

use crate::admin_api::page::Page;
use crate::db::Tx;
use crate::error::Error;
use crate::{on, row, run};

row! {
    /// A template.
    #[derive(Clone, Debug)]
    pub struct Template {
        /// Its id.
        pub id: i64,
        /// `page`, `layout` or `partial`.
        pub kind: String,
        /// Its slug.
        pub system_name: String,
        /// Shown to people.
        pub title: String,
        /// Where a page is found.
        pub path: Option<String>,
        /// A page's section.
        pub section_id: Option<i64>,
        /// What a page stands in.
        pub layout_id: Option<i64>,
        /// A page's media type.
        pub content_type: String,
        /// Whether Liquid runs over it.
        pub liquid_enabled: bool,
        /// `markdown`, `textile` or empty.
        pub handler: String,
        /// What is to be published next.
        pub draft: Option<String>,
        /// What developers see.
        pub published: Option<String>,
        /// Milliseconds since 1970.
        pub created_at: i64,
        /// Milliseconds since 1970.
        pub updated_at: i64,
    }
}

/// Which templates are listed.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of this type.
    pub kind: Option<String>,
    /// In this section.
    pub section_id: Option<i64>,
}

/// What was published.
const VERSIONS_KEPT: i64 = 100;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, type as kind, system_name, title, path, section_id, layout_id, content_type, liquid_enabled, handler,
                    draft, published, created_at, updated_at
             from cms_template ",
            $rest
        )
    };
}

/// A page of them, oldest first, and how many there are.
///
/// # Errors
/// When the database does not answer.
pub async fn page(tx: &mut Tx, filter: &Filter, page: Page) -> Result<(Vec<Template>, i64), Error> {
    let kind = filter.kind.as_deref().unwrap_or("");
    let section = filter.section_id.unwrap_or(0);
    let rows = on!(tx, |c| {
        sqlx::query_as::<_, Template>(select!(
        "where ($1 = '' or type = $1) and ($2 = 0 or section_id = $2) order by id limit $3 offset $4"
    ))
    .bind(kind)
    .bind(section)
    .bind(page.limit())
    .bind(page.offset())
    .fetch_all(c)
    })?;
    let total: i64 = on!(tx, |c| {
        sqlx::query_scalar(
        "select count(*) from cms_template where ($1 = '' or type = $1) and ($2 = 0 or section_id = $2)"
    )
    .bind(kind)
    .bind(section)
    .fetch_one(c)
    })?;
    Ok((rows, total))
}

/// One.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(tx: &mut Tx, id: i64) -> Result<Template, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, Template>(select!(
        "where id = $1"
    ))
    .bind(id)
    .fetch_one(c))?)
}

/// One by type and system name.
///
/// # Errors
/// When the database does not answer.
pub async fn find(tx: &mut Tx, kind: &str, system_name: &str) -> Result<Option<Template>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, Template>(select!(
        "where type = $1 and system_name = $2"
    ))
    .bind(kind)
    .bind(system_name)
    .fetch_optional(c))?)
}

/// System names of a type, but one template's.
///
/// # Errors
/// When the database does not answer.
pub async fn system_names(tx: &mut Tx, kind: &str, but: i64) -> Result<Vec<String>, Error> {
    Ok(on!(tx, |c| sqlx::query_scalar(
        "select system_name from cms_template where type = $1 and id <> $2"
    )
    .bind(kind)
    .bind(but)
    .fetch_all(c))?)
}

/// Writes a new one; its id and times are chosen here.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(tx: &mut Tx, template: &Template) -> Result<i64, Error> {
    let now_ms = tx.now_ms().await?;
    Ok(on!(tx, |c| {
        sqlx::query_scalar(
        "insert into cms_template (type, system_name, title, path, section_id, layout_id, content_type, liquid_enabled,
                                   handler, draft, published, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12) returning id"
    )
    .bind(&template.kind)
    .bind(&template.system_name)
    .bind(&template.title)
    .bind(&template.path)
    .bind(template.section_id)
    .bind(template.layout_id)
    .bind(&template.content_type)
    .bind(template.liquid_enabled)
    .bind(&template.handler)
    .bind(&template.draft)
    .bind(&template.published)
    .bind(now_ms)
    .fetch_one(c)
    })?)
}

/// Writes what may change.
///
/// # Errors
/// When the database does not answer.
pub async fn update(tx: &mut Tx, template: &Template) -> Result<(), Error> {
    let now_ms = tx.now_ms().await?;
    run!(tx, |c| {
        sqlx::query(
        "update cms_template set system_name = $1, title = $2, path = $3, section_id = $4, layout_id = $5,
                content_type = $6, liquid_enabled = $7, handler = $8, draft = $9, published = $10, updated_at = $11
         where id = $12"
    )
    .bind(&template.system_name)
    .bind(&template.title)
    .bind(&template.path)
    .bind(template.section_id)
    .bind(template.layout_id)
    .bind(&template.content_type)
    .bind(template.liquid_enabled)
    .bind(&template.handler)
    .bind(&template.draft)
    .bind(&template.published)
    .bind(now_ms)
    .bind(template.id)
    .execute(c)
    })?;
    Ok(())
}

/// The draft becomes what developers see, and is kept as a version.
///
/// # Errors
/// When the database does not answer.
pub async fn publish(tx: &mut Tx, mut template: Template, draft: String) -> Result<(), Error> {
    let now_ms = tx.now_ms().await?;
    run!(tx, |c| sqlx::query(
        "insert into cms_version (template_id, content, created_at) values ($1, $2, $3)"
    )
    .bind(template.id)
    .bind(&draft)
    .bind(now_ms)
    .execute(c))?;
    run!(tx, |c| sqlx::query(
        "delete from cms_version where template_id = $1 and id not in
             (select id from cms_version where template_id = $1 order by id desc limit $2)"
    )
    .bind(template.id)
    .bind(VERSIONS_KEPT)
    .execute(c))?;
    template.published = Some(draft);
    template.draft = None;
    update(tx, &template).await
}

/// How many pages stand in a layout.
///
/// # Errors
/// When the database does not answer.
pub async fn count_in_layout(tx: &mut Tx, layout_id: i64) -> Result<i64, Error> {
    Ok(on!(tx, |c| sqlx::query_scalar(
        "select count(*) from cms_template where layout_id = $1"
    )
    .bind(layout_id)
    .fetch_one(c))?)
}

/// Removes it and its versions.
///
/// # Errors
/// When the database does not answer.
pub async fn delete(tx: &mut Tx, id: i64) -> Result<(), Error> {
    for sql in [
        "delete from cms_version where template_id = $1",
        "delete from cms_template where id = $1",
    ] {
        run!(tx, |c| sqlx::query(sql).bind(id).execute(c))?;
    }
    Ok(())
}
