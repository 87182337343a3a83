//! What all surfaces share: authorisation, forms of answers, parameters, schema, revisions, secrets.

mod answers;
mod auth;
mod database;
mod ops;
mod scope;
mod secrets;
