//! Rows of usage per second that the control plane takes, durable before it answers.
//!
//! Several gateways at once, as a fleet would: each sends its next batch when the last one is acknowledged.

use crate::installation::Installation;
use anyhow::{Context as _, Result, ensure};
use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tallygate_core::id::{ApplicationId, MetricId};
use tallygate_core::wire::{
    COMPACT, HealthV1, Instance, Sync, SyncAnswer, SyncAnswerV1, SyncV1, UsageRowV1, UsageV1,
    decode, encode,
};
use tallygate_tests::chance::{Chance, Zipf};
use tallygate_tests::http::{self, Connection};
use tokio::task::JoinSet;

const GATEWAYS: u64 = 4;
/// Requests that a batch stands for; by Zipf's law they are of some thousands of the 10 000 applications.
const REQUESTS: u32 = 20_000;
const APPLICATIONS: u32 = 10_000;
const LASTS: Duration = Duration::from_secs(5);

/// A gateway, as the control plane sees it.
struct Gateway {
    connection: Connection,
    token: String,
    instance: Instance,
    epoch: i64,
    seq: u64,
}

/// Rows a second: application × minute, three metrics each.
pub(crate) async fn measure(installation: &Installation) -> Result<f64> {
    installation.unpin().await?;
    let mut gateways = JoinSet::new();
    let began = Instant::now();
    for number in 0..GATEWAYS {
        let mut gateway = Gateway::new(installation, number).await?;
        let rows = rows(installation, number)?;
        gateways.spawn(async move {
            let mut taken = 0;
            while began.elapsed() < LASTS {
                gateway.send(&rows).await?;
                taken += rows.len();
            }
            Ok::<_, anyhow::Error>(taken)
        });
    }
    let mut taken = 0;
    while let Some(of_gateway) = gateways.join_next().await {
        taken += of_gateway??;
    }
    Ok(taken as f64 / began.elapsed().as_secs_f64())
}

/// One batch of a gateway.
fn rows(installation: &Installation, seed: u64) -> Result<Vec<UsageRowV1>> {
    let mut chance = Chance(seed);
    let ranks = Zipf::new(APPLICATIONS.min(installation.size.applications));
    let mut calls: BTreeMap<u32, u64> = BTreeMap::new();
    for _ in 0..REQUESTS {
        *calls.entry(ranks.draw(&mut chance)).or_default() += 1;
    }
    let minute = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() / 60;
    let minute = u32::try_from(minute)?;
    let metrics: Vec<i64> = installation.metrics.iter().copied().take(3).collect();
    let row = |(rank, calls): (u32, u64)| UsageRowV1 {
        application: ApplicationId(installation.first_application + i64::from(rank)),
        usage: metrics
            .iter()
            .map(|&metric| UsageV1 {
                metric: MetricId(metric),
                minute,
                delta: calls,
            })
            .collect(),
        cells: Vec::new(),
    };
    Ok(calls.into_iter().map(row).collect())
}

impl Gateway {
    async fn new(installation: &Installation, number: u64) -> Result<Self> {
        let mut gateway = Self {
            connection: Connection::open(installation.admin).await?,
            token: installation.gateway_token.clone(),
            instance: [u8::try_from(number)? + 1; 16],
            epoch: 0,
            seq: 0,
        };
        gateway.epoch = gateway.sync(0, Vec::new()).await?.epoch;
        Ok(gateway)
    }

    async fn send(&mut self, rows: &Vec<UsageRowV1>) -> Result<()> {
        self.seq += 1;
        let answer = self.sync(self.seq, encode(rows)).await?;
        ensure!(
            answer.ack == self.seq && answer.rejected.is_empty(),
            "the ledger did not take a batch: {answer:?}"
        );
        Ok(())
    }

    async fn sync(&mut self, seq: u64, rows: Vec<u8>) -> Result<SyncAnswerV1> {
        let body = encode(&Sync::V1(SyncV1 {
            instance: self.instance,
            epoch: self.epoch,
            seq,
            rows,
            declared: Vec::new(),
            draining: false,
            health: HealthV1::default(),
        }));
        let (bearer, length) = (format!("Bearer {}", self.token), body.len().to_string());
        let headers = [
            ("authorization", bearer.as_str()),
            ("accept", COMPACT),
            ("content-type", COMPACT),
            ("content-length", length.as_str()),
        ];
        let request = http::request("POST", "/gateway/v1/sync", &headers, &body);
        let answer = self.connection.send(&request).await?;
        ensure!(
            answer.status == 200,
            "a sync was answered with {}: {}",
            answer.status,
            String::from_utf8_lossy(&answer.body)
        );
        let SyncAnswer::V1(answer) = decode(&answer.body)
            .ok()
            .context("a sync's answer cannot be read")?;
        Ok(answer)
    }
}
