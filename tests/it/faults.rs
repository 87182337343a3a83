//! Faults under load. After each, what clients counted, what came to the upstream and what the ledger holds is one
//! number, and not more than the limit.

mod pressure;

mod answers_lost;
mod client_leaves;
mod control_plane_killed;
mod database_killed;
mod drain;
mod network_cut;
mod reload;
mod traps;
mod upload;
