//! The Service Management API: what agents that are not our gateways ask and report.

mod authorize;
mod hostile;
mod once;
mod report;
mod service_tokens;
mod world;
