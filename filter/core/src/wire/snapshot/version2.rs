//! Version 2 of a snapshot: read for ever, and written for gateways that read no newer one.
//!
//! It cannot say when a key ends. Such a key goes out like any other until it has ended; then a sweep of the control plane changes
//! the application, and it is gone. A gateway of version 2 that is cut off meanwhile takes it for longer.

use super::{ApplicationV1, Cursor, ProductV1, SnapshotV1};
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
    products: Vec<ProductV1>,
    applications: Vec<Application>,
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
    #[serde(default)]
    referrers: Vec<String>,
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

impl From<Page> for SnapshotV1 {
    fn from(page: Page) -> Self {
        Self {
            epoch: page.epoch,
            now_ms: page.now_ms,
            next: page.next,
            complete: page.complete,
            applications_total: page.applications_total,
            products: page.products,
            applications: page
                .applications
                .into_iter()
                .map(ApplicationV1::from)
                .collect(),
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
            referrers: application.referrers,
            ending: Vec::new(),
        }
    }
}

impl From<SnapshotV1> for Page {
    fn from(page: SnapshotV1) -> Self {
        let now_secs = page.now_ms / 1_000;
        Self {
            epoch: page.epoch,
            now_ms: page.now_ms,
            next: page.next,
            complete: page.complete,
            applications_total: page.applications_total,
            products: page.products,
            applications: page
                .applications
                .into_iter()
                .map(|application| Application {
                    keys: application.keys_at(now_secs),
                    id: application.id,
                    revision: application.revision,
                    ident: application.ident,
                    product: application.product,
                    plan: application.plan,
                    live: application.live,
                    referrers: application.referrers,
                })
                .collect(),
        }
    }
}
