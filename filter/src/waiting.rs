//! Requests that wait for credit, and the calls that ask for it: of one application at most one call per VM.
//!
//! The first request that finds its credit dry calls by itself, and those that come while the call is under way join it.
//! When the answer is here, each of them is decided again from scratch; whoever is still short takes part in the next call,
//! until its time is up. When the stream that made a call ends early, its call is cancelled, and the root context takes over.

use crate::envoy::{self, ProcessData, RequestHeaders};
use crate::request::{self, Dry, ResponseHeaders, Step};
use crate::traffic::Admitted;
use crate::vm::Vm;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;
use tallygate_core::admission::asked;
use tallygate_core::contact::Contact;
use tallygate_core::flush::Flush;
use tallygate_core::id::ApplicationId;
use tallygate_core::request::FormBody;
use tallygate_core::wire::{self, Ask, AskAnswer, AskAnswerV1, AskV1, Instance, OutcomeV1};

/// How long a call for credit may take.
const TIMEOUT: Duration = Duration::from_secs(1);
/// Who has waited for so long joins no further call, in milliseconds.
const PATIENCE_MS: u64 = 1_000;
/// How soon the root context takes over a call whose stream has gone.
const TAKE_OVER: Duration = Duration::from_millis(1);

/// The calls of one VM that are under way, and who waits for each.
#[derive(Default)]
pub(crate) struct Waiting {
    calls: RefCell<HashMap<ApplicationId, Call>>,
    /// The tick was asked for early.
    early: Cell<bool>,
    /// It was said that the control plane refuses calls.
    said: Cell<bool>,
}

struct Call {
    /// The context that made it.
    caller: u32,
    /// None when that one has gone.
    token: Option<u32>,
    instance: Instance,
    epoch: i64,
    waiters: Vec<Rc<Waiter>>,
}

/// A request that waits.
pub(crate) struct Waiter {
    context: u32,
    headers: RequestHeaders,
    /// The whole form body, where it was read.
    form: Option<Vec<u8>>,
    since_ms: u64,
    /// What became of it.
    pub(crate) outcome: RefCell<Option<Outcome>>,
}

/// What became of a request that waited.
pub(crate) enum Outcome {
    /// It went on; these headers are for its response. Whose it is, unless nobody asked.
    WentOn(ResponseHeaders, Option<Admitted>),
    /// It was answered.
    Answered,
}

// === impl Waiter ===

impl Waiter {
    pub(crate) fn new(context: u32, headers: RequestHeaders, form_body: FormBody<'_>) -> Self {
        Self {
            context,
            headers,
            form: match form_body {
                FormBody::Read(body) => Some(body.to_vec()),
                FormBody::Absent | FormBody::Unread => None,
            },
            since_ms: envoy::clock_ms(),
            outcome: RefCell::new(None),
        }
    }

    /// Decides again and, if that came to something, lets it go. Gives back what it lacks otherwise.
    fn retry(&self, vm: &Vm, heard: bool) -> Option<Dry> {
        // Its stream may have ended since.
        envoy::act_for(self.context).ok()?;
        let now_ms = envoy::clock_ms();
        let waited_ms = now_ms.saturating_sub(self.since_ms);
        let form_body = self
            .form
            .as_deref()
            .map_or(FormBody::Absent, FormBody::Read);
        let patient = heard && waited_ms < PATIENCE_MS;
        let outcome = match request::decide(vm, &self.headers, form_body, patient) {
            Step::Dry(dry) => return Some(dry),
            Step::GoesOn(response, admitted) => Outcome::WentOn(response, admitted),
            Step::Answered => Outcome::Answered,
            // It was decided before without one, or with all of it.
            Step::NeedsBody => {
                request::not_ready(vm);
                Outcome::Answered
            }
        };
        let went_on = matches!(outcome, Outcome::WentOn(..));
        self.outcome.replace(Some(outcome));
        vm.metrics.wait_us.record(waited_ms.saturating_mul(1_000));
        if went_on {
            envoy::resume_request();
        }
        None
    }
}

/// Lets a request wait, with others or by a call of its own. Returns false when that cannot be called.
///
/// The context of the request is the one that is active.
pub(crate) fn join(vm: &Vm, waiter: Rc<Waiter>, dry: &Dry) -> bool {
    let mut calls = vm.waiting.calls.borrow_mut();
    if let Some(call) = calls.get_mut(&dry.application) {
        call.waiters.push(waiter);
    } else {
        let Some(call) = Call::send(vm, waiter.context, dry, vec![waiter]) else {
            return false;
        };
        calls.insert(dry.application, call);
    }
    vm.metrics.waited.add(1);
    dry.metrics.waited.add(1);
    true
}

