//! Parses templates, and renders them within bounds.

use super::bounds::{self, Bounded, OUTPUT_BYTES};
use super::language::language;
use super::runtime::{Globals, refuse};
use liquid_core::model::Object;
use liquid_core::runtime::{PartialStore, Renderable};
use liquid_core::{Language, Template};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock, OnceLock};

/// What is wrong with a template, told to whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{template}: {message}")]
pub struct Problem {
    /// The template's name.
    pub template: String,
    /// What is wrong, and where: `line 3: …` when that is known.
    pub message: String,
}

/// Where templates are taken in.
#[derive(Debug, Default)]
pub struct Engine;

/// Templates that may include each other. Each is parsed once, when it is first needed.
#[derive(Debug, Default)]
pub struct Templates {
    by_name: BTreeMap<String, Source>,
}

#[derive(Debug)]
struct Source {
    text: String,
    parsed: OnceLock<Result<Arc<Template>, String>>,
}

static LANGUAGE: LazyLock<Language> = LazyLock::new(language);

impl Engine {
    /// Takes in templates by name, as in `pages/login`. What is below `partials/` can be included, by the rest of its name.
    #[must_use]
    pub fn load(sources: BTreeMap<String, String>) -> Templates {
        let source = |text| Source {
            text,
            parsed: OnceLock::new(),
        };
        Templates {
            by_name: sources
                .into_iter()
                .map(|(name, text)| (name, source(text)))
                .collect(),
        }
    }

    /// Whether a text is a template.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(name: &str, source: &str) -> Result<(), Problem> {
        parse(source).map(drop).map_err(|message| Problem {
            template: name.into(),
            message,
        })
    }
}

impl Templates {
    /// Whether there is such a template.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// Renders a template.
    ///
    /// # Errors
    /// When there is no such template, when it cannot be parsed, or goes beyond the bounds.
    pub fn render(&self, name: &str, globals: &Object) -> Result<String, Problem> {
        let problem = |message: String| Problem {
            template: name.into(),
            message,
        };
        let template = self
            .parsed(name)
            .ok_or_else(|| problem("there is no such template".into()))?
            .map_err(problem)?;
        guarded(|| {
            let runtime = Globals::new(globals, self);
            let deadline = bounds::begin(&runtime);
            let mut output = Bounded::new(OUTPUT_BYTES, Some(deadline));
            template
                .render_to(&mut output, &runtime)
                .map_err(|error| message(&error))?;
            Ok(output.into_text())
        })
        .map_err(problem)
    }

    fn parsed(&self, name: &str) -> Option<Result<Arc<Template>, String>> {
        let source = self.by_name.get(name)?;
        let parsed = source
            .parsed
            .get_or_init(|| parse(&source.text).map(Arc::new));
        Some(parsed.clone())
    }
}

impl PartialStore for Templates {
    fn contains(&self, name: &str) -> bool {
        self.has(&format!("partials/{name}"))
    }

    fn names(&self) -> Vec<&str> {
        self.by_name
            .keys()
            .filter_map(|name| name.strip_prefix("partials/"))
            .collect()
    }

    fn try_get(&self, name: &str) -> Option<Arc<dyn Renderable>> {
        self.get(name).ok()
    }

    fn get(&self, name: &str) -> liquid_core::Result<Arc<dyn Renderable>> {
        match self.parsed(&format!("partials/{name}")) {
            Some(Ok(template)) => Ok(template),
            Some(Err(message)) => refuse(message),
            None => refuse(format!("there is no partial {name:?}")),
        }
    }
}

fn parse(source: &str) -> Result<Template, String> {
    guarded(|| {
        liquid_core::parser::parse(source, &LANGUAGE)
            .map(Template::new)
            .map_err(|error| message(&error))
    })
}

/// The library below was not written for hostile templates: a panic in it is a problem of the template, not ours.
fn guarded<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err("cannot be worked out".into()))
}

fn message(error: &liquid_core::Error) -> String {
    let text = error.to_string();
    text.strip_prefix("liquid: ").unwrap_or(&text).to_owned()
}
