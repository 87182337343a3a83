//! Test builds only: traps the VM when a request asks for it, to see what is lost (nothing that was admitted).

use crate::envoy::RequestHeaders;

/// Traps if the request has the header `x-tallygate-trap`.
#[expect(clippy::panic, reason = "a trap is what was asked for")]
pub(crate) fn on_purpose(headers: &RequestHeaders) {
    if headers.get("x-tallygate-trap").is_some() {
        panic!("trap on purpose");
    }
}
