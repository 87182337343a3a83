//! A control plane with a history, and VMs that lead, read, stall and trap.

use super::*;
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use tallygate_core::intake::Layer;
use tallygate_core::wire::{ConfigV1, CredentialKindV1, CredentialsV1, ErrorsV1, OnDisconnectV1};

pub(super) const VMS: usize = 3;
/// Rows in a page.
const PAGE: usize = 3;

/// One step. A VM that is in the middle of another leaves it out.
#[derive(Clone, Debug)]
pub(super) enum Step {
    ChangeProduct(i64),
    /// The application of that ident, if need be a new one, in place of the one that had the ident.
    ChangeApplication(u32),
    /// So many more, all in one transaction; and there are said to be thousands.
    Grow(u32),
    /// The database is set back by some revisions, and says so with a new epoch.
    Restore(i64),
    /// A VM takes its turn at the lease.
    Campaign(usize),
    /// Time passes, in milliseconds.
    Wait(u64),
    /// A VM asks for changes, leader or not; the answer is on its way from then on.
    Ask(usize),
    /// An answer arrives, and may do so again.
    Take(usize, bool),
    /// A VM reads the header.
    Tick(usize),
    /// A VM looks everybody up in the layer it has seen.
    LookUp(usize),
}

/// What happens just before a VM's next call to its host.
#[derive(Clone, Debug)]
pub(super) enum Twist {
    Nothing,
    Trap,
    Meanwhile(Step),
}

/// What the control plane has in one epoch.
#[derive(Clone, Debug, Default)]
struct Server {
    head: i64,
    products: BTreeMap<i64, ProductV1>,
    /// By ident.
    applications: BTreeMap<u32, ApplicationV1>,
    said_total: u64,
    /// All that applications ever were, in order.
    history: Vec<(u32, ApplicationV1)>,
    /// As it was at each revision.
    backups: Vec<Self>,
}

#[derive(Clone, Debug)]
struct Answer {
    asker: usize,
    after: Cursor,
    page: SnapshotV1,
}

pub(super) struct World {
    memory: Memory,
    keys: Keys,
    now_ms: Cell<u64>,
    seed: u32,
    epoch: Cell<i64>,
    /// By epoch.
    servers: RefCell<BTreeMap<i64, Server>>,
    answers: RefCell<Vec<Answer>>,
    fences: [Cell<Option<u64>>; VMS],
    /// The layer each VM saw last, and up to which revision it had been read as a whole by then.
    seen: [RefCell<Option<(Layer, i64)>>; VMS],
    /// Up to which revision each layer has been read as a whole.
    whole: RefCell<BTreeMap<u32, i64>>,
    busy: [Cell<bool>; VMS],
    twists: RefCell<VecDeque<Twist>>,
}

/// Any configuration.
pub(super) fn config() -> ConfigV1 {
    ConfigV1 {
        version: 1,
        public_urls: Vec::new(),
        rules: Vec::new(),
        credentials: CredentialsV1 {
            kind: CredentialKindV1::UserKey,
            sources: Vec::new(),
            user_key: String::new(),
            app_id: String::new(),
            app_key: String::new(),
            jwt_claim: Vec::new(),
            strip: false,
        },
        errors: ErrorsV1::Problem,
        upstream: None,
        secret_token: String::new(),
        debug_secret: None,
        rate_limit_headers: false,
        form_in_rules: false,
        on_disconnect: OnDisconnectV1::default(),
        backends: Vec::new(),
    }
}

impl World {
    pub(super) fn new(twists: Vec<Twist>, seed: u32) -> Self {
        Self {
            memory: Memory::new(),
            keys: keys(1),
            now_ms: Cell::new(1_795_514_400_000),
            seed,
            epoch: Cell::new(1),
            servers: RefCell::new(BTreeMap::from([(1, Server::default())])),
            answers: RefCell::default(),
            fences: Default::default(),
            seen: Default::default(),
            whole: RefCell::default(),
            busy: Default::default(),
            twists: RefCell::new(twists.into()),
        }
    }

    fn ident(&self, n: u32) -> Digest {
        ident(n.wrapping_add(self.seed))
    }

