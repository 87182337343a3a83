//! Credit on its way to a request: the call for it, and the answer.

use super::super::host::VmHost;
use super::super::{Waiting, layout};
use super::PATIENCE_MS;
use crate::mutation::Mutation;
use crate::network::{Answer, Request};
use crate::task::Pause;
use tallygate_core::admission::asked;
use tallygate_core::contact::Contact;
use tallygate_core::id::ApplicationId;
use tallygate_core::slot::{Charge, slot_of};
use tallygate_core::wire::{AskV1, CreditV1, Instance, LeaseTotalsV1, OutcomeV1};

/// Calls for credit, or waits for the call of another request of this VM.
pub(super) fn wait_for_credit(
    host: &VmHost<'_>,
    instance: Instance,
    application: i64,
    charge: &Charge,
) {
    let (world, vm) = (host.world, host.vm);
    let joined = vm
        .waiting
        .borrow_mut()
        .get_mut(&application)
        .map(|waiting| {
            waiting.count += 1;
            waiting.call
        });
    if let Some(call) = joined {
        host.host.suspend(Pause::Answer(call));
        return;
    }
    let id = ApplicationId(application);
    let group = world.number();
    world.open_call(group, vm.number, instance);
    vm.waiting.borrow_mut().insert(
        application,
        Waiting {
            call: group,
            count: 1,
        },
    );
    let flush = host.flush(instance);
    let cells = asked(&flush, id, charge, 1);
    let epoch = vm.contact.get().epoch;
    let told: Vec<_> = cells.iter().map(|asked| asked.totals).collect();
    let ask = AskV1 {
        instance,
        epoch,
        application: id,
        cells,
    };
    host.step();
    let call = world.call(
        host.gateway.index,
        vm.number,
        instance,
        Request::Ask(ask),
        PATIENCE_MS,
    );
    world.counts.borrow_mut().asks += 1;
    host.host.suspend(Pause::Answer(call));
    vm.waiting.borrow_mut().remove(&application);
    // A client that has gone away applies nothing; those who waited with it are decided again.
    let answered = matches!(world.answer(call), Answer::Ask(_));
    if answered {
        Contact::heard(host, &host.gateway.keys, host.clock_ms());
    } else {
        Contact::failed(host, &host.gateway.keys);
    }
    let has_left = !world.is_quiet.get() && world.scenario.clients_leave && world.one_in(20);
    if let Answer::Ask(answer) = world.answer(call)
        && !has_left
        && answer.outcome != OutcomeV1::Later
        && answer.epoch == epoch
    {
        let mut credits = answer.cells;
        if world.is(Mutation::AddGrants) {
            add_instead(host, instance, application, &told, &mut credits);
        }
        apply(host, instance, application, &credits);
    }
    world.close_call(group);
}

/// Takes in what the control plane says of an application's cells.
pub(crate) fn apply(host: &VmHost<'_>, asked: Instance, application: i64, credits: &[CreditV1]) {
    let now_ms = host
        .clock_ms()
        .saturating_add_signed(host.vm.ahead_ms.get());
    let mut credits = credits.to_vec();
    for told in &mut credits {
        let key = (
            application,
            told.totals.metric.0,
            told.totals.period,
            told.totals.window,
        );
        let mut revisions = host.gateway.told_revisions.borrow_mut();
        let newest = revisions.entry(key).or_insert(told.limits_rev);
        *newest = (*newest).max(told.limits_rev);
        if host.world.is(Mutation::StaleMarkBinds) {
            told.limits_rev = i64::MAX;
        }
    }
    let instance = if host.world.is(Mutation::AnswerOfAnotherInstance) {
        host.gateway.instance().unwrap_or(asked)
    } else {
        asked
    };
    host.flush(instance)
        .apply(ApplicationId(application), &credits, now_ms);
}

/// What must never be done: taking what is told for an amount, and adding it.
fn add_instead(
    host: &VmHost<'_>,
    instance: Instance,
    application: i64,
    told: &[LeaseTotalsV1],
    credits: &mut [CreditV1],
) {
    let flush = host.flush(instance);
    let number = slot_of(ApplicationId(application), host.gateway.keys.slots());
    let (slot, _) = flush.slot(number);
    let known = layout::read(slot.as_bytes()).unwrap_or_default();
    for credit in credits {
        let same = |metric: i64, period, window| {
            (metric, period, window)
                == (
                    credit.totals.metric.0,
                    credit.totals.period,
                    credit.totals.window,
                )
        };
        let before = told
            .iter()
            .find(|told| same(told.metric.0, told.period, told.window))
            .map_or(0, |told| told.granted);
        let more = credit.totals.granted.saturating_sub(before);
        let now = known
            .records
            .iter()
            .filter(|record| record.application == application)
            .flat_map(|record| &record.cells)
            .find(|cell| same(cell.metric, cell.period, cell.window))
            .map_or(0, |cell| cell.granted);
        credit.totals.granted = now + more;
    }
}

/// A refusal must follow from a limit, or from what the control plane said of it in its present revision.
pub(super) fn check_refusal(
    host: &VmHost<'_>,
    application: i64,
    charge: &Charge,
    instance: Instance,
) {
    let number = slot_of(ApplicationId(application), host.gateway.keys.slots());
    let record = host
        .gateway
        .memory
        .borrow()
        .look(&host.gateway.keys.slot(number))
        .and_then(layout::read)
        .filter(|slot| slot.instance == instance)
        .and_then(|slot| {
            let mut records = slot.records.into_iter();
            records.find(|record| record.application == application)
        })
        .unwrap_or_default();
    let revisions = host.gateway.told_revisions.borrow();
    let is_justified = charge.limits.iter().any(|limit| {
        let window = u64::from(limit.window);
        let key = (application, limit.metric.0, limit.period, window);
        let admitted = record
            .cells
            .iter()
            .find(|cell| {
                (cell.metric, cell.period, cell.window) == (limit.metric.0, limit.period, window)
            })
            .map_or(0, |cell| cell.spent + cell.over);
        admitted + limit.delta > limit.value
            || revisions
                .get(&key)
                .is_some_and(|revision| *revision >= charge.limits_rev)
    });
    if !is_justified && host.gateway.instance() == Some(instance) {
        host.world.violate(format!(
            "{} refuses app {application} for no reason: {charge:?}",
            host.vm.name()
        ));
    }
}
