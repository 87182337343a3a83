//! The catalogue as code: `tallygate apply`, `tallygate export` and `tallygate import openapi`.
//!
//! A file says what products there are, with metrics, rules, plans and limits. [`read`] makes a tree of it and
//! [`server`] one of what the REST API shows; [`diff`] is what has to be done, [`execute`] does it. [`mod@write`] makes a
//! file of a tree. Everything goes by system names, over the REST API alone, and follows the tables of [`kind`].

pub mod deploy;
pub mod diff;
pub mod execute;
pub mod fault;
pub mod kind;
pub mod node;
pub mod openapi;
pub mod paint;
pub mod read;
pub mod report;
pub mod schema;
pub mod server;
pub mod show;
pub mod tree;
pub mod write;

mod commands;

pub use commands::{Apply, Differs, Export, ImportOpenapi, apply, export, import_openapi};
