//! What one VM knows: copies of what stands in shared data, made anew when that changes.
//!
//! Nothing here is the only copy of anything, so a VM that traps loses nothing and its successor needs to ask
//! nobody but shared data.

use crate::config::Config;
use crate::envoy::{self, ProcessData};
use crate::fingerprint::Fingerprint;
use crate::metrics::Metrics;
use crate::recent::Recent;
use crate::traffic::Tallies;
use crate::waiting::Waiting;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use tallygate_core::compiled::{Catalogue, Product};
use tallygate_core::contact::Contact;
use tallygate_core::decide::{Credentials, Digests, Directory, Lookup};
use tallygate_core::directory::Application;
use tallygate_core::flush::Flush;
use tallygate_core::id::ProductId;
use tallygate_core::intake::{self, Layer};
use tallygate_core::shared::{self, Keys, SharedData as _};
use tallygate_core::wire::{self, Digest, Instance, ProductHealthV1, ProductV1};

/// Of so many requests the duration of one is recorded.
const SAMPLED: u32 = 16;

/// One VM's state.
pub(crate) struct Vm {
    /// What the operator wrote.
    pub(crate) config: Config,
    /// Names in shared data.
    pub(crate) keys: Keys,
    /// This VM among those of the process.
    pub(crate) id: u64,
    /// The root context that it belongs to.
    pub(crate) root_context: u32,
    /// Whether it has seen a request.
    pub(crate) serving: Cell<bool>,
    /// Requests that wait for credit.
    pub(crate) waiting: Waiting,
    /// How requests were answered, since it was last told.
    pub(crate) traffic: Tallies,
    finished: Cell<u32>,
    rejected_entries: Cell<u32>,
    /// Counters.
    pub(crate) metrics: Metrics,
    instance: Cell<Option<Instance>>,
    clock_ahead_ms: Cell<i64>,
    contact: Cell<Contact>,
    seen: RefCell<Option<Layer>>,
    products: RefCell<HashMap<ProductId, Arc<Product>>>,
    catalogue: RefCell<Option<Rc<Catalogue>>>,
    applications: RefCell<Recent<Arc<Application>>>,
    digests: RefCell<Recent<Digests>>,
    fingerprint: Fingerprint,
}

// === impl Vm ===

impl Vm {
    pub(crate) fn new(config: Config, root_context: u32) -> Self {
        let vm = Self {
            keys: config.keys(),
            config,
            id: envoy::random(),
            root_context,
            serving: Cell::new(false),
            waiting: Waiting::default(),
            traffic: Tallies::default(),
            finished: Cell::new(0),
            rejected_entries: Cell::new(0),
            metrics: Metrics::define(),
            instance: Cell::new(None),
            clock_ahead_ms: Cell::new(0),
            contact: Cell::default(),
            seen: RefCell::new(None),
            products: RefCell::default(),
            catalogue: RefCell::new(None),
            applications: RefCell::default(),
            digests: RefCell::default(),
            fingerprint: Fingerprint::new(),
        };
        vm.refresh();
        vm
    }

    /// Looks at what may have changed in shared data since the last tick.
    pub(crate) fn refresh(&self) {
        self.read_instance();
        self.read_contact();
        let clock = ProcessData
            .get(&self.keys.clock())
            .0
            .and_then(|bytes| Some(i64::from_le_bytes(bytes.try_into().ok()?)));
        self.clock_ahead_ms.set(clock.unwrap_or_default());
        let header = intake::header(&ProcessData, &self.keys);
        let Some(layer) = header.serving else { return };
        let same_products = match &*self.seen.borrow() {
            Some(seen) if seen.number == layer.number && seen.changes == layer.changes => return,
            Some(seen) => seen.number == layer.number && seen.products == layer.products,
            None => false,
        };
        self.applications.borrow_mut().clear();
        if !same_products {
            self.load_products(&layer);
        }
        self.metrics.revision.record(
            u64::try_from(layer.cursor.products.max(layer.cursor.applications)).unwrap_or_default(),
        );
        self.seen.replace(Some(layer));
    }

    /// Whether the request that is finished is one of those whose duration is recorded: asking Envoy for it costs more than
    /// all counters together, and percentiles of some are as good.
    pub(crate) fn is_sampled(&self) -> bool {
        let finished = self.finished.get();
        self.finished.set(finished.wrapping_add(1));
        finished.is_multiple_of(SAMPLED)
    }

    /// The products to decide by; none before the first snapshot.
    pub(crate) fn catalogue(&self) -> Option<Rc<Catalogue>> {
        if self.catalogue.borrow().is_none() {
            self.refresh();
        }
        self.catalogue.borrow().clone()
    }

    /// The process's name for itself, as last read.
    pub(crate) fn instance(&self) -> Instance {
        match self.instance.get() {
            Some(instance) => instance,
            None => self.read_instance(),
        }
    }

    /// The process's name for itself; made if there is none.
    pub(crate) fn read_instance(&self) -> Instance {
        let fresh = || {
            let mut instance = Instance::default();
            let halves = [envoy::random().to_le_bytes(), envoy::random().to_le_bytes()];
            instance
                .iter_mut()
                .zip(halves.as_flattened())
                .for_each(|(to, from)| *to = *from);
            instance
        };
        let instance = shared::instance(&ProcessData, &self.keys, fresh).unwrap_or_default();
        self.instance.set(Some(instance));
        instance
    }

