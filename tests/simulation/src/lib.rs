//! The lease and usage protocol, simulated: the core's own code of both sides, under every fault, from a seed.
//!
//! Every piece of a VM's work and every transaction of the control plane is a coroutine that stops before each host
//! call and each statement ([`task`]); a seed decides which goes on next, when time goes on, and what goes wrong
//! ([`schedule`]). What must hold is checked at every admission, every commit and in the end ([`check`],
//! [`schedule`]). `tallygate-soak --seed N --trace` replays a schedule and says what happened in it.
//!
//! Not modelled: the filter's host (Envoy) beyond its shared data, and the SQL itself. [`server`] has the control
//! plane's transactions, statement by statement; its own tests hold the real ones against the databases.

mod check;
mod counts;
mod database;
mod gateway;
mod mutation;
mod network;
mod random;
mod scenario;
mod schedule;
mod server;
mod task;
mod world;

pub use counts::Counts;
pub use mutation::Mutation;
pub use schedule::{Kind, Report, run};
