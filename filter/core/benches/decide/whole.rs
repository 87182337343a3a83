//! The whole decision, as the filter makes it, with shared data in a map of this process: what Envoy's own calls cost
//! comes on top.

use super::{best_ns, patterns};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;
use tallygate_core::admission::{Admission, admit};
use tallygate_core::compiled::{Catalogue, Product};
use tallygate_core::credit::Moment;
use tallygate_core::decide::{Admissible, Decision, Directory, Lookup, decide};
use tallygate_core::directory::{self, bucket_bits, bucket_of};
use tallygate_core::flush::Flush;
use tallygate_core::id::{ApplicationId, MetricId, PlanId, ProductId};
use tallygate_core::intake::{self, Layer};
use tallygate_core::key::{digest, ident};
use tallygate_core::period::Period;
use tallygate_core::request::{FormBody, Headers, RequestView};
use tallygate_core::shared::{Keys, Lost, SharedData, Version};
use tallygate_core::slot::{LimitCharge, slot_of};
use tallygate_core::wire::{
    ApplicationV1, ConfigV1, CredentialKindV1, CredentialsV1, CreditV1, Digest, ErrorsV1,
    LeaseTotalsV1, LimitV1, MetricV1, OnDisconnectV1, PlanV1, ProductV1, PublicUrlV1, RuleV1,
    SourceV1,
};

const PRODUCT: ProductId = ProductId(1);
const PLAN: PlanId = PlanId(1);
const SLOTS: u32 = 65_536;
const NOW_SECS: u64 = 1_795_514_430;
const MOMENT: Moment = Moment {
    now_ms: NOW_SECS * 1_000,
    credit_is_valid: true,
    may_overdraw: false,
};

pub(super) fn report() {
    for (rules, applications) in [(10, 1_000), (1_000, 1_000_000)] {
        let gateway = Gateway::new(rules, applications);
        let request = gateway.request();
        let remembered = Remembered(HashMap::from([(
            ident(PRODUCT, b"alice"),
            gateway.find(&ident(PRODUCT, b"alice")),
        )]));
        let line = |what: &str, ns: f64| {
            println!("{what:<34} {rules:>6} rules {applications:>9} applications {ns:>8.0} ns");
        };
        line(
            "decide",
            best_ns(|| gateway.decided(black_box(&request), &remembered)),
        );
        line(
            "decide, not seen lately",
            best_ns(|| gateway.decided(black_box(&request), &gateway)),
        );
        line(
            "decide and admit",
            best_ns(|| gateway.admit(gateway.decided(black_box(&request), &remembered))),
        );
    }
}

struct Gateway {
    catalogue: Catalogue,
    memory: Memory,
    keys: Keys,
    layer: Layer,
}

impl Gateway {
    fn new(rules: usize, applications: u64) -> Self {
        let gateway = Self {
            catalogue: catalogue(rules),
            memory: Memory::default(),
            keys: Keys::new(&["control_plane", "127.0.0.1:3001", "production"], SLOTS),
            layer: Layer {
                number: 1,
                bits: bucket_bits(applications),
                ..Layer::default()
            },
        };
        gateway.fill_bucket(applications);
        gateway.fill_slot(applications);
        gateway
    }

    /// The bucket of the application that calls, as full as it is on average.
    fn fill_bucket(&self, applications: u64) {
        let wanted = ident(PRODUCT, b"alice");
        let bucket = bucket_of(&wanted, self.layer.bits);
        let others = (1..)
            .map(|n: i64| (n + 1, ident(PRODUCT, &n.to_le_bytes())))
            .filter(|(_, ident)| bucket_of(ident, self.layer.bits) == bucket);
        let count = usize::try_from(applications >> self.layer.bits).expect("a bucket's worth");
        let rows: Vec<_> = others
            .take(count)
            .chain([(1, wanted)])
            .map(|(id, ident)| application(id, ident))
            .collect();
        let bytes = directory::updated(b"", &rows.iter().collect::<Vec<_>>());
        let key = self.keys.bucket(self.layer.number, bucket);
        assert!(self.memory.set(&key, &bytes, Version::Absent).is_ok());
    }

    /// The slot of the application that calls, with as many active ones in it as there are on average.
    fn fill_slot(&self, applications: u64) {
        let instance = [7; 16];
        let key = self.keys.instance();
        assert!(self.memory.set(&key, &instance, Version::Absent).is_ok());
        let slot = slot_of(ApplicationId(1), SLOTS);
        let count = usize::try_from(applications / u64::from(SLOTS)).expect("a slot's worth");
        let others = (2..).filter(|id| slot_of(ApplicationId(*id), SLOTS) == slot);
        for id in others.take(count).chain([1]) {
            let found = directory::find(
                &directory::updated(b"", &[&application(id, ident(PRODUCT, b"alice"))]),
                &ident(PRODUCT, b"alice"),
            );
            let found = Lookup::Found(Arc::new(found.expect("just written")));
            let only = Remembered(HashMap::from([(ident(PRODUCT, b"alice"), found)]));
            let request = self.decided(&self.request(), &only);
            self.grant(&request);
            self.admit(request);
        }
    }

