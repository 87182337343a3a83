//! A request at a gateway: decided, and if its credit is dry, asked for, at most twice.

mod credit;

use credit::{check_refusal, wait_for_credit};

pub(crate) use credit::apply;

use super::host::{Admitting, Doing, VmHost};
use super::{Gateway, Vm};
use crate::mutation::Mutation;
use crate::task::Host;
use crate::world::World;
use tallygate_core::admission::{Admission, admit, admit_guarded};
use tallygate_core::credit::Moment;
use tallygate_core::id::ApplicationId;
use tallygate_core::wire::Instance;

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Admitted,
    Refused,
    Unavailable,
}

/// Calls that one request may wait for.
const CALLS: u32 = 2;
/// How long a request waits for an answer, in milliseconds.
const PATIENCE_MS: u64 = 1_000;

pub(crate) fn request(
    world: &World,
    host: &Host,
    gateway: &Gateway,
    vm: &Vm,
    application: i64,
    usage: &[(i64, u64)],
) -> Outcome {
    let host = VmHost::new(world, host, gateway, vm);
    let outcome = decide(&host, application, usage);
    let mut counts = world.counts.borrow_mut();
    match outcome {
        Outcome::Admitted => {}
        Outcome::Refused => counts.refused += 1,
        Outcome::Unavailable => counts.unavailable += 1,
    }
    drop(counts);
    world.trace(|| format!("{} app {application} {usage:?}: {outcome:?}", vm.name()));
    outcome
}

fn decide(host: &VmHost<'_>, application: i64, usage: &[(i64, u64)]) -> Outcome {
    let vm = host.vm;
    let id = ApplicationId(application);
    let mut calls = 0;
    let mut others = 0;
    loop {
        let clock_ms = host.clock_ms();
        let Some(instance) = vm.instance.get().or_else(|| read_instance(host)) else {
            return Outcome::Unavailable;
        };
        let contact = vm.contact.get();
        let moment = Moment {
            now_ms: clock_ms.saturating_add_signed(vm.ahead_ms.get()),
            credit_is_valid: contact.credit_is_valid(clock_ms)
                || host.world.is(Mutation::ExpiredCreditSpent),
            may_overdraw: host.world.scenario.allows_overdraft && contact.is_away(clock_ms),
        };
        let snapshot = vm.snapshot.borrow().clone();
        let mut charge = snapshot.charge(application, usage, moment.now_ms);
        *host.doing.borrow_mut() = Doing::Admit(Admitting {
            application,
            usage: usage.to_vec(),
            limits: charge
                .limits
                .iter()
                .map(|limit| (limit.metric.0, limit.period, limit.delta, limit.value))
                .collect(),
            clock_ms,
        });
        let flush = host.flush(instance);
        host.was_ghost.set(false);
        let admission = if host.world.scenario.guards_against_wipes {
            admit_guarded(&flush, id, &mut charge, &moment)
        } else {
            admit(&flush, id, &mut charge, &moment)
        };
        *host.doing.borrow_mut() = Doing::Other;
        match admission {
            Admission::Admitted { .. } => {
                if host.was_ghost.get() && host.world.scenario.guards_against_wipes {
                    host.world.violate(format!(
                        "I2: {} admits app {application} where no flush will look",
                        vm.name()
                    ));
                }
                return Outcome::Admitted;
            }
            Admission::Exceeded => {
                check_refusal(host, application, &charge, instance);
                return Outcome::Refused;
            }
            Admission::Contended => return Outcome::Unavailable,
            Admission::OtherInstance => {
                others += 1;
                read_instance(host);
                if others > 3 {
                    return Outcome::Unavailable;
                }
            }
            Admission::Dry => {
                if calls == CALLS || contact.is_away(clock_ms) {
                    return Outcome::Unavailable;
                }
                calls += 1;
                wait_for_credit(host, instance, application, &charge);
            }
        }
    }
}

pub(crate) fn read_instance(host: &VmHost<'_>) -> Option<Instance> {
    let fresh = || {
        let number = host.world.number();
        let mut instance = [0; 16];
        instance[0] = u8::try_from(number % 251).unwrap_or_default();
        instance[1..9].copy_from_slice(&number.to_be_bytes());
        instance
    };
    let instance = tallygate_core::shared::instance(host, &host.gateway.keys, fresh);
    host.vm.instance.set(instance);
    instance
}
