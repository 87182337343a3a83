//! One Envoy process with three VMs, the network, and a ledger: what the random schedules play with.

use super::ledger::{Ledger, Message, Reply};
use super::*;
use std::collections::VecDeque;
use tallygate_core::shared::instance;
use tallygate_core::wire::AskedCellV1;

/// Usage by application, metric and minute.
pub(super) type Counts = BTreeMap<(i64, i64, u32), u64>;

/// What a request uses: metric and delta.
const USAGES: [&[(i64, u64)]; 4] = [&[(1, 1)], &[(1, 2)], &[(2, 1)], &[(1, 1), (2, 1)]];
/// Metric, period and value.
pub(super) const LIMITS: [(i64, Period, u64); 3] = [
    (1, Period::Minute, 5),
    (1, Period::Hour, 12),
    (2, Period::Minute, 3),
];
pub(super) const VMS: usize = 3;
pub(super) const SLOTS: u32 = 2;

/// One step of a schedule. A VM that is in the middle of another step leaves it out.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// A request of an application that uses one of the usages.
    Admit(usize, i64, usize),
    Seal(usize),
    /// The oldest batch, or nothing but a greeting, goes out.
    Send(usize),
    /// A message on its way reaches the ledger, and may do so again.
    Deliver(usize, bool),
    /// An answer on its way reaches its sender, and may do so again.
    Answer(usize, bool),
    /// It never does.
    LoseAnswer(usize),
    Sweep(usize),
    /// A VM looks which instance it belongs to.
    Tick(usize),
    /// Time passes, in seconds.
    Wait(u64),
    /// Shared data are lost while VMs live on.
    Wipe,
}

/// What happens just before a VM's next call to its host.
#[derive(Clone, Debug)]
pub(super) enum Twist {
    Nothing,
    Trap,
    Meanwhile(Step),
}

pub(super) struct World {
    pub(super) memory: Memory,
    pub(super) keys: Keys,
    pub(super) now_secs: Cell<u64>,
    pub(super) instances_made: Cell<u8>,
    /// The instance each VM believes in.
    pub(super) known: [Cell<Option<Instance>>; VMS],
    pub(super) busy: [Cell<bool>; VMS],
    pub(super) twists: RefCell<VecDeque<Twist>>,
    pub(super) ledger: RefCell<Ledger>,
    /// Each instance has a limit of its own: what else was granted of it is not these schedules' business.
    pub(super) control_planes: RefCell<BTreeMap<Instance, ControlPlane>>,
    pub(super) messages: RefCell<Vec<Message>>,
    pub(super) replies: RefCell<Vec<Reply>>,
    pub(super) admitted: RefCell<BTreeMap<Instance, Counts>>,
}

impl World {
    pub(super) fn new(twists: Vec<Twist>) -> Self {
        Self {
            memory: Memory::new(),
            keys: keys(SLOTS),
            now_secs: Cell::new(1_000_000_000),
            instances_made: Cell::new(0),
            known: Default::default(),
            busy: Default::default(),
            twists: RefCell::new(twists.into()),
            ledger: RefCell::new(Ledger {
                epoch: 7,
                ..Ledger::default()
            }),
            control_planes: RefCell::default(),
            messages: RefCell::default(),
            replies: RefCell::default(),
            admitted: RefCell::default(),
        }
    }

    /// Carries a step out, with whatever happens in between.
    pub(super) fn run(&self, step: &Step) {
        match step {
            &Step::Admit(vm, application, usage) => self.admit(vm, application, USAGES[usage]),
            &Step::Seal(vm) => self.vm(vm, |flush| _ = flush.seal()),
            &Step::Send(vm) => self.vm(vm, |flush| {
                let outbox = flush.outbox().0;
                let (seq, rows) = outbox
                    .next()
                    .map(|batch| (batch.seq, batch.rows.clone()))
                    .unwrap_or_default();
                self.messages.borrow_mut().push(Message {
                    sender: vm,
                    sent: Sent::of(&outbox),
                    seq,
                    rows,
                });
            }),
            &Step::Deliver(n, again) => {
                if let Some(message) = pick(&self.messages, n, again) {
                    let current = self.current() == Some(message.sent.instance);
                    let reply = self.ledger.borrow_mut().take(&message, current);
                    self.replies.borrow_mut().extend(reply);
                }
            }
            &Step::Answer(n, again) => {
                if let Some(reply) = pick(&self.replies, n, again) {
                    self.vm(reply.sender, |flush| {
                        flush.acknowledge(reply.sent, reply.epoch, reply.ack, 0);
                    });
                }
            }
            &Step::LoseAnswer(n) => drop(pick(&self.replies, n, false)),
            &Step::Sweep(vm) => self.vm(vm, |flush| flush.sweep(0..SLOTS)),
            &Step::Tick(vm) => self.known[vm].set(None),
            &Step::Wait(secs) => self.now_secs.set(self.now_secs.get() + secs),
            Step::Wipe => self.memory.wipe(),
        }
    }

