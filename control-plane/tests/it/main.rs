//! The control plane's tests: every one that touches the database runs on SQLite and on PostgreSQL.
//!
//! `routes` mirrors the API, `support` is what tests stand on.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod developers;
mod foundation;
mod gateway;
mod support;
