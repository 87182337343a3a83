//! Tests of the core, as its users see it.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod backend;
mod book;
mod clock;
mod contact;
mod credential;
mod credit;
mod decide;
mod directory;
mod flush;
mod intake;
mod leader;
mod lease;
mod mapping;
mod metric;
mod path;
mod period;
mod probe;
mod product;
mod referrer;
mod slot;
mod support;
mod traffic;
mod verdict;
mod wire;
