//! The control plane.
pub mod admin_client;
pub mod gateway_config;
