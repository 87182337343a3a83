//! SQL of what operators see of leases.
