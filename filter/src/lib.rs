//! Tallygate inside Envoy: a proxy-wasm filter that checks credentials, maps paths to metrics and decides
//! plan limits locally.
//!
//! In reading order: `config` is what the operator wrote, `root` is one VM's life (`leader` work in `sync`),
//! `http` is one request's stream and `request` its decision, `waiting` is where it waits for credit, `traffic` what is
//! noted when it has ended. `envoy` is the only file that calls the host. What is decided is in `tallygate-core`.

#![expect(
    missing_docs,
    reason = "the entry point that `proxy_wasm::main!` makes"
)]

mod config;
mod debug;
mod envoy;
mod fingerprint;
mod http;
mod metrics;
mod recent;
mod request;
mod root;
mod sync;
mod traffic;
#[cfg(feature = "trap")]
mod trap;
mod upstream;
mod vm;
mod waiting;

use proxy_wasm::traits::RootContext;
use proxy_wasm::types::LogLevel;

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|context| -> Box<dyn RootContext> {
        Box::new(root::Root::new(context))
    });
}}