    /// Lets a VM flush. One that is busy cannot; one that traps begins anew.
    fn vm(&self, vm: usize, work: impl FnOnce(&Flush<'_, Hooked<'_>>)) {
        self.watched_vm(vm, &|_, _, _| {}, |flush| {
            work(flush);
            Some(())
        });
    }

    fn watched_vm<T>(
        &self,
        vm: usize,
        wrote: &Wrote<'_>,
        work: impl FnOnce(&Flush<'_, Hooked<'_>>) -> Option<T>,
    ) -> Option<T> {
        if self.busy[vm].replace(true) {
            return None;
        }
        let before = || self.twist();
        let wrote = |key: &str, old: Option<&[u8]>, new: &[u8]| {
            wrote(key, old, new);
            self.check();
        };
        let data = Hooked::new(&self.memory, &before).watched(&wrote);
        let done = until_trapped(|| {
            let known = self.known[vm].get();
            let instance = known.or_else(|| instance(&data, &self.keys, || self.fresh()))?;
            self.known[vm].set(Some(instance));
            work(&Flush {
                data: &data,
                keys: &self.keys,
                instance,
            })
        });
        self.busy[vm].set(false);
        if done.is_none() {
            self.known[vm].set(None);
        }
        done.flatten()
    }

    fn twist(&self) {
        let twist = self.twists.borrow_mut().pop_front();
        match twist {
            None | Some(Twist::Nothing) => {}
            Some(Twist::Trap) => trap(),
            Some(Twist::Meanwhile(step)) => self.run(&step),
        }
    }

    fn fresh(&self) -> Instance {
        self.instances_made.set(self.instances_made.get() + 1);
        [self.instances_made.get(); 16]
    }

    fn admit(&self, vm: usize, application: i64, usage: &[(i64, u64)]) {
        let now_secs = self.now_secs.get();
        let slot_key = self
            .keys
            .slot(slot_of(ApplicationId(application), self.keys.slots()));
        // As the filter does: who finds another instance reads which, and tries again.
        for _ in 0..2 {
            let mut charge = charge(usage, &LIMITS, now_secs);
            let admissions = Cell::new(0);
            let wrote = |key: &str, old: Option<&[u8]>, new: &[u8]| {
                if key == slot_key && self.note_admission(application, usage, old, new) {
                    admissions.set(admissions.get() + 1);
                }
            };
            let admission = self.watched_vm(vm, &wrote, |flush| {
                let ask = |asked: &[AskedCellV1]| self.ask(flush, application, asked);
                let (application, moment) = (ApplicationId(application), moment(now_secs));
                Some(admit_or_ask(flush, application, &mut charge, &moment, ask))
            });
            match admission {
                Some(Admission::Admitted { .. }) => assert_eq!(admissions.get(), 1),
                // The VM was busy, or it was trapped: then nobody was told.
                None => assert!(admissions.get() <= 1),
                Some(_) => assert_eq!(admissions.get(), 0),
            }
            if admission != Some(Admission::OtherInstance) {
                return;
            }
            self.known[vm].set(None);
        }
    }

    /// The answer may come late: until it has, anything may happen.
    fn ask(&self, flush: &Flush<'_, Hooked<'_>>, application: i64, asked: &[AskedCellV1]) {
        let application = ApplicationId(application);
        let told = self
            .control_planes
            .borrow_mut()
            .entry(flush.instance)
            .or_insert_with(|| ControlPlane::new(flush.instance, &LIMITS))
            .ask(application, asked, self.now_secs.get() * 1_000);
        self.twist();
        flush.apply(application, &told, self.now_secs.get() * 1_000);
    }

    /// Nothing more happens by chance: all is swept, sealed and sent until nothing is left.
    pub(super) fn settle(&self) {
        self.twists.borrow_mut().clear();
        (0..VMS).for_each(|vm| self.run(&Step::Tick(vm)));
        self.run(&Step::Sweep(0));
        for round in 0.. {
            assert!(round < 100, "the flush never ends");
            if round > 1 && self.is_flushed() {
                break;
            }
            self.run(&Step::Seal(1));
            self.run(&Step::Send(1));
            let newest = self.messages.borrow().len().saturating_sub(1);
            self.run(&Step::Deliver(newest, false));
            let newest = self.replies.borrow().len().saturating_sub(1);
            self.run(&Step::Answer(newest, false));
        }
        self.check();
        let instance = self.current().expect("one was made");
        let ledger = self.ledger.borrow();
        assert_eq!(
            ledger.counts.get(&instance).cloned().unwrap_or_default(),
            self.admitted
                .borrow()
                .get(&instance)
                .cloned()
                .unwrap_or_default(),
            "the ledger has what was admitted"
        );
        assert!(
            self.memory.bytes("dirty.") <= 4 * 12,
            "nothing is left in the queues"
        );
    }
}

/// Takes something that is on its way; it stays there too when it is to come again.
fn pick<T: Clone>(on_its_way: &RefCell<Vec<T>>, n: usize, again: bool) -> Option<T> {
    let mut on_its_way = on_its_way.borrow_mut();
    let n = n % on_its_way.len().max(1);
    if again {
        on_its_way.get(n).cloned()
    } else {
        (n < on_its_way.len()).then(|| on_its_way.remove(n))
    }
}
