//! `for`: goes round a list or a range, and counts.

use super::super::bounds;
use super::super::runtime::{Scope, refuse};
use liquid_core::error::Result;
use liquid_core::model::{KString, Object, Scalar, Value, ValueCow, ValueView};
use liquid_core::parser::{BlockElement, TryMatchToken};
use liquid_core::runtime::{Interrupt, InterruptRegister};
use liquid_core::{
    BlockReflection, Expression, Language, ParseBlock, Renderable, Runtime, TagBlock, TagTokenIter,
    Template,
};
use std::io::Write;

/// `{% for item in list limit: 3 offset: 1 reversed %}…{% else %}…{% endfor %}`
#[derive(Clone, Copy, Debug)]
pub(crate) struct ForBlock;

#[derive(Debug)]
struct For {
    name: KString,
    range: Range,
    limit: Option<Expression>,
    offset: Option<Expression>,
    reversed: bool,
    body: Template,
    otherwise: Option<Template>,
}

#[derive(Debug)]
enum Range {
    List(Expression),
    Counted(Expression, Expression),
}

impl BlockReflection for ForBlock {
    fn start_tag(&self) -> &'static str {
        "for"
    }

    fn end_tag(&self) -> &'static str {
        "endfor"
    }

    fn description(&self) -> &'static str {
        "goes round a list"
    }
}

impl ParseBlock for ForBlock {
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
        arguments
            .expect_next("\"in\" is expected")?
            .expect_str("in")
            .into_result_custom_msg("\"in\" is expected")?;
        let range = range(&mut arguments)?;
        let (mut limit, mut offset, mut reversed) = (None, None, false);
        while let Some(token) = arguments.next() {
            match token.as_str() {
                "limit" => limit = Some(attribute(&mut arguments)?),
                "offset" => offset = Some(attribute(&mut arguments)?),
                "reversed" => reversed = true,
                "," => {}
                _ => {
                    return Err(
                        token.raise_custom_error("\"limit\", \"offset\" or \"reversed\" expected")
                    );
                }
            }
        }
        let mut body = Vec::new();
        let mut otherwise = None;
        while let Some(element) = tokens.next()? {
            match element {
                BlockElement::Tag(tag) if tag.name() == "else" => {
                    otherwise = Some(Template::new(tokens.parse_all(options)?));
                    break;
                }
                element => body.push(element.parse(&mut tokens, options)?),
            }
        }
        tokens.assert_empty();
        Ok(Box::new(For {
            name: name.into(),
            range,
            limit,
            offset,
            reversed,
            body: Template::new(body),
            otherwise,
        }))
    }

    fn reflection(&self) -> &dyn BlockReflection {
        self
    }
}

fn range(arguments: &mut TagTokenIter<'_>) -> Result<Range> {
    let token = arguments.expect_next("a list or range is expected")?;
    match token.expect_value() {
        TryMatchToken::Matches(list) => Ok(Range::List(list)),
        TryMatchToken::Fails(token) => match token.expect_range() {
            TryMatchToken::Matches((start, stop)) => Ok(Range::Counted(start, stop)),
            TryMatchToken::Fails(token) => Err(token.raise_error()),
        },
    }
}

fn attribute(arguments: &mut TagTokenIter<'_>) -> Result<Expression> {
    arguments
        .expect_next("\":\" is expected")?
        .expect_str(":")
        .into_result_custom_msg("\":\" is expected")?;
    arguments
        .expect_next("a number is expected")?
        .expect_value()
        .into_result()
}

