//! A VM's tick: who leads, seal, send, sweep; and what is done with the answer.

use super::host::{Doing, VmHost};
use super::request::{apply, read_instance};
use super::{Gateway, State, SyncUnderWay, Vm};
use crate::mutation::Mutation;
use crate::network::{Answer, Request};
use crate::task::Host;
use crate::world::World;
use tallygate_core::contact::Contact;
use tallygate_core::flush::Sent;
use tallygate_core::leader::{Candidate, Role, campaign};
use tallygate_core::shared::SharedData as _;
use tallygate_core::wire::{HealthV1, Instance, SyncAnswerV1, SyncV1};

/// How long a sync may take, in milliseconds.
const TIMEOUT_MS: u64 = 5_000;
/// Ticks between two sweeps.
const SWEEP_EVERY: u64 = 8;
/// Cells declared in one sync.
const DECLARED: usize = 4;

pub(crate) fn tick(world: &World, host: &Host, gateway: &Gateway, vm: &Vm) {
    let host = VmHost::new(world, host, gateway, vm);
    refresh(&host);
    let clock_ms = host.clock_ms();
    let me = Candidate {
        id: vm.number,
        generation: vm.generation,
        serving: vm.worker > 0,
    };
    let role = campaign(&host, &gateway.keys, &me, clock_ms);
    let is_new = matches!(role, Role::Leader { new: true, .. });
    if role == Role::Follower && !world.scenario.everyone_leads {
        return;
    }
    let Some(instance) = vm.instance.get() else {
        return;
    };
    vm.ticks.set(vm.ticks.get() + 1);
    let is_draining = gateway.state.get() == State::Draining;
    if (is_new || is_draining || vm.ticks.get().is_multiple_of(SWEEP_EVERY))
        && !world.is(Mutation::NoSweep)
        && !world.is(Mutation::DropWholeQueue)
        && !world.is(Mutation::ClearUnseen)
    {
        host.flush(instance).sweep(0..gateway.keys.slots());
    }
    let now_ms = clock_ms.saturating_add_signed(vm.ahead_ms.get());
    let mut quiet = vm.quiet.take();
    host.flush(instance)
        .forget(&mut quiet, 0..gateway.keys.slots(), now_ms);
    vm.quiet.replace(quiet);
    if vm.sync.get().is_none() {
        sync(&host, instance);
    }
}

fn refresh(host: &VmHost<'_>) {
    read_instance(host);
    let (clock, _) = host.get(&host.gateway.keys.clock());
    if let Some(ahead) = clock.as_deref().and_then(|bytes| bytes.try_into().ok()) {
        host.vm.ahead_ms.set(i64::from_le_bytes(ahead));
    }
    host.vm.contact.set(Contact::read(host, &host.gateway.keys));
    host.vm
        .snapshot
        .replace(host.gateway.snapshot.borrow().clone());
}

/// Seals what is dirty and sends the oldest batch, or nothing but a greeting.
fn sync(host: &VmHost<'_>, instance: Instance) {
    let (world, gateway, vm) = (host.world, host.gateway, host.vm);
    let flush = host.flush(instance);
    *host.doing.borrow_mut() = Doing::Seal;
    flush.seal();
    *host.doing.borrow_mut() = Doing::Other;
    let (outbox, _) = flush.outbox();
    let (seq, rows) = outbox
        .next()
        .map(|batch| (batch.seq, batch.rows.clone()))
        .unwrap_or_default();
    let now_ms = host.clock_ms().saturating_add_signed(vm.ahead_ms.get());
    let slots = gateway.keys.slots();
    let (mut declared, upto) = if outbox.epoch != 0 && outbox.declared < slots {
        flush.leases(outbox.declared..slots, DECLARED, now_ms)
    } else {
        (Vec::new(), outbox.declared)
    };
    if world.is(Mutation::NoDeclaration) {
        declared.clear();
    }
    if world.is(Mutation::DropWhenSent) && seq > 0 {
        let mut outbox = flush.outbox();
        outbox.0.batches.retain(|batch| batch.seq != seq);
        let _lost = host.set(&gateway.keys.outbox(), &outbox.0.to_bytes(), outbox.1);
    }
    let sent_ms = host.clock_ms();
    let body = SyncV1 {
        instance,
        epoch: outbox.epoch,
        seq,
        rows,
        declared,
        draining: gateway.state.get() == State::Draining,
        health: HealthV1::default(),
    };
    world.counts.borrow_mut().syncs += 1;
    let call = world.call(
        gateway.index,
        vm.number,
        instance,
        Request::Sync(body),
        TIMEOUT_MS,
    );
    let under_way = SyncUnderWay {
        call,
        sent: Sent::of(&outbox),
        sent_ms,
        declared: upto,
    };
    vm.sync.set(Some(under_way));
    if let Some(call) = world.network.borrow_mut().calls.get_mut(&call) {
        call.sync = Some(under_way);
    }
}

