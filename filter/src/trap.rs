//! Test builds only: traps a VM when a request asks for it, to see what is lost (nothing that was admitted).

use crate::envoy::{ProcessData, RequestHeaders};
use crate::vm::Vm;
use std::cell::Cell;
use tallygate_core::shared::{SharedData as _, Version};

thread_local! {
    /// Uses of shared data that are left before this VM traps.
    static LEFT: Cell<Option<u32>> = const { Cell::new(None) };
}

/// Traps if the request has the header `x-tallygate-trap`. With `x-tallygate-trap-leader: N` the leader's VM traps at its
/// N-th use of shared data from its next tick on.
#[expect(clippy::panic, reason = "a trap is what was asked for")]
pub(crate) fn on_purpose(vm: &Vm, headers: &RequestHeaders) {
    if headers.get("x-tallygate-trap").is_some() {
        panic!("trap on purpose");
    }
    if let Some(uses) = headers.get("x-tallygate-trap-leader") {
        let (_, version) = ProcessData.get(&key(vm));
        let _ = ProcessData.set(&key(vm), uses, version);
    }
}

/// The leader looks whether it is to trap.
pub(crate) fn arm(vm: &Vm) {
    if let (Some(uses), version @ Version::At(_)) = ProcessData.get(&key(vm))
        && let Some(uses) = std::str::from_utf8(&uses)
            .ok()
            .and_then(|uses| uses.parse().ok())
        && ProcessData.set(&key(vm), b"", version).is_ok()
    {
        LEFT.set(Some(uses));
    }
}

/// Shared data are used.
#[expect(clippy::panic, reason = "a trap is what was asked for")]
pub(crate) fn step() {
    match LEFT.get() {
        Some(0) => panic!("trap on purpose, in the leader"),
        Some(left) => LEFT.set(Some(left - 1)),
        None => {}
    }
}

fn key(vm: &Vm) -> String {
    format!("{}.trap", vm.keys.leader())
}
