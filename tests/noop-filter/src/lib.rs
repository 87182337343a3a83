//! A proxy-wasm filter that lets every request pass: the price of having any such filter at all.
//!
//! `make bench` runs it beside Tallygate, built the same way, so that what the filter itself costs can be told apart
//! from what Envoy's sandbox costs.

#![expect(
    missing_docs,
    reason = "the entry point that `proxy_wasm::main!` makes"
)]

use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{ContextType, LogLevel};

struct Root;
struct Http;

impl Context for Root {}

impl RootContext for Root {
    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Http))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

impl Context for Http {}
impl HttpContext for Http {}

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| -> Box<dyn RootContext> { Box::new(Root) });
}}
