//! Liquid, made safe: the language of the portal's pages, layouts, partials and e-mails.
//!
//! Template authors are the provider's people: trusted with what a page says, not with what it costs. Values come from
//! developers and are trusted with nothing: [`ToLiquid`] escapes every text on its way in, so that no template can forget it.
//! `engine` parses (after `scan`; `language` is what there is, `placed` knows lines) and renders (`runtime` is what is
//! found) within `bounds`; `drops` is how values are declared, and described for `docs/liquid.md`. Nothing here knows the
//! database.

mod bounds;
pub mod document;
pub mod drops;
pub mod engine;
mod filters;
mod language;
mod placed;
mod runtime;
mod scan;
mod tags;

pub use drops::{Escaping, Html, Member, Moment, Shape, ToLiquid};
pub use engine::{Engine, Problem, Templates, Text};

#[cfg(test)]
mod tests;
