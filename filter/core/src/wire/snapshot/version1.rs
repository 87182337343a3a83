//! Version 1 of a snapshot, as it was at first: read for ever, and written for gateways that read no other.
//!
//! What it has no words for is not served by them: a product with backends, or one that asks where requests come from,
//! goes out without its configuration, which is safer than sending its requests where they do not belong.

use super::{
    ApplicationV1, ConfigV1, CredentialsV1, Cursor, ErrorsV1, MetricV1, OnDisconnectV1, PlanV1,
    ProductV1, PublicUrlV1, RuleV1, SnapshotV1, UpstreamV1,
};
use crate::id::{ApplicationId, PlanId, ProductId};
use crate::wire::Digest;
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
struct Page {
    epoch: i64,
    now_ms: u64,
    next: Cursor,
    complete: bool,
    applications_total: u64,
    products: Vec<Product>,
    applications: Vec<Application>,
}

#[derive(Serialize, Deserialize)]
struct Product {
    id: ProductId,
    revision: i64,
    system_name: String,
    metrics: Vec<MetricV1>,
    plans: Vec<PlanV1>,
    config: Option<Config>,
}

#[derive(Serialize, Deserialize)]
struct Application {
    id: ApplicationId,
    revision: i64,
    ident: Digest,
    product: ProductId,
    plan: PlanId,
    live: bool,
    keys: Vec<Digest>,
}

#[derive(Serialize, Deserialize)]
struct Config {
    version: u64,
    public_urls: Vec<PublicUrlV1>,
    rules: Vec<RuleV1>,
    credentials: CredentialsV1,
    errors: ErrorsV1,
    upstream: Option<UpstreamV1>,
    secret_token: String,
    debug_secret: Option<Digest>,
    rate_limit_headers: bool,
    form_in_rules: bool,
    #[serde(default)]
    on_disconnect: OnDisconnectV1,
}

pub(in crate::wire) fn serialize<S: Serializer>(
    page: &SnapshotV1,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    Page::from(page.clone()).serialize(serializer)
}

pub(in crate::wire) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<SnapshotV1, D::Error> {
    Page::deserialize(deserializer).map(SnapshotV1::from)
}

// === from version 1 ===

impl From<Page> for SnapshotV1 {
    fn from(page: Page) -> Self {
        Self {
            epoch: page.epoch,
            now_ms: page.now_ms,
            next: page.next,
            complete: page.complete,
            applications_total: page.applications_total,
            products: page.products.into_iter().map(ProductV1::from).collect(),
            applications: page
                .applications
                .into_iter()
                .map(ApplicationV1::from)
                .collect(),
        }
    }
}

impl From<Product> for ProductV1 {
    fn from(product: Product) -> Self {
        Self {
            id: product.id,
            revision: product.revision,
            system_name: product.system_name,
            metrics: product.metrics,
            plans: product.plans,
            referrers_required: false,
            config: product.config.map(ConfigV1::from),
        }
    }
}

impl From<Config> for ConfigV1 {
    fn from(config: Config) -> Self {
        Self {
            version: config.version,
            public_urls: config.public_urls,
            rules: config.rules,
            credentials: config.credentials,
            errors: config.errors,
            upstream: config.upstream,
            secret_token: config.secret_token,
            debug_secret: config.debug_secret,
            rate_limit_headers: config.rate_limit_headers,
            form_in_rules: config.form_in_rules,
            on_disconnect: config.on_disconnect,
            backends: Vec::new(),
        }
    }
}

impl From<Application> for ApplicationV1 {
    fn from(application: Application) -> Self {
        Self {
            id: application.id,
            revision: application.revision,
            ident: application.ident,
            product: application.product,
            plan: application.plan,
            live: application.live,
            keys: application.keys,
            referrers: Vec::new(),
            ending: Vec::new(),
        }
    }
}

// === to version 1 ===

impl From<SnapshotV1> for Page {
    fn from(page: SnapshotV1) -> Self {
        Self {
            epoch: page.epoch,
            now_ms: page.now_ms,
            next: page.next,
            complete: page.complete,
            applications_total: page.applications_total,
            products: page.products.into_iter().map(Product::from).collect(),
            applications: page
                .applications
                .into_iter()
                .map(|application| Application::at(application, page.now_ms / 1_000))
                .collect(),
        }
    }
}

impl From<ProductV1> for Product {
    fn from(product: ProductV1) -> Self {
        Self {
            id: product.id,
            revision: product.revision,
            system_name: product.system_name,
            metrics: product.metrics,
            plans: product.plans,
            config: product
                .config
                .filter(|_| !product.referrers_required)
                .and_then(config),
        }
    }
}

fn config(config: ConfigV1) -> Option<Config> {
    config.backends.is_empty().then_some(Config {
        version: config.version,
        public_urls: config.public_urls,
        rules: config.rules,
        credentials: config.credentials,
        errors: config.errors,
        upstream: config.upstream,
        secret_token: config.secret_token,
        debug_secret: config.debug_secret,
        rate_limit_headers: config.rate_limit_headers,
        form_in_rules: config.form_in_rules,
        on_disconnect: config.on_disconnect,
    })
}

impl Application {
    fn at(application: ApplicationV1, now_secs: u64) -> Self {
        Self {
            keys: application.keys_at(now_secs),
            id: application.id,
            revision: application.revision,
            ident: application.ident,
            product: application.product,
            plan: application.plan,
            live: application.live,
        }
    }
}
