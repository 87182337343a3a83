//! The control plane: what providers configure, what gateways need to know, and what they have counted.
//!
//! Modules in reading order: how it starts, the routes, the surfaces, the domain, the database, and the
//! commands that work on a running installation.

pub mod app;
pub mod config;
pub mod serve;

pub mod body_limit;
pub mod peer;
pub mod router;

pub mod admin_api;
pub mod agent_api;
pub mod gateway_api;
pub mod liquid;
pub mod openapi;
pub mod ops;
pub mod portal;
pub mod site;

pub mod addresses;
pub mod alerts;
pub mod api_spec;
pub mod charges;
pub mod events;
pub mod fields;
pub mod identity;
pub mod integration;
pub mod invitations;
pub mod leases;
pub mod ledger;
pub mod mail;
pub mod names;
pub mod notifications;
pub mod oidc;
pub mod promote;
pub mod provider;
pub mod publish;
pub mod restore;
pub mod service_tokens;
pub mod signup;
pub mod sso;
pub mod subscriptions;
pub mod throttle;
pub mod upkeep;
pub mod user_links;
pub mod users;
pub mod webhooks;
pub mod write_off;

pub mod applications;
pub mod credentials;
pub mod secrets;
pub mod series;
pub mod stats;

pub mod chart;

pub mod drops;

pub mod db;
pub mod error;
pub mod store;

pub mod admin_client;
pub mod brand;
pub mod catalogue;
pub mod demo;
pub mod gateway_config;
