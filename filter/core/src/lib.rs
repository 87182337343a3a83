//! The decision, pure: no I/O, no clock, no randomness, no logging, no panic; time is an argument.
//!
//! The filter runs it inside Envoy, the control plane compiles with it what it publishes.
//! Modules in reading order: what a request looks like, what it is matched against, what is decided,
//! what is counted, and the bytes that cross the network.

#![no_std]
extern crate alloc;

pub mod admission;
pub mod compiled;
pub mod credential;
pub mod decide;
pub mod directory;
mod few;
pub mod flush;
pub mod id;
pub mod intake;
pub mod key;
pub mod leader;
pub mod mapping;
pub mod metric;
pub mod outbox;
pub mod path;
pub mod period;
pub mod product;
pub mod request;
pub mod shared;
pub mod slot;
pub mod verdict;
pub mod wire;