/// Takes in an answer that came to the context `me`.
pub(crate) fn answered(vm: &Vm, me: u32, token: u32, body_size: usize) {
    let mut calls = vm.waiting.calls.borrow_mut();
    let application = calls
        .iter()
        .find(|(_, call)| call.token == Some(token))
        .map(|(application, _)| *application);
    let Some((application, call)) =
        application.and_then(|application| calls.remove_entry(&application))
    else {
        return;
    };
    drop(calls);
    let answer = envoy::call_answer(body_size);
    match answer.status {
        Some(200) => Contact::heard(&ProcessData, &vm.keys, envoy::clock_ms()),
        // It is there, and this ask made no sense to it.
        Some(status @ 400..=499) => say_once(vm, status, &answer.body),
        _ => Contact::failed(&ProcessData, &vm.keys),
    }
    let told = match (answer.status, wire::decode::<AskAnswer>(&answer.body)) {
        (Some(200), Ok(AskAnswer::V1(told))) => Some(told),
        _ => {
            vm.metrics.failed_calls.add(1);
            None
        }
    };
    let heard = told
        .as_ref()
        .is_some_and(|told| take_in(vm, application, &call, told));
    go_on(vm, me, call.waiters, heard);
}

/// A stream has ended: it waits no longer, and what it had called for is called for by the root context.
pub(crate) fn leave(vm: &Vm, context: u32) {
    let mut calls = vm.waiting.calls.borrow_mut();
    if calls.is_empty() {
        return;
    }
    let mut orphaned = false;
    calls.retain(|_, call| {
        call.waiters.retain(|waiter| waiter.context != context);
        if call.caller == context {
            call.token = None;
            orphaned |= !call.waiters.is_empty();
        }
        call.token.is_some() || !call.waiters.is_empty()
    });
    if orphaned && envoy::act_for(vm.root_context).is_ok() {
        vm.waiting.early.set(true);
        envoy::tick_every(TAKE_OVER);
        let _ = envoy::act_for(context);
    }
}

/// Calls, from the root context, for those whose caller has gone. Returns whether the tick was asked for early for it.
pub(crate) fn take_over(vm: &Vm) -> bool {
    let mut calls = vm.waiting.calls.borrow_mut();
    let orphans: Vec<_> = calls
        .extract_if(|_, call| call.token.is_none())
        .map(|(_, call)| call.waiters)
        .collect();
    drop(calls);
    for waiters in orphans {
        go_on(vm, vm.root_context, waiters, true);
    }
    vm.waiting.early.take()
}

/// Applies an answer. Returns whether it said anything to rely on.
fn take_in(vm: &Vm, application: ApplicationId, call: &Call, told: &AskAnswerV1) -> bool {
    if told.outcome == OutcomeV1::Later || told.epoch != call.epoch {
        return false;
    }
    // Only into the records of the instance that asked.
    let process = Flush {
        data: &ProcessData,
        keys: &vm.keys,
        instance: call.instance,
    };
    process.apply(application, &told.cells, vm.now_ms());
    true
}

/// Decides those that waited again; who is still short waits for the next call, which the context `me` makes.
fn go_on(vm: &Vm, me: u32, waiters: Vec<Rc<Waiter>>, heard: bool) {
    // By application: a key may have moved to another one while its request waited.
    let mut short: Vec<(Dry, Vec<Rc<Waiter>>)> = Vec::new();
    for waiter in waiters {
        if let Some(dry) = waiter.retry(vm, heard) {
            match short
                .iter_mut()
                .find(|(first, _)| first.application == dry.application)
            {
                Some((_, others)) => others.push(waiter),
                None => short.push((dry, vec![waiter])),
            }
        }
    }
    for (dry, waiters) in short {
        if let Some(call) = vm.waiting.calls.borrow_mut().get_mut(&dry.application) {
            call.waiters.extend(waiters);
            continue;
        }
        let called = envoy::act_for(me)
            .ok()
            .and_then(|()| Call::send(vm, me, &dry, waiters.clone()));
        match called {
            // Nobody can have begun another call meanwhile: a VM does one thing at a time.
            Some(call) => drop(vm.waiting.calls.borrow_mut().insert(dry.application, call)),
            None => waiters
                .iter()
                .for_each(|waiter| drop(waiter.retry(vm, false))),
        }
    }
    // What the host is asked next is asked for the context that is active.
    let _ = envoy::act_for(me);
}

/// Says that the control plane refuses what it was asked, if it is the first time.
fn say_once(vm: &Vm, status: u16, body: &[u8]) {
    if !vm.waiting.said.replace(true) {
        let why = String::from_utf8_lossy(body);
        log::error!("the control plane refuses a call for credit with {status}: {why}");
    }
}

// === impl Call ===

impl Call {
    /// Asks for what the first of `waiters` lacks, from the context that is active.
    fn send(vm: &Vm, caller: u32, dry: &Dry, waiters: Vec<Rc<Waiter>>) -> Option<Self> {
        let process = vm.flush();
        let epoch = vm.contact().epoch;
        let cells = asked(
            &process,
            dry.application,
            &dry.charge,
            waiters.len().try_into().unwrap_or(u64::MAX),
        );
        let body = wire::encode(&Ask::V1(AskV1 {
            instance: process.instance,
            epoch,
            application: dry.application,
            cells,
        }));
        let token = envoy::call_control_plane(
            &vm.config,
            "POST",
            "/gateway/v1/leases",
            Some(&body),
            TIMEOUT,
        )
        .ok()?;
        vm.metrics.callouts.add(1);
        dry.metrics.callouts.add(1);
        Some(Self {
            caller,
            token: Some(token),
            instance: process.instance,
            epoch,
            waiters,
        })
    }
}
