//! Which templates are in force: those that come with the program, and over them what the provider has published.
//!
//! A template's name is its kind and its system name, as in `pages/login`, `layouts/main_layout`, `emails/invitation`.

use crate::db::Tx;
use crate::error::Error;
use crate::liquid::{Engine, Problem, Templates};
use liquid_core::model::Object;
use rust_embed::RustEmbed;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// What comes with the program. Debug builds read the folder anew, so that a page changes without a build.
#[derive(RustEmbed)]
#[folder = "portal/"]
#[include = "*.liquid"]
struct Shipped;

/// The templates in force, shared by all that renders.
#[derive(Clone, Debug, Default)]
pub struct Site {
    kept: Arc<RwLock<Option<Arc<Templates>>>>,
}

impl Site {
    /// The templates in force now.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn templates(&self, _tx: &mut Tx) -> Result<Arc<Templates>, Error> {
        if !cfg!(debug_assertions)
            && let Some(kept) = self
                .kept
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .clone()
        {
            return Ok(kept);
        }
        let templates = Arc::new(Engine::load(shipped()));
        *self.kept.write().unwrap_or_else(PoisonError::into_inner) = Some(templates.clone());
        Ok(templates)
    }
}

/// Renders a page within its layout, which has the page as `content`.
///
/// # Errors
/// What is wrong with either.
pub fn render_page(
    templates: &Templates,
    page: &str,
    layout: &str,
    globals: &mut Object,
) -> Result<String, Problem> {
    let content = templates.render(page, globals)?;
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
