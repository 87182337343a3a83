//! Tests.

mod credential;
mod period;
mod product;
mod verdict;
