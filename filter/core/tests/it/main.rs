//! Tests.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod credential;
mod period;
mod product;
mod verdict;
