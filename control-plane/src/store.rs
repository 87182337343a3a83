//! SQL, one file per resource. Never here: HTTP, and decisions about what a caller may do.

pub mod ledger;
pub mod products;
pub mod snapshot;
pub mod stats;
