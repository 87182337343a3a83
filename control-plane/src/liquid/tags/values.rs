//! `echo`, which `{{ … }}` becomes; `assign` and `capture`, which count what they keep.

use super::super::bounds::{self, Bounded, TEXT_BYTES};
use super::super::filters;
use super::super::runtime::refuse;
use liquid_core::error::Result;
use liquid_core::model::{KString, Value};
use liquid_core::parser::FilterChain;
use liquid_core::{
    BlockReflection, Language, ParseBlock, ParseTag, Renderable, Runtime, TagBlock, TagReflection,
    TagTokenIter, Template,
};
use std::io::Write;

/// `{% echo value %}`
#[derive(Clone, Copy, Debug)]
pub(crate) struct EchoTag;

/// `{% assign name = value %}`
#[derive(Clone, Copy, Debug)]
pub(crate) struct AssignTag;

/// `{% capture name %}…{% endcapture %}`
#[derive(Clone, Copy, Debug)]
pub(crate) struct CaptureBlock;

#[derive(Debug)]
struct Assign {
    name: KString,
    value: FilterChain,
}

#[derive(Debug)]
struct Capture {
    name: KString,
    body: Template,
}

impl TagReflection for EchoTag {
    fn tag(&self) -> &'static str {
        "echo"
    }

    fn description(&self) -> &'static str {
        "shows a value"
    }
}

impl ParseTag for EchoTag {
    fn parse(
        &self,
        mut arguments: TagTokenIter<'_>,
        options: &Language,
    ) -> Result<Box<dyn Renderable>> {
        let value = arguments
            .expect_next("a value is expected")?
            .expect_filter_chain(options)
            .into_result()?;
        arguments.expect_nothing()?;
        Ok(Box::new(value))
    }

    fn reflection(&self) -> &dyn TagReflection {
        self
    }
}

impl TagReflection for AssignTag {
    fn tag(&self) -> &'static str {
        "assign"
    }

    fn description(&self) -> &'static str {
        "gives a value a name"
    }
}

impl ParseTag for AssignTag {
    fn parse(
        &self,
        mut arguments: TagTokenIter<'_>,
        options: &Language,
    ) -> Result<Box<dyn Renderable>> {
        let name = arguments
            .expect_next("a name is expected")?
            .expect_identifier()
            .into_result()?
            .to_owned();
        arguments
            .expect_next("\"=\" is expected")?
            .expect_str("=")
            .into_result_custom_msg("\"=\" is expected")?;
        let value = arguments
            .expect_next("a value is expected")?
            .expect_filter_chain(options)
            .into_result()?;
        arguments.expect_nothing()?;
        Ok(Box::new(Assign {
            name: name.into(),
            value,
        }))
    }

    fn reflection(&self) -> &dyn TagReflection {
        self
    }
}

impl Renderable for Assign {
    fn render_to(&self, _: &mut dyn Write, runtime: &dyn Runtime) -> Result<()> {
        let value = self.value.evaluate(runtime)?;
        bounds::made(runtime, filters::bytes(value.as_view()))?;
        let value = value.into_owned();
        runtime.set_global(self.name.clone(), value);
        Ok(())
    }
}

impl BlockReflection for CaptureBlock {
    fn start_tag(&self) -> &'static str {
        "capture"
    }

    fn end_tag(&self) -> &'static str {
        "endcapture"
    }

    fn description(&self) -> &'static str {
        "gives what is rendered a name"
    }
}

impl ParseBlock for CaptureBlock {
    fn parse(
        &self,
        mut arguments: TagTokenIter<'_>,
        mut tokens: TagBlock<'_, '_>,
        options: &Language,
    ) -> Result<Box<dyn Renderable>> {
        let name = arguments
            .expect_next("a name is expected")?
            .expect_identifier()
            .into_result()?
            .to_owned();
        arguments.expect_nothing()?;
        let body = Template::new(tokens.parse_all(options)?);
        tokens.assert_empty();
        Ok(Box::new(Capture {
            name: name.into(),
            body,
        }))
    }

    fn reflection(&self) -> &dyn BlockReflection {
        self
    }
}

impl Renderable for Capture {
    fn render_to(&self, _: &mut dyn Write, runtime: &dyn Runtime) -> Result<()> {
        let mut captured = Bounded::new(TEXT_BYTES, None);
        self.body.render_to(&mut captured, runtime)?;
        let text = captured.into_text();
        if bounds::made(runtime, text.len()).is_err() {
            return refuse("variables make more than 16 MiB in all");
        }
        runtime.set_global(self.name.clone(), Value::scalar(text));
        Ok(())
    }
}
