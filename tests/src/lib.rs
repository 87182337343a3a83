//! What the end-to-end tests stand on: a whole installation of real parts, a load that keeps count, and
//! clients that send what no well-behaved one would.
//!
//! Modules in reading order: the installation and its parts, the clients, small things.

pub mod installation;

pub mod control_plane;
pub mod database;
pub mod gateway;

pub mod http;
pub mod load;

pub mod ports;
pub mod wait;