    pub(super) fn run(&self, step: &Step) {
        match *step {
            Step::ChangeProduct(id) => self.change(|server, head| {
                server.products.insert(id, product(id, head));
            }),
            Step::ChangeApplication(n) => self.change(|server, head| {
                // Sometimes another application comes by that ident.
                let id = i64::from(n) + 1 + head % 2 * 100;
                server.set(n, application(id, head, self.ident(n)));
            }),
            Step::Grow(more) => self.change(|server, head| {
                for n in 10..10 + more {
                    server.set(n, application(i64::from(n) + 1, head, self.ident(n)));
                }
                server.said_total += u64::from(more) * 5_000;
            }),
            Step::Restore(back) => {
                let mut servers = self.servers.borrow_mut();
                let now = &servers[&self.epoch.get()];
                let at = usize::try_from((now.head - back).max(0)).unwrap();
                let mut restored = now.backups.get(at).cloned().unwrap_or_default();
                restored.backups = now.backups[..at.min(now.backups.len())].to_vec();
                self.epoch.set(self.epoch.get() + 1);
                servers.insert(self.epoch.get(), restored);
            }
            Step::Campaign(vm) => self.vm(vm, |data| {
                let me = Candidate {
                    id: vm as u64,
                    generation: 1,
                    serving: vm > 0,
                };
                let role = campaign(data, &self.keys, &me, self.now_ms.get());
                self.fences[vm].set(match role {
                    Role::Leader { fence, .. } => Some(fence),
                    Role::Follower => None,
                });
            }),
            Step::Wait(ms) => self.now_ms.set(self.now_ms.get() + ms),
            Step::Ask(vm) => self.vm(vm, |data| {
                let after = intake::cursor(&intake::header(data, &self.keys));
                let page = self.page(after);
                self.answers.borrow_mut().push(Answer {
                    asker: vm,
                    after,
                    page,
                });
            }),
            Step::Take(n, again) => {
                let answer = {
                    let mut answers = self.answers.borrow_mut();
                    let n = n % answers.len().max(1);
                    match answers.get(n).cloned() {
                        Some(answer) if again => Some(answer),
                        Some(_) => Some(answers.remove(n)),
                        None => None,
                    }
                };
                let Some(answer) = answer else { return };
                self.vm(answer.asker, |data| {
                    // A VM may have lost the lease since it looked last, and led before it asked.
                    if let Some(fence) = self.fences[answer.asker].get() {
                        intake::take(data, &self.keys, fence, answer.after, &answer.page);
                        self.note_whole();
                    }
                });
            }
            Step::Tick(vm) => self.vm(vm, |data| {
                self.note_whole();
                let whole = self.whole.borrow().clone();
                let serving = intake::header(data, &self.keys).serving;
                let seen = serving.map(|layer| {
                    let whole = whole.get(&layer.number).copied();
                    (layer, whole.unwrap_or_default())
                });
                self.seen[vm].replace(seen);
            }),
            Step::LookUp(vm) => self.vm(vm, |data| {
                let seen = self.seen[vm].borrow().clone();
                let Some((layer, whole)) = seen else { return };
                for n in 0..25 {
                    let found = intake::look_up(data, &self.keys, &layer, &self.ident(n));
                    self.check(n, &layer, whole, &found);
                }
            }),
        }
    }

