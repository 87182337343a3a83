//! Parses templates, and renders them within bounds.

use super::bounds::{self, Bounded, OUTPUT_BYTES};
use super::language::language;
use super::placed;
use super::runtime::{Globals, refuse};
use super::scan;
use liquid_core::model::Object;
use liquid_core::runtime::{PartialStore, Renderable, Runtime};
use liquid_core::{Language, Template};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};

/// What is wrong with a template, told to whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
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
    /// What stands beneath: used for names that are not here, and when what is here fails.
    beneath: Option<Arc<Self>>,
    problems: Mutex<BTreeSet<Problem>>,
}

/// A template's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text {
    /// A template.
    Liquid(String),
    /// Shown as it is.
    Plain(String),
}

#[derive(Debug)]
struct Source {
    text: Text,
    parsed: OnceLock<Result<Arc<Parsed>, String>>,
}

static LANGUAGE: LazyLock<Language> = LazyLock::new(language);

impl Engine {
    /// Takes in templates by name, as in `pages/login`. What is below `partials/` can be included, by the rest of its name.
    #[must_use]
    pub fn load(sources: BTreeMap<String, String>) -> Templates {
        let texts = sources
            .into_iter()
            .map(|(name, text)| (name, Text::Liquid(text)))
            .collect();
        Templates::new(texts, None)
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
    /// Templates over others.
    #[must_use]
    pub fn new(texts: BTreeMap<String, Text>, beneath: Option<Arc<Self>>) -> Self {
        let source = |text| Source {
            text,
            parsed: OnceLock::new(),
        };
        Self {
            by_name: texts
                .into_iter()
                .map(|(name, text)| (name, source(text)))
                .collect(),
            beneath,
            problems: Mutex::default(),
        }
    }

    /// Whether there is such a template.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
            || self
                .beneath
                .as_ref()
                .is_some_and(|beneath| beneath.has(name))
    }

    /// Renders a template; when that fails, what stands beneath it.
    ///
    /// # Errors
    /// When there is no such template; when it cannot be parsed, or goes beyond the bounds, and nothing stands beneath.
    pub fn render(&self, name: &str, globals: &Object) -> Result<String, Problem> {
        let problem = match self.render_once(name, globals) {
            Ok(text) => return Ok(text),
            Err(problem) => problem,
        };
        let Some(beneath) = &self.beneath else {
            return Err(problem);
        };
        self.problems().insert(problem.clone());
        match beneath.has(name) {
            true => beneath.render(name, globals),
            false => Err(problem),
        }
    }

    /// What went wrong since this was last asked.
    pub fn take_problems(&self) -> BTreeSet<Problem> {
        std::mem::take(&mut self.problems())
    }

    fn problems(&self) -> MutexGuard<'_, BTreeSet<Problem>> {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn render_once(&self, name: &str, globals: &Object) -> Result<String, Problem> {
        let problem = |message: String| Problem {
            template: name.into(),
            message,
        };
        let template = self
            .parsed(name)
            .ok_or_else(|| problem("there is no such template".into()))?
            .map_err(problem)?;
        let runtime = Globals::new(globals, self);
        let result = guarded(|| {
            let deadline = bounds::begin(&runtime);
            let mut output = Bounded::new(OUTPUT_BYTES, Some(deadline));
            template
                .render_to(&mut output, &runtime)
                .map_err(|error| placed::message(&error, None))?;
            Ok(output.into_text())
        });
        result.map_err(|message| Problem {
            template: bounds::innermost(&runtime)
                .map_or_else(|| name.to_owned(), |partial| format!("partials/{partial}")),
            message,
        })
    }

    fn parsed(&self, name: &str) -> Option<Result<Arc<Parsed>, String>> {
        let Some(source) = self.by_name.get(name) else {
            return self.beneath.as_ref()?.parsed(name);
        };
        let parsed = source.parsed.get_or_init(|| match &source.text {
            Text::Liquid(text) => parse(text).map(Arc::new),
            Text::Plain(text) => Ok(Arc::new(Parsed {
                template: Template::new(vec![Box::new(Plain(text.clone()))]),
                depth: 0,
            })),
        });
        Some(parsed.clone())
    }
}

/// A text that is no template.
#[derive(Debug)]
struct Plain(String);

impl Renderable for Plain {
    fn render_to(&self, writer: &mut dyn Write, _: &dyn Runtime) -> liquid_core::Result<()> {
        writer
            .write_all(self.0.as_bytes())
            .or_else(|error| refuse(error.to_string()))
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

/// A template, and how deep its blocks nest.
#[derive(Debug)]
struct Parsed {
    template: Template,
    depth: usize,
}

impl Renderable for Parsed {
    fn render_to(&self, writer: &mut dyn Write, runtime: &dyn Runtime) -> liquid_core::Result<()> {
        bounds::descend(runtime, self.depth)?;
        self.template.render_to(writer, runtime)?;
        bounds::ascend(runtime, self.depth);
        Ok(())
    }
}

fn parse(source: &str) -> Result<Parsed, String> {
    let knows = |filter: &str| LANGUAGE.filters.get(filter).is_some();
    let (source, depth) = scan::prepare(source, &knows)
        .map_err(|fault| format!("line {}: {}", fault.line, fault.message))?;
    guarded(|| {
        let elements = liquid_core::parser::parse(&source, &LANGUAGE)
            .map_err(|error| placed::message(&error, None))?;
        Ok(Parsed {
            template: Template::new(elements),
            depth,
        })
    })
}

/// The library below was not written for hostile templates: a panic in it is a problem of the template, not ours.
fn guarded<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err("cannot be worked out".into()))
}
