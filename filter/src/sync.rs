//! Talking to the control plane: the snapshot long poll, the sync that carries usage, and the report of traffic.
//!
//! Three calls may be under way at once, one of each kind. Whatever comes of them, the last good snapshot stays and
//! a sealed batch stays: an answer that is lost is asked for again.

use crate::envoy::{self, CallAnswer, ProcessData};
use crate::vm::Vm;
use std::mem::replace;
use std::time::Duration;
use tallygate_core::clock::Measurements;
use tallygate_core::contact::Contact;
use tallygate_core::flush::{Sealed, Sent};
use tallygate_core::intake::{self, Intake};
use tallygate_core::leader;
use tallygate_core::shared::SharedData as _;
use tallygate_core::traffic;
use tallygate_core::wire::{
    self, Cursor, HealthV1, ProductHealthV1, Snapshot, Sync, SyncAnswer, SyncAnswerV1, SyncV1,
    Traffic, TrafficV1,
};

/// Usage is sent this often, in milliseconds; ticks are coarser than that, so it stays under a second.
const SYNC_EVERY_MS: u64 = 750;
/// Once this many batches wait, the control plane is away: then one a minute, and the records keep the rest.
const MANY_WAITING: usize = 4;
const SEAL_WHEN_MANY_WAITING_MS: u64 = 60_000;
/// After a restore, what is held in so many slots is told with each sync, up to so many cells and a slot's more.
const DECLARED_SLOTS: u32 = 8_192;
const DECLARED_CELLS: usize = 2_000;
/// How often it is told what was done for each product, in milliseconds.
const HEALTH_EVERY_MS: u64 = 5_000;
/// How often traffic is reported, in milliseconds.
const TRAFFIC_EVERY_MS: u64 = 5_000;
/// How long the control plane may hold a snapshot call open.
const LONG_POLL_SECS: u64 = 25;
const SNAPSHOT_TIMEOUT: Duration = Duration::from_secs(35);
const SYNC_TIMEOUT: Duration = Duration::from_secs(5);
const LONGEST_BACKOFF_MS: u64 = 5_000;
/// No call is under way for longer, in milliseconds.
const LONGEST_CALL_MS: u64 = 40_000;

/// One kind of call.
#[derive(Debug, Default)]
struct Line {
    token: Option<u32>,
    sent_ms: u64,
    not_before_ms: u64,
    failures: u32,
    refused: bool,
}

/// The calls of one VM.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    snapshot: Line,
    after: Cursor,
    sync: Line,
    traffic: Line,
    /// The report of traffic that is not answered, as it was sent.
    report: Vec<u8>,
    sealed_ms: u64,
    /// What the sync under way was sent as.
    sent: Sent,
    /// Slots below this number have told in it what is held in them.
    declared: u32,
    /// More was waiting than the last batch could carry.
    more: bool,
    /// Credit was returned that no batch has told of.
    returned: bool,
    /// When it was last told what was done for each product.
    health_ms: u64,
    clock: Measurements,
}

impl Calls {
    /// Forgets how calls went under an earlier lease.
    pub(crate) fn begin(&mut self) {
        self.clock = Measurements::default();
        self.snapshot.not_before_ms = 0;
        self.sync.not_before_ms = 0;
    }

    /// Asks for changes, unless a call is under way. `traps` leaders before this one died of an answer: wait longer.
    pub(crate) fn ask_for_snapshot(&mut self, vm: &Vm, traps: u32) {
        let now_ms = envoy::clock_ms();
        if traps > 0 && self.snapshot.not_before_ms == 0 {
            self.snapshot.not_before_ms = now_ms.saturating_add(backoff_ms(traps));
        }
        if !self.snapshot.is_free(now_ms) {
            return;
        }
        self.after = intake::cursor(&intake::header(&ProcessData, &vm.keys));
        let Cursor {
            products,
            applications,
            application,
        } = self.after;
        let path = format!(
            "/gateway/v1/snapshot?after={products}.{applications}.{application}&wait={LONG_POLL_SECS}"
        );
        self.snapshot
            .send(vm, "GET", &path, None, SNAPSHOT_TIMEOUT, now_ms);
    }

