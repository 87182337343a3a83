//! Which templates are in force: those that come with the program, and over them what the provider has published.
//!
//! A template's name is its kind and its system name, as in `pages/login`, `layouts/main_layout`, `emails/invitation`
//! (`kind`). They are compiled when they are first needed, and kept until a write to what the portal is made of moves the
//! revision, so that all replicas show a change with their next page. A template of the provider's that fails when it is
//! rendered is shown as it was shipped; what went wrong is logged, and told by the API ([`Site::tell`]).

pub mod kind;
mod markdown;

use crate::db::{Db, Tx};
use crate::error::Error;
use crate::liquid::{Engine, Problem, Templates, Text};
use crate::store::cms;
use crate::store::cms::templates as rows;
use liquid_core::model::Object;
use rust_embed::RustEmbed;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// What comes with the program. Debug builds read the folder anew, so that a page changes without a build.
#[derive(RustEmbed)]
#[folder = "portal/"]
#[include = "*.liquid"]
struct Shipped;

/// The templates in force, shared by all that renders.
#[derive(Clone, Debug, Default)]
pub struct Site {
    kept: Arc<RwLock<Option<Kept>>>,
    is_installed: Arc<AtomicBool>,
}

#[derive(Clone, Debug)]
struct Kept {
    revision: i64,
    shipped: Arc<Templates>,
    in_force: Arc<InForce>,
}

/// Templates in force, and what is known of those that are the provider's.
#[derive(Debug)]
pub struct InForce {
    templates: Templates,
    own: BTreeMap<String, Own>,
}

/// A template of the provider's.
#[derive(Debug)]
struct Own {
    id: i64,
    text: String,
    layout: Option<String>,
}

impl Site {
    /// The templates in force now.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn templates(&self, tx: &mut Tx) -> Result<Arc<InForce>, Error> {
        let revision = cms::revision(tx).await?;
        let kept = self
            .kept
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
            .filter(|_| !cfg!(debug_assertions));
        let shipped = match kept {
            Some(kept) if kept.revision == revision => return Ok(kept.in_force),
            Some(kept) => kept.shipped,
            None => Arc::new(Engine::load(shipped())),
        };
        let rows = rows::in_force(tx, false).await?;
        let in_force = Arc::new(InForce::new(rows, Arc::clone(&shipped)));
        *self.kept.write().unwrap_or_else(PoisonError::into_inner) = Some(Kept {
            revision,
            shipped,
            in_force: Arc::clone(&in_force),
        });
        Ok(in_force)
    }

    /// The templates with all drafts, as if they were published: for previews.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn drafts(&self, tx: &mut Tx) -> Result<Arc<InForce>, Error> {
        let rows = rows::in_force(tx, true).await?;
        let shipped = Arc::new(Engine::load(shipped()));
        Ok(Arc::new(InForce::new(rows, shipped)))
    }

    /// Writes down what went wrong while templates were rendered. What went wrong here is only logged.
    pub async fn tell(&self, db: &Db, in_force: &InForce) {
        for problem in in_force.templates.take_problems() {
            tracing::error!(
                template = problem.template,
                problem = problem.message,
                "a template fails"
            );
            let Some(own) = in_force.own.get(&problem.template) else {
                continue;
            };
            let noted = async {
                let mut tx = db.begin_aside().await?;
                rows::note_problem(&mut tx, own.id, &own.text, &problem.message).await?;
                tx.commit().await
            };
            if let Err(error) = noted.await {
                tracing::warn!(%error, "a template's problem is not written down");
            }
        }
    }

    /// Makes the rows of the templates that come with the program, once in this process.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn install(&self, db: &Db) -> Result<(), Error> {
        if self.is_installed.load(Ordering::Relaxed) {
            return Ok(());
        }
        let mut tx = db.begin_aside().await?;
        Self::install_in(&mut tx).await?;
        tx.commit().await?;
        self.is_installed.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// The same in a transaction that is under way.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn install_in(tx: &mut Tx) -> Result<(), Error> {
        for name in shipped().keys() {
            if let Some((kind, system_name)) = kind::of(name) {
                rows::ensure(tx, kind, system_name, &kind::title(system_name)).await?;
            }
        }
        Ok(())
    }
}

impl InForce {
    fn new(rows: Vec<rows::InForce>, shipped: Arc<Templates>) -> Self {
        let mut texts = BTreeMap::new();
        let mut own = BTreeMap::new();
        for row in rows {
            let name = kind::name(&row.kind, &row.system_name);
            if let Some(text) = &row.text {
                let html = html(&row.handler, text);
                let text = match row.liquid_enabled {
                    true => Text::Liquid(html),
                    false => Text::Plain(html),
                };
                texts.insert(name.clone(), text);
            }
            let row = Own {
                id: row.id,
                text: row.text.unwrap_or_default(),
                layout: row.layout,
            };
            own.insert(name, row);
        }
        Self {
            templates: Templates::new(texts, Some(shipped)),
            own,
        }
    }

    /// The layout that the provider chose for a page, if any.
    #[must_use]
    pub fn layout(&self, page: &str) -> Option<String> {
        let layout = self.own.get(page)?.layout.as_ref()?;
        Some(kind::name(kind::LAYOUT, layout))
    }
}

impl Deref for InForce {
    type Target = Templates;

    fn deref(&self) -> &Templates {
        &self.templates
    }
}

fn html(handler: &str, text: &str) -> String {
    match handler {
        "markdown" => markdown::html(text),
        _ => text.to_owned(),
    }
}

/// Whether a text written in this (blank: HTML) is a template.
///
/// # Errors
/// What is wrong with it, as in `line 3: …`.
pub fn check(handler: &str, text: &str) -> Result<(), String> {
    Engine::check("draft", &html(handler, text)).map_err(|problem| problem.message)
}

/// Renders a page within its layout, if it has one, which has the page as `content`.
///
/// # Errors
/// What is wrong with either.
pub fn render_page(
    templates: &Templates,
    page: &str,
    layout: Option<&str>,
    globals: &mut Object,
) -> Result<String, Problem> {
    let content = templates.render(page, globals)?;
    let Some(layout) = layout else {
        return Ok(content);
    };
    globals.insert("content".into(), liquid_core::model::Value::scalar(content));
    templates.render(layout, globals)
}

/// The texts that come with the program, by name.
#[must_use]
pub fn shipped() -> BTreeMap<String, String> {
    Shipped::iter()
        .filter_map(|path| {
            let name = path.strip_suffix(".liquid")?.to_owned();
            let file = Shipped::get(&path)?;
            Some((name, String::from_utf8_lossy(&file.data).into_owned()))
        })
        .collect()
}

/// The text of one of them.
#[must_use]
pub fn shipped_text(kind: &str, system_name: &str) -> Option<String> {
    let path = format!("{}.liquid", kind::name(kind, system_name));
    let file = Shipped::get(&path)?;
    Some(String::from_utf8_lossy(&file.data).into_owned())
}
