//! Nanoseconds of a decision, by the core alone: no Envoy, no sandbox, this machine's own code.

use crate::applications::{app_id, app_key};
use crate::installation::{HOST, Size};
use crate::targets::{pattern, target};
use anyhow::{Context as _, Result, bail, ensure};
use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;
use tallygate_core::compiled::{Catalogue, Product};
use tallygate_core::credit::Moment;
use tallygate_core::decide::{Decision, Directory, Lookup, decide};
use tallygate_core::directory::Application;
use tallygate_core::id::{ApplicationId, MetricId, PlanId, ProductId};
use tallygate_core::key;
use tallygate_core::period::Period;
use tallygate_core::request::{FormBody, Headers, RequestView};
use tallygate_core::slot::Slot;
use tallygate_core::wire::{
    ConfigV1, CredentialKindV1, CredentialsV1, CreditV1, Digest, ErrorsV1, Instance, LeaseTotalsV1,
    LimitV1, MetricV1, OnDisconnectV1, PlanV1, ProductV1, PublicUrlV1, RuleV1, SourceV1,
};

const NOW_SECS: u64 = 1_800_000_000;
const MOMENT: Moment = Moment {
    now_ms: NOW_SECS * 1_000,
    credit_is_valid: true,
    may_overdraw: false,
};
const INSTANCE: Instance = [7; 16];
/// Decisions per round, and rounds; the best counts, since whatever disturbs a round only makes it slower.
const DECISIONS: u32 = 20_000;
const ROUNDS: u32 = 25;

/// Nanoseconds a decision.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Decisions {
    pub(crate) small_ns: f64,
    pub(crate) large_ns: f64,
}

struct NoHeaders;

impl Headers for NoHeaders {
    fn each(&self, _: &str, _: &mut dyn FnMut(&[u8])) {}

    fn claim(&self, _: &[String]) -> Option<Vec<u8>> {
        None
    }
}

struct Applications(HashMap<Digest, Arc<Application>>);

impl Directory for Applications {
    fn find(&self, ident: &Digest) -> Lookup {
        self.0
            .get(ident)
            .map_or(Lookup::Unknown, |found| Lookup::Found(Arc::clone(found)))
    }
}

impl Decisions {
    pub(crate) fn summary(&self) -> String {
        format!(
            "a decision takes {:.0} ns with few rules and applications, {:.0} ns with many",
            self.small_ns, self.large_ns
        )
    }
}

/// With as many rules as in service, and all the applications that are active there.
pub(crate) fn measure(small: Size, large: Size) -> Result<Decisions> {
    Ok(Decisions {
        small_ns: best_ns(small.rules, small.applications)?,
        large_ns: best_ns(large.rules, large.applications.min(10_000))?,
    })
}

/// Everything but shared data: product, credentials, digests, rules, application, limits and the slot's new bytes.
fn best_ns(rules: u32, applications: u32) -> Result<f64> {
    let (compiled, problems) = Product::compile(&product(rules));
    ensure!(problems.is_empty(), "the benchmark's product: {problems:?}");
    let product = compiled.context("the benchmark's product has no configuration")?;
    let catalogue = Catalogue::new(vec![Arc::new(product)]);
    let directory = Applications((1..=applications).map(application).collect());
    let targets: Vec<String> = (0..DECISIONS)
        .map(|n| target(n % rules, n % applications + 1))
        .collect();
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let mut slot = Slot::read(None, &INSTANCE);
        slot.apply(ApplicationId(1), &[credit()], MOMENT.now_ms);
        let began = Instant::now();
        for target in &targets {
            let request = RequestView {
                method: b"GET",
                authority: HOST.as_bytes(),
                target: black_box(target.as_bytes()),
                headers: &NoHeaders,
                form_body: FormBody::Absent,
            };
            match decide(&catalogue, None, &request, &directory, NOW_SECS) {
                Decision::Charge(mut request) => {
                    // One application's record at a time, as in service.
                    let admitted = slot.admit(ApplicationId(1), &mut request.charge, &MOMENT);
                    ensure!(black_box(admitted) == Ok(0), "not admitted: {admitted:?}");
                }
                other => bail!("a request of the benchmark is not admitted: {other:?}"),
            }
        }
        best = best.min(began.elapsed().as_nanos() as f64 / f64::from(DECISIONS));
    }
    Ok(best)
}

fn application(number: u32) -> (Digest, Arc<Application>) {
    let ident = key::ident(ProductId(1), app_id(number).as_bytes());
    let application = Application {
        id: ApplicationId(i64::from(number)),
        plan: PlanId(1),
        revision: 1,
        live: true,
        keys: vec![key::digest(app_key(number).as_bytes())],
        referrers: Vec::new(),
        ending: Vec::new(),
    };
    (ident, Arc::new(application))
}

/// More than is needed of the only limited cell.
fn credit() -> CreditV1 {
    CreditV1 {
        totals: LeaseTotalsV1 {
            metric: MetricId(1),
            period: Period::Minute,
            window: Period::Minute.window(NOW_SECS).start,
            granted: 1_000_000_000,
            spent: 0,
            returned: 0,
        },
        version: 1,
        free: 0,
        elsewhere: false,
        limits_rev: 1,
    }
}

/// The product that `installation` makes through the API, as gateways get it.
fn product(rules: u32) -> ProductV1 {
    let metric = |id| MetricV1 {
        id: MetricId(id),
        parent: (id > 1).then_some(MetricId(1)),
        system_name: if id == 1 {
            "hits".to_owned()
        } else {
            format!("method{id}")
        },
    };
    let rule = |n: u32| RuleV1 {
        methods: vec!["GET".to_owned()],
        pattern: pattern(n),
        usages: vec![(MetricId(i64::from(n % 4) + 2), 1)],
        last: false,
    };
    ProductV1 {
        id: ProductId(1),
        revision: 1,
        system_name: "benchmark".to_owned(),
        metrics: (1..=5).map(metric).collect(),
        plans: vec![PlanV1 {
            id: PlanId(1),
            limits: vec![LimitV1 {
                metric: MetricId(1),
                period: Period::Minute,
                value: u64::MAX,
            }],
        }],
        referrers_required: false,
        config: Some(ConfigV1 {
            version: 1,
            public_urls: vec![PublicUrlV1 {
                host: HOST.to_owned(),
                base_path: "/".to_owned(),
            }],
            rules: (0..rules).map(rule).collect(),
            credentials: CredentialsV1 {
                kind: CredentialKindV1::AppIdAndKey,
                sources: vec![SourceV1::Query],
                user_key: "user_key".to_owned(),
                app_id: "app_id".to_owned(),
                app_key: "app_key".to_owned(),
                jwt_claim: Vec::new(),
                strip: false,
            },
            errors: ErrorsV1::Problem,
            upstream: None,
            secret_token: "secret".to_owned(),
            debug_secret: None,
            rate_limit_headers: true,
            form_in_rules: false,
            on_disconnect: OnDisconnectV1::Allow,
            backends: Vec::new(),
        }),
    }
}
