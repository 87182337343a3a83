//! Tags that know the line they stand on, for errors: `line 3: …`.

use liquid_core::error::{Error, Result};
use liquid_core::{
    BlockReflection, Language, ParseBlock, ParseTag, Renderable, Runtime, TagBlock, TagReflection,
    TagTokenIter,
};
use std::io::Write;

/// A tag.
#[derive(Clone)]
pub(super) struct PlacedTag(pub(super) Box<dyn ParseTag>);

/// A block.
#[derive(Clone)]
pub(super) struct PlacedBlock(pub(super) Box<dyn ParseBlock>);

#[derive(Debug)]
struct At {
    line: usize,
    what: Box<dyn Renderable>,
}

impl ParseTag for PlacedTag {
    fn parse(
        &self,
        mut arguments: TagTokenIter<'_>,
        options: &Language,
    ) -> Result<Box<dyn Renderable>> {
        let line = line(&mut arguments);
        let what = self
            .0
            .parse(arguments, options)
            .map_err(|error| at(line, &error))?;
        Ok(Box::new(At { line, what }))
    }

    fn reflection(&self) -> &dyn TagReflection {
        self.0.reflection()
    }
}

impl ParseBlock for PlacedBlock {
    fn parse(
        &self,
        mut arguments: TagTokenIter<'_>,
        tokens: TagBlock<'_, '_>,
        options: &Language,
    ) -> Result<Box<dyn Renderable>> {
        let line = line(&mut arguments);
        let what = self
            .0
            .parse(arguments, tokens, options)
            .map_err(|error| at(line, &error))?;
        Ok(Box::new(At { line, what }))
    }

    fn reflection(&self) -> &dyn BlockReflection {
        self.0.reflection()
    }
}

impl Renderable for At {
    fn render_to(&self, writer: &mut dyn Write, runtime: &dyn Runtime) -> Result<()> {
        self.what
            .render_to(writer, runtime)
            .map_err(|error| at(self.line, &error))
    }
}

/// The library tells where a tag stands only in the text of an error.
fn line(arguments: &mut TagTokenIter<'_>) -> usize {
    told_line(&arguments.raise_error("").to_string()).unwrap_or(1)
}

fn told_line(text: &str) -> Option<usize> {
    let (_, place) = text.split_once("--> ")?;
    place.split_once(':')?.0.parse().ok()
}

/// An error with its line; whoever was nearest to it knows best.
fn at(line: usize, error: &Error) -> Error {
    Error::with_msg(message(error, Some(line)))
}

/// What an error says, in one line.
pub(super) fn message(error: &Error, line: Option<usize>) -> String {
    let text = error.to_string();
    let text = text.strip_prefix("liquid: ").unwrap_or(&text);
    let first = text.lines().next().unwrap_or("").trim();
    if first.starts_with("line ") {
        return first.to_owned();
    }
    let line = told_line(text).or(line);
    // The parser's errors have a drawing of the place, and what is wrong after `=`.
    let said = match text
        .split_once("\n  = ")
        .or_else(|| text.split_once("\n   = "))
    {
        Some((_, said)) => said.lines().next().unwrap_or(""),
        None if first.starts_with("-->") => text
            .lines()
            .last()
            .unwrap_or("")
            .trim()
            .trim_start_matches("= "),
        None => first,
    };
    let said = said
        .replace("FilterChain", "a value")
        .replace("EOI", "the end")
        .replace("TagInner", "a tag");
    match line {
        Some(line) => format!("line {line}: {said}"),
        None => said,
    }
}