    /// When the control plane was last heard of, as last read.
    pub(crate) fn contact(&self) -> Contact {
        self.contact.get()
    }

    /// The same, read anew where it would make a difference: the leader may have heard of it since this VM's last tick.
    pub(crate) fn contact_at(&self, here_ms: u64) -> Contact {
        let contact = self.contact();
        if !contact.credit_is_valid(here_ms) || contact.is_away(here_ms) || contact.refused {
            self.read_contact();
        }
        self.contact()
    }

    /// Reads when the control plane was last heard of.
    pub(crate) fn read_contact(&self) {
        let contact = Contact::read(&ProcessData, &self.keys);
        self.contact.set(contact);
        let away = contact.is_away(envoy::clock_ms());
        self.metrics.away.record(u64::from(away));
    }

    /// The flush of this process.
    pub(crate) fn flush(&self) -> Flush<'_, ProcessData> {
        Flush {
            data: &ProcessData,
            keys: &self.keys,
            instance: self.instance(),
        }
    }

    /// Milliseconds since 1970 by the database's clock, as far as it is known.
    pub(crate) fn now_ms(&self) -> u64 {
        self.database_ms(envoy::clock_ms())
    }

    /// What the database's clock says when this machine's says so.
    pub(crate) fn database_ms(&self, here_ms: u64) -> u64 {
        here_ms.saturating_add_signed(self.clock_ahead_ms.get())
    }

    /// The revision requests are decided by.
    pub(crate) fn revision(&self) -> i64 {
        self.seen.borrow().as_ref().map_or(0, |layer| {
            layer.cursor.products.max(layer.cursor.applications)
        })
    }

    /// What the process has done for each product.
    pub(crate) fn health(&self) -> Vec<ProductHealthV1> {
        let products = self.products.borrow();
        let mut in_order: Vec<_> = products.values().map(Arc::as_ref).collect();
        in_order.sort_by_key(|product| product.id);
        self.metrics.health(in_order.into_iter())
    }

    fn look_up(&self, ident: &Digest) -> Lookup {
        let seen = self.seen.borrow();
        seen.as_ref().map_or(Lookup::NotReady, |layer| {
            intake::look_up(&ProcessData, &self.keys, layer, ident)
        })
    }

    /// Products and rules that could not be compiled.
    pub(crate) fn rejected_entries(&self) -> u32 {
        self.rejected_entries.get()
    }

    fn load_products(&self, layer: &Layer) {
        let mut known = self.products.borrow_mut();
        let mut products = HashMap::new();
        let mut rejected = 0;
        for &(id, revision) in &layer.products {
            if let Some(product) = known
                .get(&id)
                .filter(|product| product.revision == revision)
            {
                products.insert(id, Arc::clone(product));
                continue;
            }
            let bytes = ProcessData
                .get(&self.keys.product(layer.number, id.0))
                .0
                .unwrap_or_default();
            let Ok(product) = wire::decode::<ProductV1>(&bytes) else {
                rejected += 1;
                log::error!(
                    "product {id}: what stands in shared data cannot be read; the last good one stays"
                );
                products.extend(known.get(&id).map(|product| (id, Arc::clone(product))));
                continue;
            };
            let (product, problems) = Product::compile(&product);
            for problem in &problems {
                rejected += 1;
                log::error!(
                    "product {id}: {}: {}; it is left out",
                    problem.pointer,
                    problem.detail
                );
            }
            products.extend(product.map(|product| (id, Arc::new(product))));
        }
        self.rejected_entries.set(rejected);
        self.metrics.rejected_entries.record(u64::from(rejected));
        // By id, so that all VMs agree which of two products that claim one host comes first.
        let mut in_order: Vec<_> = products.values().cloned().collect();
        in_order.sort_by_key(|product| product.id);
        self.catalogue
            .replace(Some(Rc::new(Catalogue::new(in_order))));
        *known = products;
    }
}

impl Directory for Vm {
    fn find(&self, ident: &Digest) -> Lookup {
        if let Some(known) = self.applications.borrow_mut().find(ident) {
            return Lookup::Found(known);
        }
        let mut lookup = self.look_up(ident);
        if lookup == Lookup::NotReady {
            // The layer that was seen last is gone.
            self.refresh();
            lookup = self.look_up(ident);
        }
        // Unknown ones are not remembered: they would let anybody push out those who are known.
        if let Lookup::Found(application) = &lookup {
            self.applications
                .borrow_mut()
                .keep(ident, Arc::clone(application));
        }
        lookup
    }

    fn recall(&self, credentials: &Credentials<'_>) -> Option<Digests> {
        self.digests
            .borrow_mut()
            .find(&self.fingerprint.of(credentials))
    }

    fn remember(&self, credentials: &Credentials<'_>, digests: Digests) {
        let fingerprint = self.fingerprint.of(credentials);
        self.digests.borrow_mut().keep(&fingerprint, digests);
    }
}
