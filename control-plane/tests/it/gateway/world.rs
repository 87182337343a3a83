//! Rows to test with, written as the Account Management API writes them, and a gateway to call with.

use crate::support::Test;
use crate::support::client::{Reply, send};
use reqwest::{Method, StatusCode, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use tallygate::db::{Db, Tx};
use tallygate::secrets::token_digest;
use tallygate::{on, run};
use tallygate_core::id::{ApplicationId, MetricId, ProductId};
use tallygate_core::key;
use tallygate_core::wire::{
    self, Snapshot, SnapshotV1, Sync, SyncAnswer, SyncAnswerV1, SyncV1, Traffic, TrafficAnswer,
    TrafficV1, UsageRowV1, UsageV1,
};

/// A gateway with its token.
#[derive(Clone, Debug)]
pub(super) struct Gateway {
    pub(super) id: i64,
    pub(super) token: String,
}

/// A product with `hits`, a method, a plan, and an account for its applications.
#[derive(Clone, Copy, Debug)]
pub(super) struct Product {
    pub(super) id: i64,
    pub(super) hits: i64,
    pub(super) method: i64,
    pub(super) plan: i64,
    pub(super) account: i64,
}

/// Runs an `insert … returning id`, or any statement that gives one number.
macro_rules! number {
    ($tx:expr, $sql:literal $(, $value:expr)*) => {{
        let tx: &mut Tx = $tx;
        tallygate::on!(tx, |c| sqlx::query_scalar::<_, i64>($sql)$(.bind($value))*.fetch_one(c)).unwrap()
    }};
}

/// Runs a statement.
macro_rules! sql {
    ($tx:expr, $sql:literal $(, $value:expr)*) => {{
        let tx: &mut Tx = $tx;
        tallygate::run!(tx, |c| sqlx::query($sql)$(.bind($value))*.execute(c)).unwrap()
    }};
}
pub(super) use {number, sql};

pub(super) async fn gateway(db: &Db, environment: &str) -> Gateway {
    let token = format!("tgg_{:032x}", rand::random::<u128>());
    let mut tx = db.begin().await.unwrap();
    let id = number!(
        &mut tx,
        "insert into gateway (name, environment, token_digest, created_at) values ('edge', $1, $2, 0) returning id",
        environment,
        token_digest(&token)
    );
    tx.commit().await.unwrap();
    Gateway { id, token }
}

pub(super) async fn remove_gateway(db: &Db, id: i64) {
    let mut tx = db.begin().await.unwrap();
    sql!(
        &mut tx,
        "update gateway set deleted_at = 1 where id = $1",
        id
    );
    tx.commit().await.unwrap();
}

pub(super) async fn product(db: &Db, name: &str) -> Product {
    let mut tx = db.begin().await.unwrap();
    let revision = tx.next_revision().await.unwrap();
    let id = number!(
        &mut tx,
        "insert into product (name, system_name, revision, created_at, updated_at) values ($1, $1, $2, 0, 0) returning id",
        name,
        revision
    );
    let hits = metric(&mut tx, id, None, "hits").await;
    let method = metric(&mut tx, id, Some(hits), "send").await;
    let plan = plan(&mut tx, id, "bronze").await;
    let account = account(&mut tx).await;
    tx.commit().await.unwrap();
    Product {
        id,
        hits,
        method,
        plan,
        account,
    }
}

pub(super) async fn metric(tx: &mut Tx, product: i64, parent: Option<i64>, name: &str) -> i64 {
    number!(
        tx,
        "insert into metric (product_id, parent_id, system_name, friendly_name, unit, created_at, updated_at)
         values ($1, $2, $3, $3, 'hit', 0, 0) returning id",
        product,
        parent,
        name
    )
}

pub(super) async fn plan(tx: &mut Tx, product: i64, name: &str) -> i64 {
    number!(
        tx,
        "insert into plan (type, product_id, name, system_name, created_at, updated_at)
         values ('application_plan', $1, $2, $2, 0, 0) returning id",
        product,
        name
    )
}

pub(super) async fn account(tx: &mut Tx) -> i64 {
    number!(
        tx,
        "insert into account (org_name, state, created_at, updated_at) values ('Customer & Co', 'approved', 0, 0) returning id"
    )
}

pub(super) async fn limit(tx: &mut Tx, plan: i64, metric: i64, period: &str, value: i64) {
    sql!(
        tx,
        "insert into plan_limit (plan_id, metric_id, period, value, created_at, updated_at) values ($1, $2, $3, $4, 0, 0)",
        plan,
        metric,
        period,
        value
    );
}

/// A live application with an `app_id` and one key.
pub(super) async fn application(tx: &mut Tx, product: Product, app_id: &str, app_key: &str) -> i64 {
    let revision = tx.next_revision().await.unwrap();
    let id = number!(
        tx,
        "insert into application (account_id, product_id, plan_id, name, state, app_id, ident, revision, created_at, updated_at)
         values ($1, $2, $3, 'App <1>', 'live', $4, $5, $6, 0, 0) returning id",
        product.account,
        product.id,
        product.plan,
        app_id,
        ident(product.id, app_id),
        revision
    );
    add_key(tx, id, app_key).await;
    id
}

pub(super) async fn applications(db: &Db, product: Product, count: usize) -> Vec<i64> {
    let mut tx = db.begin().await.unwrap();
    let mut ids = Vec::new();
    for n in 0..count {
        ids.push(
            application(
                &mut tx,
                product,
                &format!("app-{}-{n}", product.id),
                &format!("key-{n}"),
            )
            .await,
        );
    }
    tx.commit().await.unwrap();
    ids
}

pub(super) async fn add_key(tx: &mut Tx, application: i64, key: &str) {
    let digest = key::digest(key.as_bytes()).to_vec();
    sql!(
        tx,
        "insert into application_key (application_id, digest, created_at, updated_at) values ($1, $2, 0, 0)",
        application,
        digest
    );
}

pub(super) fn ident(product: i64, app_id: &str) -> Vec<u8> {
    key::ident(ProductId(product), app_id.as_bytes()).to_vec()
}

/// Usage of an application: (metric, minute, delta) each.
pub(super) fn usage(application: i64, usage: &[(i64, u32, u64)]) -> UsageRowV1 {
    UsageRowV1 {
        application: ApplicationId(application),
        usage: usage
            .iter()
            .map(|&(metric, minute, delta)| UsageV1 {
                metric: MetricId(metric),
                minute,
                delta,
            })
            .collect(),
        cells: Vec::new(),
    }
}

pub(super) fn delivery(instance: u8, epoch: i64, seq: u64, rows: &[UsageRowV1]) -> SyncV1 {
    SyncV1 {
        instance: [instance; 16],
        epoch,
        seq,
        rows: if seq == 0 {
            Vec::new()
        } else {
            wire::encode(&rows.to_vec())
        },
        declared: Vec::new(),
        draining: false,
        health: wire::HealthV1 {
            version: "1.2.3".into(),
            revision: 7,
            batches_waiting: 2,
            rejected_entries: 3,
            products: Vec::new(),
        },
    }
}

pub(super) async fn epoch(db: &Db) -> i64 {
    on!(db, |c| sqlx::query_scalar::<_, i64>(
        "select epoch from ledger_epoch"
    )
    .fetch_one(c))
    .unwrap()
}

pub(super) async fn now_minute(db: &Db) -> u32 {
    u32::try_from(db.now_ms().await.unwrap() / 60_000).unwrap()
}

/// What a gateway is answered: the message, or the status and text of a refusal.
pub(super) type Answer<T> = Result<T, (u16, String)>;

impl Gateway {
    /// Sends compact, as the filter does.
    pub(super) async fn sync(&self, test: &Test, sync: SyncV1) -> Answer<SyncAnswerV1> {
        let request = test
            .request(Method::POST, "/gateway/v1/sync")
            .bearer_auth(&self.token)
            .header(header::CONTENT_TYPE, wire::COMPACT)
            .body(wire::encode(&Sync::V1(sync)));
        let SyncAnswer::V1(answer) = compact(request).await?;
        Ok(answer)
    }

    /// Reports traffic; whether it was applied.
    pub(super) async fn report(&self, test: &Test, report: TrafficV1) -> Answer<bool> {
        let request = test
            .request(Method::POST, "/gateway/v1/traffic")
            .bearer_auth(&self.token)
            .header(header::CONTENT_TYPE, wire::COMPACT)
            .body(wire::encode(&Traffic::V1(report)));
        let TrafficAnswer::V1(answer) = compact(request).await?;
        Ok(answer.applied)
    }

    /// Delivers a batch that must be taken whole.
    pub(super) async fn deliver(&self, test: &Test, sync: SyncV1) {
        let seq = sync.seq;
        let answer = self.sync(test, sync).await.unwrap();
        assert_eq!((answer.ack, answer.rejected), (seq, vec![]));
    }

    /// Reads a page, compact.
    pub(super) async fn page(&self, test: &Test, query: &str) -> Answer<SnapshotV1> {
        let request = test
            .request(Method::GET, &format!("/gateway/v1/snapshot?{query}"))
            .bearer_auth(&self.token)
            .header(header::ACCEPT, wire::ACCEPT);
        let page = compact::<Snapshot>(request).await?.into_page();
        Ok(page)
    }

    /// The same as gateways that know only the first version.
    pub(super) async fn page_of_version_1(&self, test: &Test, query: &str) -> Answer<SnapshotV1> {
        let request = test
            .request(Method::GET, &format!("/gateway/v1/snapshot?{query}"))
            .bearer_auth(&self.token)
            .header(header::ACCEPT, wire::COMPACT);
        match compact(request).await? {
            Snapshot::V1(page) => Ok(page),
            Snapshot::V2(_) | Snapshot::V3(_) => panic!("it does not read this"),
        }
    }

    /// The same as gateways that know only the second.
    pub(super) async fn page_of_version_2(&self, test: &Test, query: &str) -> Answer<SnapshotV1> {
        let request = test
            .request(Method::GET, &format!("/gateway/v1/snapshot?{query}"))
            .bearer_auth(&self.token)
            .header(header::ACCEPT, wire::COMPACT_V2);
        match compact(request).await? {
            Snapshot::V2(page) => Ok(page),
            Snapshot::V1(_) | Snapshot::V3(_) => panic!("it does not read this"),
        }
    }

    /// Calls as people do.
    pub(super) async fn json<T: Serialize>(
        &self,
        test: &Test,
        method: Method,
        path: &str,
        body: Option<&T>,
    ) -> Reply {
        let request = test.request(method, path).bearer_auth(&self.token);
        send(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
    }
}

pub(super) async fn compact<T: DeserializeOwned>(request: reqwest::RequestBuilder) -> Answer<T> {
    let response = request.send().await.unwrap();
    let status = response.status();
    let content_type = response.headers()[header::CONTENT_TYPE]
        .to_str()
        .unwrap()
        .to_owned();
    let bytes = response.bytes().await.unwrap();
    if status != StatusCode::OK {
        assert_eq!(content_type, "application/problem+json");
        return Err((status.as_u16(), String::from_utf8(bytes.to_vec()).unwrap()));
    }
    assert!(wire::ACCEPT.contains(&content_type), "{content_type}");
    Ok(wire::decode(&bytes).unwrap())
}

/// The cursor as a gateway writes it.
pub(super) fn after(page: &SnapshotV1) -> String {
    format!(
        "after={}.{}.{}",
        page.next.products, page.next.applications, page.next.application
    )
}

/// All sums of a table: (owner, metric, period, window) → value.
pub(super) type Sums = BTreeMap<(i64, i64, String, i64), i64>;

pub(super) async fn sums_by_application(db: &Db) -> Sums {
    let rows: Vec<(i64, i64, String, i64, i64)> = on!(db, |c| sqlx::query_as(
        "select application_id, metric_id, period, window_start, value from usage_application"
    )
    .fetch_all(c))
    .unwrap();
    rows.into_iter()
        .map(|(owner, metric, period, start, value)| ((owner, metric, period, start), value))
        .collect()
}

pub(super) async fn sums_by_product(db: &Db) -> Sums {
    let rows: Vec<(i64, i64, String, i64, i64)> = on!(db, |c| sqlx::query_as(
        "select product_id, metric_id, period, window_start, value from usage_product"
    )
    .fetch_all(c))
    .unwrap();
    rows.into_iter()
        .map(|(owner, metric, period, start, value)| ((owner, metric, period, start), value))
        .collect()
}

/// What an application used of a metric, ever.
pub(super) async fn total(db: &Db, application: i64, metric: i64) -> i64 {
    on!(db, |c| sqlx::query_scalar::<_, i64>(
        "select value from usage_application where application_id = $1 and metric_id = $2 and period = 'eternity'"
    )
    .bind(application)
    .bind(metric)
    .fetch_optional(c))
    .unwrap()
    .unwrap_or(0)
}

/// Cells: (application, metric, period, window) → used.
pub(super) async fn cells(db: &Db) -> Sums {
    let rows: Vec<(i64, i64, String, i64, i64)> = on!(db, |c| sqlx::query_as(
        "select application_id, metric_id, period, window_start, used from cell"
    )
    .fetch_all(c))
    .unwrap();
    rows.into_iter()
        .map(|(owner, metric, period, start, used)| ((owner, metric, period, start), used))
        .collect()
}

/// A counter of `/metrics`.
pub(super) async fn counter(test: &Test, name: &str) -> u64 {
    let text = send(test.request(Method::GET, "/metrics"))
        .await
        .expect(200)
        .text;
    let line = format!("tallygate_{name}_total ");
    let value = text
        .lines()
        .find_map(|l| l.strip_prefix(&line))
        .unwrap_or_else(|| panic!("no {name} in {text}"));
    value.parse().unwrap()
}

pub(super) async fn execute(db: &Db, statement: &'static str, id: i64) {
    let mut tx = db.begin().await.unwrap();
    run!(tx, |c| sqlx::query(statement).bind(id).execute(c)).unwrap();
    tx.commit().await.unwrap();
}
