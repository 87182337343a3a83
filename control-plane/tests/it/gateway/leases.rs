//! Leases: what is granted, settled, renewed, recalled and written off.

mod agents;
mod asks;
mod hostile;
mod limits;
mod model;
mod operators;
mod process;
mod recalls;
mod replicas;
mod reports;
mod restore;
mod stage;
