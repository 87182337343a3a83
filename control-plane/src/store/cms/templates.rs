//! Pages, layouts and partials: a draft, what is published, and what was.

use crate::admin_api::page::Page;
use crate::db::Tx;
use crate::error::Error;
use crate::store::cms::touch;
use crate::{on, row, run};

row! {
    /// A template.
    #[derive(Clone, Debug)]
    pub struct Template {
        /// Its id.
        pub id: i64,
        /// `page`, `layout`, `partial`; `builtin_page`, `builtin_partial`, `email_template` for what comes with the program.
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
        /// What went wrong when it was last shown; empty when nothing did.
        pub problem: String,
        /// Milliseconds since 1970.
        pub created_at: i64,
        /// Milliseconds since 1970.
        pub updated_at: i64,
    }
}

row! {
    /// What was published once.
    #[derive(Clone, Debug)]
    pub struct Version {
        /// Its id.
        pub id: i64,
        /// Its text.
        pub content: String,
        /// When it was published, milliseconds since 1970.
        pub created_at: i64,
    }
}

row! {
    /// A text in force.
    #[derive(Clone, Debug)]
    pub struct InForce {
        /// The template's id.
        pub id: i64,
        /// Its type.
        pub kind: String,
        /// Its slug.
        pub system_name: String,
        /// Its text; none when the shipped one is in force.
        pub text: Option<String>,
        /// Whether Liquid runs over it.
        pub liquid_enabled: bool,
        /// `markdown`, `textile` or empty.
        pub handler: String,
        /// The layout's slug, if it stands in one.
        pub layout: Option<String>,
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

/// How many published versions of a template are kept.
const VERSIONS_KEPT: i64 = 100;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, type as kind, system_name, title, path, section_id, layout_id, content_type, liquid_enabled, handler,
                    draft, published, problem, created_at, updated_at
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

/// A page by its path.
///
/// # Errors
/// When the database does not answer.
pub async fn find_path(tx: &mut Tx, path: &str) -> Result<Option<Template>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, Template>(select!(
        "where type = 'page' and path = $1"
    ))
    .bind(path)
    .fetch_optional(c))?)
}

/// All that is published, or drafted too for a preview.
///
/// # Errors
/// When the database does not answer.
pub async fn in_force(tx: &mut Tx, drafts: bool) -> Result<Vec<InForce>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, InForce>(
        "select t.id, t.type as kind, t.system_name,
                case when $1 then coalesce(t.draft, t.published) else t.published end as text,
                t.liquid_enabled, t.handler, l.system_name as layout
         from cms_template t left join cms_template l on l.id = t.layout_id
         where t.published is not null or t.layout_id is not null or ($1 and t.draft is not null)
         order by t.id"
    )
    .bind(drafts)
    .fetch_all(c))?)
}

/// Makes the row of a template that comes with the program, unless there is one.
///
/// # Errors
/// When the database does not answer.
pub async fn ensure(tx: &mut Tx, kind: &str, system_name: &str, title: &str) -> Result<(), Error> {
    let now_ms = tx.now_ms().await?;
    run!(tx, |c| {
        sqlx::query(
        "insert into cms_template (type, system_name, title, created_at, updated_at) values ($1, $2, $3, $4, $4)
         on conflict (type, system_name) do nothing"
    )
    .bind(kind)
    .bind(system_name)
    .bind(title)
    .bind(now_ms)
    .execute(c)
    })?;
    Ok(())
}

/// Notes what went wrong with it, unless it was changed since.
///
/// # Errors
/// When the database does not answer.
pub async fn note_problem(tx: &mut Tx, id: i64, text: &str, problem: &str) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "update cms_template set problem = $1 where id = $2 and published = $3"
    )
    .bind(problem)
    .bind(id)
    .bind(text)
    .execute(c))?;
    Ok(())
}

/// What was published of it, newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn versions(tx: &mut Tx, id: i64, page: Page) -> Result<(Vec<Version>, i64), Error> {
    let rows = on!(tx, |c| {
        sqlx::query_as::<_, Version>(
        "select id, content, created_at from cms_version where template_id = $1 order by id desc limit $2 offset $3"
    )
    .bind(id)
    .bind(page.limit())
    .bind(page.offset())
    .fetch_all(c)
    })?;
    let total: i64 = on!(tx, |c| sqlx::query_scalar(
        "select count(*) from cms_version where template_id = $1"
    )
    .bind(id)
    .fetch_one(c))?;
    Ok((rows, total))
}

/// One of them.
///
/// # Errors
/// When the database does not answer.
pub async fn version(tx: &mut Tx, id: i64, version_id: i64) -> Result<Option<Version>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, Version>(
        "select id, content, created_at from cms_version where template_id = $1 and id = $2"
    )
    .bind(id)
    .bind(version_id)
    .fetch_optional(c))?)
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
    touch(tx).await?;
    let now_ms = tx.now_ms().await?;
    run!(tx, |c| {
        sqlx::query(
        "update cms_template set system_name = $1, title = $2, path = $3, section_id = $4, layout_id = $5,
                content_type = $6, liquid_enabled = $7, handler = $8, draft = $9, published = $10, updated_at = $11,
                problem = $12
         where id = $13"
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
    .bind(&template.problem)
    .bind(template.id)
    .execute(c)
    })?;
    Ok(())
}

/// A text becomes what developers see, and is kept as a version.
///
/// # Errors
/// When the database does not answer.
pub async fn publish(tx: &mut Tx, mut template: Template, text: String) -> Result<(), Error> {
    let now_ms = tx.now_ms().await?;
    run!(tx, |c| sqlx::query(
        "insert into cms_version (template_id, content, created_at) values ($1, $2, $3)"
    )
    .bind(template.id)
    .bind(&text)
    .bind(now_ms)
    .execute(c))?;
    run!(tx, |c| sqlx::query(
        "delete from cms_version where template_id = $1 and id not in
             (select id from cms_version where template_id = $1 order by id desc limit $2)"
    )
    .bind(template.id)
    .bind(VERSIONS_KEPT)
    .execute(c))?;
    template.published = Some(text);
    template.problem.clear();
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
    touch(tx).await?;
    for sql in [
        "delete from cms_version where template_id = $1",
        "delete from cms_template where id = $1",
    ] {
        run!(tx, |c| sqlx::query(sql).bind(id).execute(c))?;
    }
    Ok(())
}
