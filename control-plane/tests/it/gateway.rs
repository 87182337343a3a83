//! What gateways see and send: snapshots, usage, and the statistics that come of it.

mod alerts;
mod backends;
mod claims;
mod leases;
mod ledger;
mod ledger_model;
mod quarantine;
mod snapshot;
mod snapshot_model;
mod stats;
mod story;
mod traffic;
mod world;
