//! One application on a plan with limits, and processes that ask and report.

use super::process::Process;
use crate::gateway::world::{
    Answer, Gateway, Product, applications, epoch, gateway, limit, product,
};
use crate::support::Test;
use reqwest::{Method, header};
use std::collections::BTreeMap;
use tallygate::db::Db;
use tallygate::on;
use tallygate_core::id::{ApplicationId, MetricId};
use tallygate_core::period::Period;
use tallygate_core::wire::{
    self, Ask, AskAnswer, AskAnswerV1, AskV1, AskedCellV1, CreditV1, LeaseTotalsV1, SyncAnswerV1,
};

/// A gateway, a product and one of its applications.
#[derive(Clone, Debug)]
pub(super) struct Stage {
    pub(super) edge: Gateway,
    pub(super) shop: Product,
    pub(super) app: i64,
    pub(super) epoch: i64,
}

/// A row of `cell`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CellRow {
    pub(super) used: i64,
    pub(super) leased: i64,
    pub(super) version: i64,
}

/// Sets the stage: limits of `hits` by period.
pub(super) async fn stage(test: &Test, limits: &[(Period, i64)]) -> Stage {
    let db = &test.app.db;
    let shop = product(db, &format!("shop-{:x}", rand::random::<u64>())).await;
    let mut tx = db.begin().await.unwrap();
    for (period, value) in limits {
        limit(&mut tx, shop.plan, shop.hits, period.as_str(), *value).await;
    }
    tx.commit().await.unwrap();
    Stage {
        edge: gateway(db, "production").await,
        shop,
        app: applications(db, shop, 1).await[0],
        epoch: epoch(db).await,
    }
}

impl Stage {
    pub(super) fn process(&self, name: u8, period: Period) -> Process {
        Process {
            stage: self.clone(),
            name,
            seq: 0,
            period,
            granted: 0,
            spent: 0,
            returned: 0,
            reported: 0,
        }
    }

    /// An ask for `hits`: by period and window, need each.
    pub(super) fn ask(&self, name: u8, cells: &[(Period, u64, u64)]) -> AskV1 {
        AskV1 {
            instance: [name; 16],
            epoch: self.epoch,
            application: ApplicationId(self.app),
            cells: cells
                .iter()
                .map(|&(period, window, need)| asked(self.shop.hits, period, window, need))
                .collect(),
        }
    }

    pub(super) async fn cell(&self, db: &Db, period: Period, window: u64) -> CellRow {
        let (used, leased, version) = on!(db, |c| sqlx::query_as(
            "select used, leased, version from cell
             where application_id = $1 and metric_id = $2 and period = $3 and window_start = $4"
        )
        .bind(self.app)
        .bind(self.shop.hits)
        .bind(period.as_str())
        .bind(i64::try_from(window).unwrap())
        .fetch_one(c))
        .unwrap();
        CellRow {
            used,
            leased,
            version,
        }
    }

    /// What the database has of a lease: granted, spent, returned.
    pub(super) async fn lease(&self, db: &Db, name: u8, period: Period) -> Option<(i64, i64, i64)> {
        on!(db, |c| {
            sqlx::query_as(
            "select granted, spent, returned from lease where application_id = $1 and metric_id = $2
             and period = $3 and instance = $4 order by window_start desc limit 1"
        )
        .bind(self.app)
        .bind(self.shop.hits)
        .bind(period.as_str())
        .bind([name; 16].to_vec())
        .fetch_optional(c)
        })
        .unwrap()
    }
}

impl Gateway {
    /// Asks compact, as the filter does.
    pub(in crate::gateway) async fn ask(&self, test: &Test, ask: AskV1) -> Answer<AskAnswerV1> {
        let request = test
            .request(Method::POST, "/gateway/v1/leases")
            .bearer_auth(&self.token)
            .header(header::CONTENT_TYPE, wire::COMPACT)
            .body(wire::encode(&Ask::V1(ask)));
        let AskAnswer::V1(answer) = crate::gateway::world::compact(request).await?;
        Ok(answer)
    }
}

pub(super) fn asked(metric: i64, period: Period, window: u64, need: u64) -> AskedCellV1 {
    AskedCellV1 {
        totals: LeaseTotalsV1 {
            metric: MetricId(metric),
            period,
            window,
            granted: 0,
            spent: 0,
            returned: 0,
        },
        need,
        want: need,
    }
}

/// Credits of an answer by (application, metric, period, window).
pub(super) fn credits(answer: &SyncAnswerV1) -> BTreeMap<(i64, i64, Period, u64), CreditV1> {
    answer
        .credits
        .iter()
        .flat_map(|of| {
            of.cells.iter().map(|told| {
                let totals = &told.totals;
                let key = (
                    of.application.0,
                    totals.metric.0,
                    totals.period,
                    totals.window,
                );
                (key, *told)
            })
        })
        .collect()
}

/// Recalls of an answer by (application, metric, period, window).
pub(super) fn recalls(answer: &SyncAnswerV1) -> BTreeMap<(i64, i64, Period, u64), LeaseTotalsV1> {
    answer
        .recalls
        .iter()
        .flat_map(|of| {
            of.cells.iter().map(|totals| {
                let key = (
                    of.application.0,
                    totals.metric.0,
                    totals.period,
                    totals.window,
                );
                (key, *totals)
            })
        })
        .collect()
}

pub(super) async fn now_secs(db: &Db) -> u64 {
    db.now_ms().await.unwrap().unsigned_abs() / 1000
}

/// Puts the clock ahead to this second of a minute.
pub(super) async fn at_second(db: &Db, second: i64) {
    let now_ms = db.now_ms().await.unwrap();
    db.pass_time((second * 1000 - now_ms % 60_000).rem_euclid(60_000));
}

/// Every cell whose account is not right: used and leased beyond the limit of its plan, or leases that do not add up.
pub(super) async fn wrong_accounts(db: &Db) -> Vec<(i64, String, i64, i64, i64, Option<i64>)> {
    on!(db, |c| sqlx::query_as(
        "select cell.application_id, cell.period, cell.window_start, cell.used, cell.leased, plan_limit.value
         from cell join application on application.id = cell.application_id
         left join plan_limit on plan_limit.plan_id = application.plan_id and plan_limit.metric_id = cell.metric_id
         and plan_limit.period = cell.period
         where cell.used + cell.leased > plan_limit.value
         or cell.leased <> coalesce((
             select cast(sum(l.granted - l.spent - l.returned) as bigint) from lease as l
             where l.application_id = cell.application_id and l.metric_id = cell.metric_id and l.period = cell.period
             and l.window_start = cell.window_start), 0)"
    )
    .fetch_all(c))
    .unwrap()
}
