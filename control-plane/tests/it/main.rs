//! The control plane's tests: every one that touches the database runs on SQLite and on PostgreSQL.
//!
//! `products` and `developers` mirror the API, `every_route` is about all of it, `support` is what tests stand on.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod agents;
mod backends;
mod catalogue;
mod command_line;
mod content;
mod developers;
mod envoy_examples;
mod events;
mod every_route;
mod foundation;
mod gateway;
mod mail;
mod openapi;
mod people;
mod portal;
mod products;
mod refusals;
mod support;