    fn request(&self) -> RequestView<'static> {
        RequestView {
            method: b"GET",
            authority: b"api.example.com",
            target: b"/v3/customers/1234567/item6/lines/4?api_user=alice&api_key=s3cret",
            headers: &NoHeaders,
            form_body: FormBody::Absent,
        }
    }

    fn decided(&self, request: &RequestView<'_>, directory: &impl Directory) -> Admissible<'_> {
        match decide(&self.catalogue, None, request, directory, NOW_SECS) {
            Decision::Charge(admissible) => admissible,
            _ => unreachable!("a good request"),
        }
    }

    fn admit(&self, mut request: Admissible<'_>) {
        let admission = admit(
            &self.process(),
            request.application,
            &mut request.charge,
            &MOMENT,
        );
        let admitted = Admission::Admitted {
            lost: 0,
            overdraft: 0,
        };
        assert_eq!(admission, admitted);
    }

    /// As if the control plane had granted all that a request will ever need.
    fn grant(&self, request: &Admissible<'_>) {
        let credit = |limit: &LimitCharge| CreditV1 {
            totals: LeaseTotalsV1 {
                metric: limit.metric,
                period: limit.period,
                window: u64::from(limit.window),
                granted: limit.value,
                spent: 0,
                returned: 0,
            },
            version: 1,
            free: 0,
            elsewhere: false,
            limits_rev: request.charge.limits_rev,
        };
        let told: Vec<_> = request.charge.limits.iter().map(credit).collect();
        self.process()
            .apply(request.application, &told, MOMENT.now_ms);
    }

    fn process(&self) -> Flush<'_, Memory> {
        Flush {
            data: &self.memory,
            keys: &self.keys,
            instance: [7; 16],
        }
    }
}

/// What a VM does for an application that it has not seen lately.
impl Directory for Gateway {
    fn find(&self, ident: &Digest) -> Lookup {
        intake::look_up(&self.memory, &self.keys, &self.layer, ident)
    }
}

/// What it does for one that it has.
struct Remembered(HashMap<Digest, Lookup>);

impl Directory for Remembered {
    fn find(&self, ident: &Digest) -> Lookup {
        self.0.get(ident).cloned().unwrap_or(Lookup::Unknown)
    }
}

struct NoHeaders;

impl Headers for NoHeaders {
    fn each(&self, _: &str, _: &mut dyn FnMut(&[u8])) {}

    fn claim(&self, _: &[String]) -> Option<Vec<u8>> {
        None
    }
}

#[derive(Default)]
struct Memory {
    entries: RefCell<HashMap<String, (Vec<u8>, u32)>>,
    changes: Cell<u32>,
}

impl SharedData for Memory {
    fn get(&self, key: &str) -> (Option<Vec<u8>>, Version) {
        match self.entries.borrow().get(key) {
            Some((value, version)) => (Some(value.clone()), Version::At(*version)),
            None => (None, Version::Absent),
        }
    }

    fn set(&self, key: &str, value: &[u8], version: Version) -> Result<(), Lost> {
        let mut entries = self.entries.borrow_mut();
        self.changes.set(self.changes.get() + 1);
        match (entries.get_mut(key), version) {
            (Some((old, at)), Version::At(seen)) if *at == seen => {
                value.clone_into(old);
                *at = self.changes.get();
            }
            (None, Version::Absent) => {
                entries.insert(key.to_owned(), (value.to_vec(), self.changes.get()));
            }
            _ => return Err(Lost),
        }
        Ok(())
    }
}

fn application(id: i64, ident: Digest) -> ApplicationV1 {
    ApplicationV1 {
        id: ApplicationId(id),
        revision: 1,
        ident,
        product: PRODUCT,
        plan: PLAN,
        live: true,
        keys: vec![digest(b"s3cret")],
        referrers: Vec::new(),
        ending: Vec::new(),
    }
}

fn catalogue(rules: usize) -> Catalogue {
    let rule = |pattern| RuleV1 {
        methods: vec!["ANY".to_owned()],
        pattern,
        usages: vec![(MetricId(2), 1)],
        last: false,
    };
    let limit = |metric, period| LimitV1 {
        metric: MetricId(metric),
        period,
        value: u64::MAX,
    };
    let wire = ProductV1 {
        id: PRODUCT,
        revision: 1,
        system_name: "api".to_owned(),
        metrics: vec![
            MetricV1 {
                id: MetricId(1),
                parent: None,
                system_name: "hits".to_owned(),
            },
            MetricV1 {
                id: MetricId(2),
                parent: Some(MetricId(1)),
                system_name: "web_api".to_owned(),
            },
        ],
        plans: vec![PlanV1 {
            id: PLAN,
            limits: vec![
                limit(1, Period::Minute),
                limit(1, Period::Month),
                limit(2, Period::Day),
            ],
        }],
        referrers_required: false,
        config: Some(ConfigV1 {
            version: 1,
            public_urls: vec![PublicUrlV1 {
                host: "api.example.com".to_owned(),
                base_path: "/".to_owned(),
            }],
            rules: patterns(rules).map(rule).collect(),
            credentials: CredentialsV1 {
                kind: CredentialKindV1::AppIdAndKey,
                sources: vec![SourceV1::Query, SourceV1::Basic],
                user_key: "user_key".to_owned(),
                app_id: "api_user".to_owned(),
                app_key: "api_key".to_owned(),
                jwt_claim: Vec::new(),
                strip: false,
            },
            errors: ErrorsV1::Problem,
            upstream: None,
            secret_token: String::new(),
            debug_secret: None,
            rate_limit_headers: true,
            form_in_rules: false,
            on_disconnect: OnDisconnectV1::default(),
            backends: Vec::new(),
        }),
    };
    let (product, problems) = Product::compile(&wire);
    assert!(problems.is_empty(), "{problems:?}");
    Catalogue::new(product.into_iter().map(Arc::new).collect())
}
