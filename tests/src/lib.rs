//! What the end-to-end tests stand on: a whole installation of real parts, loads that keep count, and
//! clients that send what no well-behaved one would.
//!
//! Modules in reading order: an installation with one gateway and its parts, a fleet and what it needs besides, the
//! clients, small things.

pub mod installation;

pub mod control_plane;
pub mod database;
pub mod gateway;
pub mod printed_gateway;

pub mod fleet;
pub mod issuer;
pub mod network;
pub mod postgres;
pub mod product;
pub mod upstream;

pub mod demand;
pub mod http;
pub mod ledger;
pub mod load;

pub mod chance;
pub mod clock;
pub mod histogram;
mod logs;
pub mod ports;
pub mod wait;