    fn vm(&self, vm: usize, work: impl FnOnce(&Hooked<'_>)) {
        if self.busy[vm].replace(true) {
            return;
        }
        let before = || {
            let twist = self.twists.borrow_mut().pop_front();
            match twist {
                None | Some(Twist::Nothing) => {}
                Some(Twist::Trap) => trap(),
                Some(Twist::Meanwhile(step)) => self.run(&step),
            }
        };
        let done = until_trapped(|| work(&Hooked::new(&self.memory, &before)));
        self.busy[vm].set(false);
        if done.is_none() {
            self.fences[vm].set(None);
            self.seen[vm].replace(None);
            self.answers
                .borrow_mut()
                .retain(|answer| answer.asker != vm);
        }
    }

    /// One transaction.
    fn change(&self, change: impl FnOnce(&mut Server, i64)) {
        let mut servers = self.servers.borrow_mut();
        let server = servers.get_mut(&self.epoch.get()).expect("this epoch's");
        let mut backup = server.clone();
        backup.backups.clear();
        server.backups.push(backup);
        server.head += 1;
        let head = server.head;
        change(server, head);
    }

    fn page(&self, after: Cursor) -> SnapshotV1 {
        let servers = self.servers.borrow();
        let server = &servers[&self.epoch.get()];
        let mut products: Vec<_> = server
            .products
            .values()
            .filter(|product| product.revision > after.products)
            .cloned()
            .collect();
        products.sort_by_key(|product| product.revision);
        let more_products = products.len() > PAGE;
        products.truncate(PAGE);
        let mut applications: Vec<_> = server
            .applications
            .values()
            .filter(|row| (row.revision, row.id.0) > (after.applications, after.application))
            .cloned()
            .collect();
        applications.sort_by_key(|row| (row.revision, row.id));
        let room = if more_products {
            0
        } else {
            PAGE - products.len()
        };
        let complete = !more_products && applications.len() <= room;
        applications.truncate(room);
        let mut next = after;
        if let Some(product) = products.last() {
            next.products = product.revision;
        }
        if let Some(row) = applications.last() {
            (next.applications, next.application) = (row.revision, row.id.0);
        }
        if complete {
            next = Cursor {
                products: server.head,
                applications: server.head,
                application: i64::MAX,
            };
        }
        SnapshotV1 {
            epoch: self.epoch.get(),
            now_ms: 0,
            next,
            complete,
            applications_total: server.said_total + server.applications.len() as u64,
            products,
            applications,
        }
    }

    /// A cursor without an id says that all was read up to it. In between, what changed again is still to come.
    fn note_whole(&self) {
        if let Some(layer) = intake::header(&self.memory, &self.keys).serving
            && layer.cursor.application == i64::MAX
        {
            let revision = layer.cursor.applications;
            self.whole.borrow_mut().insert(layer.number, revision);
        }
    }

    /// What a reader found, by a header that it has read at some time: an application that was in that snapshot must be
    /// found, as it was then or later.
    fn check(&self, n: u32, layer: &Layer, whole: i64, found: &Lookup) {
        let servers = self.servers.borrow();
        let history = &servers[&layer.epoch].history;
        let of_ident: Vec<_> = history.iter().filter(|(ident, _)| *ident == n).collect();
        let then = of_ident.iter().rposition(|(_, row)| row.revision <= whole);
        let allowed = &of_ident[then.unwrap_or_default()..];
        match found {
            Lookup::Found(found) => assert!(
                allowed.iter().any(|(_, row)| {
                    let row = (row.id, row.plan, row.live, &row.keys);
                    row == (found.id, found.plan, found.live, &found.keys)
                }),
                "{n}: {found:?} by {layer:?}, but it was {allowed:?}"
            ),
            Lookup::Unknown => assert!(then.is_none(), "{n} is unknown, but it was {allowed:?}"),
            Lookup::NotReady => {}
        }
    }

    /// Nothing more happens by chance: the process catches up.
    pub(super) fn settle(&self) {
        self.twists.borrow_mut().clear();
        self.answers.borrow_mut().clear();
        self.now_ms.set(self.now_ms.get() + 10_000);
        for round in 0.. {
            assert!(round < 100, "it never catches up");
            self.run(&Step::Campaign(0));
            self.run(&Step::Ask(0));
            let complete = self
                .answers
                .borrow()
                .iter()
                .all(|answer| answer.page.complete);
            self.run(&Step::Take(0, false));
            let header = intake::header(&self.memory, &self.keys);
            let caught_up = header
                .serving
                .is_some_and(|layer| layer.epoch == self.epoch.get());
            if complete && caught_up && header.loading.is_none() {
                break;
            }
        }
        let servers = self.servers.borrow();
        let server = &servers[&self.epoch.get()];
        let layer = intake::header(&self.memory, &self.keys)
            .serving
            .expect("a layer");
        assert_eq!(layer.cursor.products, server.head);
        for n in 0..25 {
            let found = intake::look_up(&self.memory, &self.keys, &layer, &self.ident(n));
            let found = match found {
                Lookup::Found(found) => {
                    Some((found.id, found.plan, found.live, found.keys.clone()))
                }
                Lookup::Unknown => None,
                Lookup::NotReady => unreachable!("the layer serves"),
            };
            let row = server.applications.get(&n).cloned();
            assert_eq!(
                found,
                row.map(|row| (row.id, row.plan, row.live, row.keys)),
                "{n}"
            );
        }
        let mut products = layer.products.clone();
        products.sort_unstable();
        let expected = server
            .products
            .values()
            .filter(|product| product.config.is_some());
        let expected: Vec<_> = expected
            .map(|product| (product.id, product.revision))
            .collect();
        assert_eq!(products, expected);
        for (id, _) in products {
            let bytes = self.memory.get(&self.keys.product(layer.number, id.0)).0;
            let product: ProductV1 = decode(&bytes.expect("it stands there")).expect("readable");
            assert_eq!(Some(&product), server.products.get(&id.0));
        }
    }
}

impl Server {
    fn set(&mut self, n: u32, row: ApplicationV1) {
        self.history.push((n, row.clone()));
        self.applications.insert(n, row);
    }
}
