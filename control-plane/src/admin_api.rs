//! The Account Management API: 3scale's paths, parameters and shapes, so that its clients work unchanged.
//!
//! A handler here reads parameters, makes one call into the domain (`store` and friends), and returns an
//! [`format::Answer`]. Never here: SQL, and any knowledge of XML or JSON outside `format`.

pub mod access;
pub mod access_tokens;
pub mod accounts;
pub mod active_docs;
pub mod alerts;
pub mod application_plans;
pub mod applications;
pub mod audit_log;
pub mod auth;
pub mod authentication_providers;
pub mod backend_apis;
pub mod backend_usages;
pub mod cms;
pub mod etag;
pub mod fields_definitions;
pub mod format;
pub mod gateway_files;
pub mod gateways;
pub mod idempotency;
pub mod integration;
pub mod keys;
pub mod lifecycle;
pub mod limits;
pub mod mapping_rules;
pub mod metrics;
pub mod notification_preferences;
pub mod objects;
pub mod oidc;
pub mod page;
pub mod params;
pub mod path;
pub mod provider;
pub mod provider_users;
pub mod proxy;
pub mod proxy_configs;
pub mod service_gateways;
pub mod service_tokens;
pub mod services;
pub mod settings;
pub mod shapes;
pub mod signup;
pub mod sso_tokens;
pub mod users;
pub mod webhooks;
pub mod writes;
