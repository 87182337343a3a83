//! Calls between gateways and replicas: delayed, lost, repeated, overtaken.

use crate::gateway::SyncUnderWay;
use crate::schedule::Event;
use crate::world::World;
use std::collections::BTreeMap;
use tallygate_core::wire::{
    AskAnswerV1, AskV1, Instance, SyncAnswerV1, SyncV1, UsageRowV1, decode,
};

#[derive(Clone, Debug)]
pub(crate) enum Request {
    Ask(AskV1),
    Sync(SyncV1),
}

#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Ask(AskAnswerV1),
    Sync(SyncAnswerV1),
    /// None came, or none that says anything.
    Nothing,
}

#[derive(Clone, Debug)]
pub(crate) enum Message {
    Request {
        call: u64,
        gateway: usize,
        request: Request,
    },
    Answer {
        call: u64,
        gateway: usize,
        answer: Answer,
    },
}

/// A call that a VM has made.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) vm: u64,
    /// For whom it was made.
    pub(crate) instance: Instance,
    /// Of an ask: whose credit.
    pub(crate) application: Option<i64>,
    pub(crate) sync: Option<SyncUnderWay>,
    pub(crate) answer: Option<Answer>,
}

#[derive(Debug, Default)]
pub(crate) struct Network {
    pub(crate) calls: BTreeMap<u64, Call>,
}

impl Network {
    /// Whether a call is over, with an answer or without.
    pub(crate) fn is_answered(&self, call: u64) -> bool {
        self.calls
            .get(&call)
            .is_none_or(|call| call.answer.is_some())
    }
}

impl World {
    /// Something that others wait for in the same VM.
    pub(crate) fn open_call(&self, call: u64, vm: u64, instance: Instance) {
        let waiting = Call {
            vm,
            instance,
            application: None,
            sync: None,
            answer: None,
        };
        self.network.borrow_mut().calls.insert(call, waiting);
    }

    pub(crate) fn close_call(&self, call: u64) {
        if let Some(call) = self.network.borrow_mut().calls.get_mut(&call) {
            call.answer = Some(Answer::Nothing);
        }
    }

    /// Sends a request; the answer, or that there is none, will be known under the number that comes back.
    pub(crate) fn call(
        &self,
        gateway: usize,
        vm: u64,
        instance: Instance,
        request: Request,
        timeout_ms: u64,
    ) -> u64 {
        let call = self.number();
        self.open_call(call, vm, instance);
        if let Request::Ask(ask) = &request
            && let Some(call) = self.network.borrow_mut().calls.get_mut(&call)
        {
            call.application = Some(ask.application.0);
        }
        self.trace(|| format!("call {call} of g{gateway}#{vm}: {}", brief(&request)));
        self.after(timeout_ms, Event::Timeout { gateway, call });
        self.send(Message::Request {
            call,
            gateway,
            request,
        });
        call
    }

    pub(crate) fn answer(&self, call: u64) -> Answer {
        let network = self.network.borrow();
        let answer = network
            .calls
            .get(&call)
            .and_then(|call| call.answer.clone());
        answer.unwrap_or(Answer::Nothing)
    }

    /// Puts a message on its way: it may be lost, late, or come twice.
    pub(crate) fn send(&self, message: Message) {
        let latency_ms = self.scenario.latency_ms;
        let mut random = self.random.borrow_mut();
        let mut delay_ms = random.between(1, latency_ms);
        if !self.is_quiet.get() {
            let mut counts = self.counts.borrow_mut();
            if random.percent(self.scenario.lost_percent) {
                counts.lost += 1;
                return;
            }
            if random.percent(self.scenario.twice_percent) {
                counts.twice += 1;
                let delay_ms = delay_ms + random.between(0, 3_000);
                self.after(delay_ms, Event::Deliver(message.clone()));
            }
            if random.percent(self.scenario.late_percent) {
                counts.late += 1;
                delay_ms += random.between(500, 12_000);
            }
        }
        drop(random);
        self.after(delay_ms, Event::Deliver(message));
    }
}

/// A request, for the trace.
fn brief(request: &Request) -> String {
    match request {
        Request::Ask(ask) => {
            let cells = ask.cells.iter().map(|asked| {
                let totals = &asked.totals;
                format!(
                    "{}/{}@{} need {} ({}/{}/{})",
                    totals.metric,
                    totals.period.as_str(),
                    totals.window,
                    asked.need,
                    totals.granted,
                    totals.spent,
                    totals.returned
                )
            });
            let cells: Vec<_> = cells.collect();
            format!("ask app {} {}", ask.application, cells.join(", "))
        }
        Request::Sync(sync) => {
            let rows: Vec<UsageRowV1> = decode(&sync.rows).unwrap_or_default();
            format!(
                "sync of {} epoch {} seq {}{} {rows:?} declared {:?}",
                sync.instance[0],
                sync.epoch,
                sync.seq,
                if sync.draining { " draining" } else { "" },
                sync.declared
            )
        }
    }
}