    /// Seals what is dirty and sends the oldest batch, or nothing but how the gateway is.
    pub(crate) fn sync(&mut self, vm: &Vm, draining: bool) {
        let now_ms = envoy::clock_ms();
        if !self.sync.is_free(now_ms)
            || (!draining && !has_passed(now_ms, self.sync.sent_ms, SYNC_EVERY_MS))
        {
            return;
        }
        let flush = vm.flush();
        let crowded = flush.outbox().0.batches.len() >= MANY_WAITING
            && !has_passed(now_ms, self.sealed_ms, SEAL_WHEN_MANY_WAITING_MS);
        if draining || !crowded {
            self.returned = false;
            let sealed = flush.seal();
            self.more = sealed == Sealed::Batch { more: true };
            if let Sealed::Batch { .. } = sealed {
                self.sealed_ms = now_ms;
            }
        }
        let outbox = flush.outbox().0;
        self.sent = Sent::of(&outbox);
        let waiting = u32::try_from(outbox.batches.len()).unwrap_or(u32::MAX);
        vm.metrics.batches_waiting.record(u64::from(waiting));
        let (seq, rows) = outbox
            .next()
            .map(|batch| (batch.seq, batch.rows.clone()))
            .unwrap_or_default();
        let (declared, next) = if outbox.epoch != 0 && outbox.declared < vm.keys.slots() {
            let end = outbox.declared.saturating_add(DECLARED_SLOTS);
            let slots = outbox.declared..end.min(vm.keys.slots());
            flush.leases(slots, DECLARED_CELLS, vm.database_ms(now_ms))
        } else {
            (Vec::new(), outbox.declared)
        };
        self.declared = next;
        let health = HealthV1 {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            revision: vm.revision(),
            batches_waiting: waiting,
            rejected_entries: vm.rejected_entries(),
            products: self.product_health(vm, draining, now_ms),
        };
        let body = wire::encode(&Sync::V1(SyncV1 {
            instance: outbox.instance,
            epoch: outbox.epoch,
            seq,
            rows,
            declared,
            draining,
            health,
        }));
        self.sync.send(
            vm,
            "POST",
            "/gateway/v1/sync",
            Some(&body),
            SYNC_TIMEOUT,
            now_ms,
        );
    }

    /// Reports how requests were answered, every few seconds. A report that was lost is sent again under the same number.
    pub(crate) fn report_traffic(&mut self, vm: &Vm, now: bool) {
        let now_ms = envoy::clock_ms();
        if !self.traffic.is_free(now_ms)
            || (!now && !has_passed(now_ms, self.traffic.sent_ms, TRAFFIC_EVERY_MS))
        {
            return;
        }
        if self.report.is_empty() {
            let Some((number, rows)) = traffic::take(&ProcessData, &vm.keys) else {
                return;
            };
            self.report = wire::encode(&Traffic::V1(TrafficV1 {
                instance: vm.instance(),
                number,
                rows,
            }));
        }
        self.traffic.send(
            vm,
            "POST",
            "/gateway/v1/traffic",
            Some(&self.report),
            SYNC_TIMEOUT,
            now_ms,
        );
    }

    /// Nobody else cares what becomes of a report: it says nothing about usage, nor about whether the control plane is there.
    fn reported(&mut self, answer: &CallAnswer) {
        self.traffic.token = None;
        // What is refused is not wanted the next time, either: the control plane may be too old for it.
        let taken = matches!(answer.status, Some(200 | 400..=499));
        self.traffic.went(taken);
        if taken {
            self.report = Vec::new();
        }
    }

    /// Whether usage, or a report of traffic, is still on its way.
    pub(crate) fn is_sending(&self) -> bool {
        self.sync.token.is_some() || self.traffic.token.is_some()
    }

    /// Whether the last sync went well and more usage waits than one batch could take.
    pub(crate) fn has_more(&self, vm: &Vm) -> bool {
        self.sync.failures == 0
            && (self.more || self.returned || vm.flush().outbox().0.next().is_some())
    }