impl Renderable for For {
    fn render_to(&self, writer: &mut dyn Write, runtime: &dyn Runtime) -> Result<()> {
        let list = self.range.evaluate(runtime)?;
        let offset = count(self.offset.as_ref(), runtime)?.unwrap_or(0);
        let limit = count(self.limit.as_ref(), runtime)?.unwrap_or(usize::MAX);
        let mut items = items(list.as_view())?;
        items = items.into_iter().skip(offset).take(limit).collect();
        if self.reversed {
            items.reverse();
        }
        if items.is_empty() {
            return match &self.otherwise {
                Some(otherwise) => otherwise.render_to(writer, runtime),
                None => Ok(()),
            };
        }
        let parent = runtime
            .try_get(&[Scalar::new("forloop")])
            .map(ValueCow::into_owned);
        let length = items.len();
        for (index, item) in items.into_iter().enumerate() {
            bounds::round(runtime)?;
            let names = vec![
                (
                    KString::from_static("forloop"),
                    ValueCow::Owned(forloop(index, length, parent.as_ref())),
                ),
                (self.name.clone(), item),
            ];
            let scope = Scope::open(runtime, names);
            self.body.render_to(writer, &scope)?;
            let interrupt = runtime.registers().get_mut::<InterruptRegister>().reset();
            if matches!(interrupt, Some(Interrupt::Break)) {
                break;
            }
        }
        Ok(())
    }
}

impl Range {
    fn evaluate<'r>(&'r self, runtime: &'r dyn Runtime) -> Result<ValueCow<'r>> {
        match self {
            Self::List(list) => list.evaluate(runtime),
            Self::Counted(start, stop) => {
                let (start, stop) = (number(start, runtime)?, number(stop, runtime)?);
                let length = stop.saturating_sub(start).saturating_add(1);
                if length > bounds::RANGE {
                    return refuse(format!(
                        "a range goes over {length} numbers (at most {})",
                        bounds::RANGE
                    ));
                }
                Ok(ValueCow::Owned(Value::array(
                    (start..=stop).map(Value::scalar),
                )))
            }
        }
    }
}

/// Members of an object are pairs of name and value; what is no list is nothing.
fn items(list: &dyn ValueView) -> Result<Vec<ValueCow<'_>>> {
    if let Some(list) = list.as_array() {
        return Ok(list.values().map(ValueCow::Borrowed).collect());
    }
    if let Some(object) = list.as_object() {
        let pair = |(name, value): (_, &dyn ValueView)| {
            ValueCow::Owned(Value::array([Value::scalar(name), value.to_value()]))
        };
        return Ok(object
            .iter()
            .map(|(name, value)| (name.into_owned(), value))
            .map(pair)
            .collect());
    }
    match list.as_scalar() {
        Some(scalar) if !scalar.to_kstr().is_empty() => {
            refuse(format!("a list is expected, not {}", list.type_name()))
        }
        _ => Ok(Vec::new()),
    }
}

fn number(expression: &Expression, runtime: &dyn Runtime) -> Result<i64> {
    let value = expression.evaluate(runtime)?;
    let number = value.as_scalar().and_then(|scalar| scalar.to_integer());
    match number {
        Some(number) => Ok(number),
        None => refuse(format!(
            "a whole number is expected, not {}",
            value.type_name()
        )),
    }
}

/// Nothing when it is left out or nil.
fn count(expression: Option<&Expression>, runtime: &dyn Runtime) -> Result<Option<usize>> {
    match expression {
        Some(expression) if !expression.evaluate(runtime)?.is_nil() => {
            let number = number(expression, runtime)?;
            Ok(Some(usize::try_from(number).unwrap_or(0)))
        }
        _ => Ok(None),
    }
}

/// What `forloop` has.
fn forloop(index: usize, length: usize, parent: Option<&Value>) -> Value {
    let whole = |number: usize| Value::scalar(i64::try_from(number).unwrap_or(i64::MAX));
    let mut object = Object::new();
    for (name, value) in [
        ("index", whole(index + 1)),
        ("index0", whole(index)),
        ("rindex", whole(length - index)),
        ("rindex0", whole(length - index - 1)),
        ("first", Value::scalar(index == 0)),
        ("last", Value::scalar(index + 1 == length)),
        ("length", whole(length)),
        ("parentloop", parent.cloned().unwrap_or(Value::Nil)),
    ] {
        object.insert(name.into(), value);
    }
    Value::Object(object)
}
