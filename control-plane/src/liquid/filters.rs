//! Filters: Liquid's, bounded and at ease with nothing, and some of 3scale's.

mod own;

pub(super) use own::own;

use super::bounds::{self, LIST_ITEMS, TEXT_BYTES};
use super::runtime::refuse;
use liquid_core::error::Result;
use liquid_core::model::{Value, ValueCow, ValueView};
use liquid_core::parser::FilterArguments;
use liquid_core::{Expression, Filter, FilterReflection, ParseFilter, Runtime};
use std::fmt;

/// How long a text may become before it is cut by nobody: what filters may make of two long texts.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// The longest list that is compared item by item.
const COMPARED_ITEMS: usize = 1_000;

/// A filter that is held to the bounds.
#[derive(Clone)]
pub(super) struct Guarded(pub(super) Box<dyn ParseFilter>);

#[derive(Debug)]
struct GuardedFilter {
    name: String,
    filter: Box<dyn Filter>,
    arguments: Vec<Expression>,
}

impl ParseFilter for Guarded {
    fn parse(&self, arguments: FilterArguments<'_>) -> Result<Box<dyn Filter>> {
        let positional: Vec<Expression> = arguments.positional.collect();
        let keyword: Vec<(&str, Expression)> = arguments.keyword.collect();
        let all = positional
            .iter()
            .chain(keyword.iter().map(|(_, value)| value))
            .cloned()
            .collect();
        let filter = self.0.parse(FilterArguments {
            positional: Box::new(positional.into_iter()),
            keyword: Box::new(keyword.into_iter()),
        })?;
        Ok(Box::new(GuardedFilter {
            name: self.reflection().name().to_owned(),
            filter,
            arguments: all,
        }))
    }

    fn reflection(&self) -> &dyn FilterReflection {
        self.0.reflection()
    }
}

impl fmt::Display for GuardedFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.filter.fmt(f)
    }
}

impl Filter for GuardedFilter {
    fn evaluate(&self, input: &dyn ValueView, runtime: &dyn Runtime) -> Result<Value> {
        let nothing = nothing(&self.name);
        let input = match nothing {
            Some(value) if input.is_nil() => ValueCow::Owned(value),
            _ => ValueCow::Borrowed(input),
        };
        let input = input.as_view();
        self.foresee(input, runtime)?;
        let value = self.filter.evaluate(input, runtime)?;
        let bytes = bytes(&value);
        bounds::made(runtime, bytes)?;
        match &value {
            Value::Array(list) if list.len() > LIST_ITEMS => {
                refuse(format!("a list has more than {LIST_ITEMS} items"))
            }
            Value::Scalar(_) if bytes > TEXT_BYTES.max(self::bytes(input)) => {
                refuse(format!("a text is longer than {} KiB", TEXT_BYTES / 1024))
            }
            _ => Ok(value),
        }
    }
}

impl GuardedFilter {
    /// Refuses what would take too long or too much before it does.
    fn foresee(&self, input: &dyn ValueView, runtime: &dyn Runtime) -> Result<()> {
        bounds::made(runtime, 0)?;
        let mut given = 0_usize;
        for argument in &self.arguments {
            let argument = argument.evaluate(runtime)?;
            given = given.saturating_add(bytes(argument.as_view()));
            if self.name == "date" && has_long_number(&argument.to_kstr()) {
                return refuse("a date is not that wide");
            }
        }
        let long = match self.name.as_str() {
            "replace" | "replace_first" | "join" => bytes(input).saturating_mul(given + 1),
            _ => 0,
        };
        if long > MOST_BYTES && given > 8 {
            return refuse(format!("{} would make too much", self.name));
        }
        let items = input.as_array().map_or(0, |list| list.size());
        if self.name == "uniq" && usize::try_from(items).is_ok_and(|items| items > COMPARED_ITEMS) {
            return refuse(format!("uniq takes at most {COMPARED_ITEMS} items"));
        }
        Ok(())
    }
}

/// What a filter sees instead of nothing.
fn nothing(filter: &str) -> Option<Value> {
    match filter {
        "join" | "first" | "last" | "map" | "sort" | "sort_natural" | "reverse" | "uniq"
        | "where" | "compact" | "any" => Some(Value::Array(Vec::new())),
        "plus" | "minus" | "times" | "divided_by" | "modulo" | "abs" | "ceil" | "floor"
        | "round" | "at_least" | "at_most" => Some(Value::scalar(0)),
        _ => None,
    }
}

fn has_long_number(format: &str) -> bool {
    let mut digits = 0;
    format.chars().any(|letter| {
        digits = if letter.is_ascii_digit() {
            digits + 1
        } else {
            0
        };
        digits > 2
    })
}

/// About how many bytes a value takes.
pub(super) fn bytes(value: &dyn ValueView) -> usize {
    if let Some(list) = value.as_array() {
        return list.values().map(|item| bytes(item) + 16).sum();
    }
    if let Some(object) = value.as_object() {
        return object
            .iter()
            .map(|(name, item)| name.len() + bytes(item) + 16)
            .sum();
    }
    value.to_kstr().len()
}
