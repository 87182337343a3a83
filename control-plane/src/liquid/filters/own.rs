//! Filters of ours, most of them 3scale's.
//!
//! What they are given is safe for HTML already: values were escaped on their way in, the rest is the template's own.

use liquid_core::error::Result;
use liquid_core::model::{Value, ValueView};
use liquid_core::parser::{FilterArguments, ParameterReflection};
use liquid_core::{Expression, Filter, FilterReflection, ParseFilter, Runtime};
use std::fmt;

/// A filter that is a function of its input and its arguments.
#[derive(Clone, Copy)]
struct Own {
    name: &'static str,
    about: &'static str,
    work: fn(&dyn ValueView, &[String]) -> Value,
}

#[derive(Debug)]
struct OwnFilter {
    own: Own,
    arguments: Vec<Expression>,
}

const ALL: &[Own] = &[
    Own {
        name: "any",
        about: "Whether a list has any items.",
        work: |input, _| Value::scalar(input.as_array().is_some_and(|list| list.size() > 0)),
    },
    Own {
        name: "escape",
        about: "Makes a text safe for HTML. Values are safe already: what is escaped stays as it is.",
        work: |input, _| Value::scalar(escape_once(&input.to_kstr())),
    },
    Own {
        name: "h",
        about: "The same as `escape`.",
        work: |input, _| Value::scalar(escape_once(&input.to_kstr())),
    },
    Own {
        name: "html_safe",
        about: "The text as it is: what is HTML is shown so anyway, and what is not stays escaped.",
        work: |input, _| Value::scalar(input.to_kstr().into_owned()),
    },
    Own {
        name: "link_to",
        about: "A link: `{{ 'Plans' | link_to: urls.plans }}`.",
        work: |input, arguments| {
            let url = arguments.first().map_or("", String::as_str);
            Value::scalar(format!(
                "<a href=\"{}\">{}</a>",
                web_address(url),
                input.to_kstr()
            ))
        },
    },
    Own {
        name: "image_tag",
        about: "An image: `{{ '/images/logo.svg' | image_tag: 'Our logo' }}`.",
        work: |input, arguments| {
            let alt = arguments.first().map_or("", String::as_str);
            Value::scalar(format!(
                "<img src=\"{}\" alt=\"{}\">",
                web_address(&input.to_kstr()),
                escape_once(alt)
            ))
        },
    },
    Own {
        name: "stylesheet_link_tag",
        about: "A stylesheet among the CMS files: `{{ '/css/own.css' | stylesheet_link_tag }}`.",
        work: |input, _| {
            Value::scalar(format!(
                "<link rel=\"stylesheet\" href=\"{}\">",
                web_address(&input.to_kstr())
            ))
        },
    },
    Own {
        name: "javascript_include_tag",
        about: "A script among the CMS files: `{{ '/javascripts/own.js' | javascript_include_tag }}`.",
        work: |input, _| {
            Value::scalar(format!(
                "<script src=\"{}\" defer></script>",
                web_address(&input.to_kstr())
            ))
        },
    },
    Own {
        name: "grouped",
        about: "A whole number with a narrow space between thousands.",
        work: |input, _| match input.as_scalar().and_then(|scalar| scalar.to_integer()) {
            Some(number) => Value::scalar(grouped(number)),
            None => input.to_value(),
        },
    },
];

/// All of them.
pub(in crate::liquid) fn own() -> impl Iterator<Item = Box<dyn ParseFilter>> {
    ALL.iter().map(|own| Box::new(*own) as Box<dyn ParseFilter>)
}

impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl FilterReflection for Own {
    fn name(&self) -> &str {
        self.name
    }

    fn description(&self) -> &str {
        self.about
    }

    fn positional_parameters(&self) -> &'static [ParameterReflection] {
        &[]
    }

    fn keyword_parameters(&self) -> &'static [ParameterReflection] {
        &[]
    }
}

impl ParseFilter for Own {
    fn parse(&self, arguments: FilterArguments<'_>) -> Result<Box<dyn Filter>> {
        Ok(Box::new(OwnFilter {
            own: *self,
            arguments: arguments.positional.collect(),
        }))
    }

    fn reflection(&self) -> &dyn FilterReflection {
        self
    }
}

impl fmt::Display for OwnFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.own.name)
    }
}

impl Filter for OwnFilter {
    fn evaluate(&self, input: &dyn ValueView, runtime: &dyn Runtime) -> Result<Value> {
        let mut arguments = Vec::new();
        for argument in &self.arguments {
            arguments.push(argument.evaluate(runtime)?.to_kstr().to_string());
        }
        Ok((self.own.work)(input, &arguments))
    }
}

/// An address that a browser fetches; a script in its place becomes one that leads nowhere.
fn web_address(address: &str) -> String {
    let address = address.trim();
    let scheme = address
        .split_once(':')
        .map(|(scheme, _)| scheme.to_ascii_lowercase());
    match scheme.as_deref() {
        None | Some("http" | "https" | "mailto") => escape_once(address),
        Some(scheme) if scheme.contains(['/', '?', '#']) => escape_once(address),
        Some(_) => "#".into(),
    }
}

/// Escapes what is not escaped yet.
fn escape_once(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
        let (before, from) = rest.split_at(at);
        safe.push_str(before);
        safe.push_str(match from.as_bytes().first() {
            Some(b'&') if is_reference(from) => "&",
            Some(b'&') => "&amp;",
            Some(b'<') => "&lt;",
            Some(b'>') => "&gt;",
            Some(b'"') => "&quot;",
            _ => "&#39;",
        });
        rest = from.get(1..).unwrap_or("");
    }
    safe.push_str(rest);
    safe
}

/// Whether an entity begins here, as in `&amp;` or `&#39;`.
fn is_reference(text: &str) -> bool {
    text.split_once(';').is_some_and(|(name, _)| {
        let name = name.get(1..).unwrap_or("");
        let name = name.strip_prefix('#').unwrap_or(name);
        (1..10).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "-" } else { "" });
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}
