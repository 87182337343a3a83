//! Parses templates, and renders them within bounds.

use liquid::partials::{InMemorySource, LazyCompiler};
use liquid::{Object, Parser, ParserBuilder, Template};
use liquid_lib::stdlib;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// The longest that a rendered page or mail may be, in bytes.
const OUTPUT_BYTES: usize = 1024 * 1024;

/// What is wrong with a template, told to whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{template}: {message}")]
pub struct Problem {
    /// The template's name.
    pub template: String,
    /// What is wrong, and where: `line 3: …` when that is known.
    pub message: String,
}

/// A set of templates that may include each other.
#[derive(Default)]
pub struct Engine;

/// Parsed templates.
pub struct Templates {
    parser: Parser,
    sources: BTreeMap<String, String>,
}

impl Engine {
    /// Takes in templates by name, as in `pages/login`. What is below `partials/` can be included, by the rest of its name.
    #[must_use]
    pub fn load(sources: BTreeMap<String, String>) -> Templates {
        let mut partials = InMemorySource::new();
        for (name, source) in &sources {
            if let Some(name) = name.strip_prefix("partials/") {
                partials.add(name, source.as_str());
            }
        }
        let parser = language()
            .partials(LazyCompiler::new(partials))
            .build()
            .unwrap_or_default();
        Templates { parser, sources }
    }

    /// Whether a text is a template.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(name: &str, source: &str) -> Result<(), Problem> {
        let parser = language().build().unwrap_or_default();
        parser
            .parse(source)
            .map(drop)
            .map_err(|error| problem(name, &error))
    }
}

impl Templates {
    /// Whether there is such a template.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.sources.contains_key(name)
    }

    /// Renders a template.
    ///
    /// # Errors
    /// When there is no such template, when it cannot be parsed, or goes beyond the bounds.
    pub fn render(&self, name: &str, globals: &Object) -> Result<String, Problem> {
        let source = self.sources.get(name).ok_or_else(|| Problem {
            template: name.into(),
            message: "there is no such template".into(),
        })?;
        let template = self
            .parser
            .parse(source)
            .map_err(|error| problem(name, &error))?;
        render(name, &template, globals)
    }
}

impl std::fmt::Debug for Templates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.sources.keys()).finish()
    }
}

fn render(name: &str, template: &Template, globals: &Object) -> Result<String, Problem> {
    let mut output = Bounded(Vec::new());
    template
        .render_to(&mut output, globals)
        .map_err(|error| problem(name, &error))?;
    String::from_utf8(output.0).map_err(|_| Problem {
        template: name.into(),
        message: "renders what is not UTF-8".into(),
    })
}

fn problem(name: &str, error: &liquid::Error) -> Problem {
    Problem {
        template: name.into(),
        message: error.to_string(),
    }
}

/// Refuses to become too long.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > OUTPUT_BYTES {
            return Err(io::Error::other("renders more than 1 MiB"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The tags and filters that there are.
fn language() -> ParserBuilder {
    ParserBuilder::new()
        .tag(stdlib::AssignTag)
        .tag(stdlib::BreakTag)
        .tag(stdlib::ContinueTag)
        .tag(stdlib::CycleTag)
        .tag(stdlib::IncludeTag)
        .tag(stdlib::RenderTag)
        .block(stdlib::RawBlock)
        .block(stdlib::IfBlock)
        .block(stdlib::UnlessBlock)
        .block(stdlib::ForBlock)
        .block(stdlib::CommentBlock)
        .block(stdlib::CaptureBlock)
        .block(stdlib::CaseBlock)
        .filter(stdlib::Abs)
        .filter(stdlib::Append)
        .filter(stdlib::AtLeast)
        .filter(stdlib::AtMost)
        .filter(stdlib::Capitalize)
        .filter(stdlib::Ceil)
        .filter(stdlib::Date)
        .filter(stdlib::Default)
        .filter(stdlib::DividedBy)
        .filter(stdlib::Downcase)
        .filter(stdlib::EscapeOnce)
        .filter(stdlib::First)
        .filter(stdlib::Floor)
        .filter(stdlib::Join)
        .filter(stdlib::Last)
        .filter(stdlib::Map)
        .filter(stdlib::Minus)
        .filter(stdlib::Modulo)
        .filter(stdlib::Plus)
        .filter(stdlib::Prepend)
        .filter(stdlib::Remove)
        .filter(stdlib::Replace)
        .filter(stdlib::Reverse)
        .filter(stdlib::Round)
        .filter(stdlib::Size)
        .filter(stdlib::Slice)
        .filter(stdlib::Sort)
        .filter(stdlib::Split)
        .filter(stdlib::Strip)
        .filter(stdlib::Times)
        .filter(stdlib::Truncate)
        .filter(stdlib::TruncateWords)
        .filter(stdlib::Upcase)
        .filter(stdlib::UrlEncode)
        .filter(stdlib::Where)
}
