//! `include` and `render`: a partial within another template.

use super::super::bounds;
use super::super::runtime::{Scope, refuse};
use liquid_core::error::Result;
use liquid_core::model::{KString, ValueView as _};
use liquid_core::{
    Expression, Language, ParseTag, Renderable, Runtime, TagReflection, TagTokenIter,
};
use std::io::Write;

/// `{% include 'plan', plan: chosen %}`: sees all that is named where it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IncludeTag;

/// `{% render 'plan', plan: chosen %}`: sees what it is given alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RenderTag;

#[derive(Debug)]
struct Partial {
    name: Expression,
    given: Vec<(KString, Expression)>,
    closed: bool,
}

impl TagReflection for IncludeTag {
    fn tag(&self) -> &'static str {
        "include"
    }

    fn description(&self) -> &'static str {
        "a partial, with all that is named here"
    }
}

impl TagReflection for RenderTag {
    fn tag(&self) -> &'static str {
        "render"
    }

    fn description(&self) -> &'static str {
        "a partial, with what it is given"
    }
}

impl ParseTag for IncludeTag {
    fn parse(&self, arguments: TagTokenIter<'_>, _: &Language) -> Result<Box<dyn Renderable>> {
        parse(arguments, false)
    }

    fn reflection(&self) -> &dyn TagReflection {
        self
    }
}

impl ParseTag for RenderTag {
    fn parse(&self, arguments: TagTokenIter<'_>, _: &Language) -> Result<Box<dyn Renderable>> {
        parse(arguments, true)
    }

    fn reflection(&self) -> &dyn TagReflection {
        self
    }
}

fn parse(mut arguments: TagTokenIter<'_>, closed: bool) -> Result<Box<dyn Renderable>> {
    let name = arguments
        .expect_next("the name of a partial is expected")?
        .expect_value()
        .into_result()?;
    let mut given = Vec::new();
    while let Some(token) = arguments.next() {
        if token.as_str() == "," {
            continue;
        }
        let name = token.expect_identifier().into_result()?.to_owned();
        arguments
            .expect_next("\":\" is expected")?
            .expect_str(":")
            .into_result_custom_msg("\":\" is expected")?;
        let value = arguments
            .expect_next("a value is expected")?
            .expect_value()
            .into_result()?;
        given.push((name.into(), value));
    }
    Ok(Box::new(Partial {
        name,
        given,
        closed,
    }))
}

impl Renderable for Partial {
    fn render_to(&self, writer: &mut dyn Write, runtime: &dyn Runtime) -> Result<()> {
        let name = self.name.evaluate(runtime)?.to_kstr().into_owned();
        let Some(partial) = runtime.partials().try_get(&name) else {
            return refuse(format!("there is no partial {name:?}"));
        };
        let mut names = Vec::new();
        for (name, value) in &self.given {
            names.push((name.clone(), value.evaluate(runtime)?));
        }
        let scope = match self.closed {
            true => Scope::closed(runtime, names),
            false => Scope::open(runtime, names),
        };
        bounds::enter(runtime, &name)?;
        partial.render_to(writer, &scope)?;
        bounds::leave(runtime);
        Ok(())
    }
}
