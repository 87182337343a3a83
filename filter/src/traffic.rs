//! What this VM has seen of the traffic of each application, until it is told: on a tick about once a second, and then forgotten.
//!
//! It decides nothing. A request costs a look into a map when its stream ends, and of a busy application only some are looked
//! at through the host ([`tallygate_core::traffic`]).

use crate::envoy::{self, ProcessData};
use crate::vm::Vm;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use tallygate_core::id::ApplicationId;
use tallygate_core::traffic::{self, MOST_ROWS, Tally};
use tallygate_core::verdict::Reason;
use tallygate_core::wire::{Digest, TrafficRowV1};

/// How often it is told, in milliseconds.
const MERGE_EVERY_MS: u64 = 1_000;

/// Tallies of one VM.
#[derive(Default)]
pub(crate) struct Tallies {
    tallies: RefCell<HashMap<ApplicationId, Tally>>,
    merged_ms: Cell<u64>,
}

/// Whose request went on, and with which key: kept by its stream until that ends.
#[derive(Clone, Copy)]
pub(crate) struct Admitted {
    /// Who calls.
    pub(crate) application: ApplicationId,
    /// The digest of the key it called with.
    pub(crate) key: Option<Digest>,
}

impl Tallies {
    /// The stream of a request that went on has ended; it is the one that is active.
    pub(crate) fn ended(&self, admitted: &Admitted) {
        self.with(admitted.application, |tally| {
            if let Some(counts_for) = tally.answered(admitted.key.as_ref()) {
                let status = envoy::integer_property(["response", "code"]);
                let duration_ns = envoy::integer_property(["request", "duration"]);
                tally.looked_at(status, duration_ns.map(|ns| ns / 1_000), counts_for);
            }
        });
    }

    /// A request was refused.
    pub(crate) fn refused(&self, application: ApplicationId, reason: Reason) {
        self.with(application, |tally| tally.refused(reason));
    }

    /// Adds what was seen to what the process knows, if it is time.
    pub(crate) fn merge(&self, vm: &Vm, now: bool) {
        let now_ms = envoy::clock_ms();
        let since_ms = now_ms.checked_sub(self.merged_ms.get());
        if self.tallies.borrow().is_empty()
            || (!now && since_ms.is_some_and(|since_ms| since_ms < MERGE_EVERY_MS))
        {
            return;
        }
        self.merged_ms.set(now_ms);
        let now_secs = vm.database_ms(now_ms) / 1_000;
        let rows: Vec<TrafficRowV1> = self
            .tallies
            .borrow_mut()
            .drain()
            .map(|(application, tally)| tally.into_row(application, now_secs))
            .collect();
        // Workers tick at about the same time: who is later than another tries again at once, and in the end lets go.
        for _ in 0..8 {
            if traffic::merge(&ProcessData, &vm.keys, &rows).is_ok() {
                return;
            }
        }
    }

    fn with(&self, application: ApplicationId, note: impl FnOnce(&mut Tally)) {
        let mut tallies = self.tallies.borrow_mut();
        if tallies.len() < MOST_ROWS || tallies.contains_key(&application) {
            note(tallies.entry(application).or_default());
        }
    }
}