/// Takes in the answer to a sync, perhaps for the second time.
pub(crate) fn answered(
    world: &World,
    host: &Host,
    gateway: &Gateway,
    vm: &Vm,
    sync: SyncUnderWay,
    answer: &Answer,
) {
    let host = VmHost::new(world, host, gateway, vm);
    if vm.sync.get().is_some_and(|now| now.call == sync.call) {
        vm.sync.set(None);
    }
    let Answer::Sync(answer) = answer else {
        Contact::failed(&host, &gateway.keys);
        return;
    };
    let now_ms = host.clock_ms();
    gateway
        .heard_ms
        .set(gateway.heard_ms.get().max(sync.sent_ms));
    set_clock(&host, sync.sent_ms, now_ms, answer.now_ms);
    let instance = sync.sent.instance;
    let flush = host.flush(instance);
    flush.acknowledge(sync.sent, answer.epoch, answer.ack, sync.declared);
    // What is said of leases is said to the instance and in the epoch that asked.
    let is_ours = vm.instance.get() == Some(instance) && sync.sent.epoch == answer.epoch;
    if is_ours || world.is(Mutation::AnswerOfAnotherInstance) {
        take_credit(&host, instance, answer);
    }
    // Last, so that nothing is spent again that is to be returned.
    Contact::answered(&host, &gateway.keys, answer.epoch, sync.sent_ms, now_ms);
    vm.contact.set(Contact::read(&host, &gateway.keys));
}

fn take_credit(host: &VmHost<'_>, instance: Instance, answer: &SyncAnswerV1) {
    let (world, vm) = (host.world, host.vm);
    let flush = host.flush(instance);
    for credits in &answer.credits {
        apply(host, instance, credits.application.0, &credits.cells);
    }
    for recall in &answer.recalls {
        world.counts.borrow_mut().recalls += 1;
        let mut cells = recall.cells.clone();
        if world.is(Mutation::RecallWithoutTotal) {
            for cell in &mut cells {
                (cell.granted, cell.spent, cell.returned) = (0, 0, 0);
            }
        }
        let now_ms = host.clock_ms().saturating_add_signed(vm.ahead_ms.get());
        flush.recall(recall.application, &cells, now_ms);
    }
}

/// Keeps what tells best how far the database's clock is ahead.
fn set_clock(host: &VmHost<'_>, sent_ms: u64, now_ms: u64, database_ms: u64) {
    let key = host.gateway.keys.clock();
    let (known, version) = host.get(&key);
    let known_ahead_ms = known
        .and_then(|bytes| bytes.as_slice().try_into().ok())
        .map(i64::from_le_bytes);
    let mut clock = host.vm.clock.get();
    let ahead_ms = clock.take(known_ahead_ms, sent_ms, now_ms, database_ms);
    host.vm.clock.set(clock);
    if let Some(ahead_ms) = ahead_ms {
        // Lost to another leader's measurement: as good as ours.
        let _lost = host.set(&key, &ahead_ms.to_le_bytes(), version);
    }
}