    /// Takes in an answer, if it is to one of these calls. `fence` is that of the lease, if this VM leads.
    pub(crate) fn answered(
        &mut self,
        vm: &Vm,
        token: u32,
        body_size: usize,
        fence: Option<u64>,
    ) -> bool {
        if ![self.snapshot.token, self.sync.token, self.traffic.token].contains(&Some(token)) {
            return false;
        }
        let answer = envoy::call_answer(body_size);
        if self.traffic.token == Some(token) {
            self.reported(&answer);
            return true;
        }
        let refused = matches!(answer.status, Some(401 | 403 | 409));
        let was_refused = if self.snapshot.token == Some(token) {
            self.snapshot.token = None;
            let good = self.take_snapshot(vm, &answer, fence);
            self.snapshot.went(good);
            replace(&mut self.snapshot.refused, refused)
        } else {
            self.sync.token = None;
            let good = self.take_sync(vm, &answer);
            self.sync.went(good);
            replace(&mut self.sync.refused, refused)
        };
        // Said once, not with every try: each kind of call may be refused by itself.
        if refused && !was_refused {
            let why = String::from_utf8_lossy(&answer.body);
            log::error!(
                "the control plane refuses this gateway, which goes on with what it has; give it a new token, or remove the gateway whose place it takes: {why}"
            );
        }
        if refused {
            Contact::refused(&ProcessData, &vm.keys);
            vm.read_contact();
        }
        match answer.status {
            Some(200) => Contact::heard(&ProcessData, &vm.keys, envoy::clock_ms()),
            Some(400..=499) => {}
            _ => Contact::failed(&ProcessData, &vm.keys),
        }
        let any = self.snapshot.refused || self.sync.refused;
        vm.metrics.unauthorized.record(u64::from(any));
        if answer.status != Some(200) {
            vm.metrics.failed_calls.add(1);
        }
        true
    }

    fn take_snapshot(&mut self, vm: &Vm, answer: &CallAnswer, fence: Option<u64>) -> bool {
        if answer.status != Some(200) {
            return false;
        }
        let Some(fence) = fence else { return true };
        // Noted before anything of it is looked at: should it trap this VM, the next leader waits before it asks again.
        leader::mark_busy(&ProcessData, &vm.keys, fence, true);
        let good = self.take_page(vm, &answer.body, fence);
        leader::mark_busy(&ProcessData, &vm.keys, fence, false);
        good
    }

    fn take_page(&mut self, vm: &Vm, body: &[u8], fence: u64) -> bool {
        let Ok(page) = wire::decode(body).map(Snapshot::into_page) else {
            log::error!(
                "the control plane sent a snapshot that this filter cannot read; the last good one stays"
            );
            return false;
        };
        if ProcessData.get(&vm.keys.clock()).0.is_none() {
            // The first answer of all: until a sync measures better, its clock is the database's.
            let here_ms = envoy::clock_ms();
            let ahead_ms = Measurements::default().take(None, here_ms, here_ms, page.now_ms);
            keep_clock(vm, ahead_ms.unwrap_or_default());
        }
        if intake::take(&ProcessData, &vm.keys, fence, self.after, &page) == Intake::Done {
            vm.refresh();
        }
        true
    }

    fn take_sync(&mut self, vm: &Vm, answer: &CallAnswer) -> bool {
        if answer.status != Some(200) {
            return false;
        }
        let Ok(SyncAnswer::V1(answer)) = wire::decode(&answer.body) else {
            log::error!("the control plane answered a sync in a way that this filter cannot read");
            return false;
        };
        self.set_clock(vm, answer.now_ms);
        let left = vm
            .flush()
            .acknowledge(self.sent, answer.epoch, answer.ack, self.declared);
        for (row, why) in &answer.rejected {
            log::error!("the ledger put a row of usage ({row}) in quarantine: {why}");
            vm.metrics.rejected_rows.add(1);
        }
        // What is said of leases is said to the instance and in the epoch that asked.
        if self.sent.instance == vm.instance() && self.sent.epoch == answer.epoch {
            self.take_credit(vm, &answer);
        }
        // Last, so that nothing is spent again that is to be returned.
        Contact::answered(
            &ProcessData,
            &vm.keys,
            answer.epoch,
            self.sync.sent_ms,
            envoy::clock_ms(),
        );
        vm.read_contact();
        let outbox = vm.flush().outbox().0;
        let declaring = outbox.epoch != 0 && outbox.declared < vm.keys.slots();
        if self.returned || declaring || (left && self.has_more(vm)) {
            // More is waiting: no need to wait for it.
            self.sync.sent_ms = 0;
        }
        true
    }

    fn take_credit(&mut self, vm: &Vm, answer: &SyncAnswerV1) {
        let (flush, now_ms) = (vm.flush(), vm.now_ms());
        for told in &answer.credits {
            flush.apply(told.application, &told.cells, now_ms);
        }
        for told in &answer.recalls {
            if flush.recall(told.application, &told.cells, now_ms) {
                self.returned = true;
                vm.metrics.recalls.add(1);
            }
        }
    }

    /// What was done for each product, every few seconds.
    fn product_health(&mut self, vm: &Vm, draining: bool, now_ms: u64) -> Vec<ProductHealthV1> {
        if !draining && !has_passed(now_ms, self.health_ms, HEALTH_EVERY_MS) {
            return Vec::new();
        }
        self.health_ms = now_ms;
        vm.metrics.publish();
        vm.health()
    }

    /// Keeps what tells best how far the database's clock is ahead.
    fn set_clock(&mut self, vm: &Vm, database_ms: u64) {
        let known_ahead_ms = ProcessData
            .get(&vm.keys.clock())
            .0
            .and_then(|bytes| bytes.as_slice().try_into().ok())
            .map(i64::from_le_bytes);
        let ahead_ms = self.clock.take(
            known_ahead_ms,
            self.sync.sent_ms,
            envoy::clock_ms(),
            database_ms,
        );
        if let Some(ahead_ms) = ahead_ms {
            keep_clock(vm, ahead_ms);
        }
    }
}

/// Notes for all VMs how far the database's clock is ahead.
fn keep_clock(vm: &Vm, ahead_ms: i64) {
    let (_, version) = ProcessData.get(&vm.keys.clock());
    // Lost to another leader's measurement: as good as ours.
    let _ = ProcessData.set(&vm.keys.clock(), &ahead_ms.to_le_bytes(), version);
}

impl Line {
    fn is_free(&self, now_ms: u64) -> bool {
        let waits = now_ms < self.not_before_ms
            && self.not_before_ms <= now_ms.saturating_add(LONGEST_BACKOFF_MS);
        // An answer that never comes must not be waited for for ever: its context may have gone.
        let lost = !(self.sent_ms..=self.sent_ms.saturating_add(LONGEST_CALL_MS)).contains(&now_ms);
        (self.token.is_none() || lost) && !waits
    }

    fn send(
        &mut self,
        vm: &Vm,
        method: &str,
        path: &str,
        body: Option<&[u8]>,
        timeout: Duration,
        now_ms: u64,
    ) {
        self.sent_ms = now_ms;
        match envoy::call_control_plane(&vm.config, method, path, body, timeout) {
            Ok(token) => self.token = Some(token),
            Err(status) => {
                // The first moments of an Envoy have no addresses yet: say it only when that lasts.
                if self.failures == 5 {
                    let cluster = &vm.config.cluster;
                    log::error!(
                        "cannot call the cluster `{cluster}` ({status:?}): is it in Envoy's configuration, and does its name resolve?"
                    );
                }
                self.went(false);
            }
        }
    }

    fn went(&mut self, good: bool) {
        self.failures = if good {
            0
        } else {
            self.failures.saturating_add(1)
        };
        self.not_before_ms = if good {
            0
        } else {
            envoy::clock_ms().saturating_add(backoff_ms(self.failures))
        };
    }
}

/// Whether so much time has passed. A clock that was set back has let it pass.
fn has_passed(now_ms: u64, since_ms: u64, period_ms: u64) -> bool {
    now_ms < since_ms || now_ms >= since_ms.saturating_add(period_ms)
}

/// 0.2 s, doubled with every failure up to 5 s, less up to a quarter by chance: gateways do not come back in step.
fn backoff_ms(failures: u32) -> u64 {
    let longest = 100_u64
        .saturating_mul(1 << failures.min(6))
        .min(LONGEST_BACKOFF_MS);
    longest - envoy::random() % (longest / 4 + 1)
}
