//! Ten thousand requests that no well-behaved client would send: each gets the right status, and no VM traps.

mod requests;

use anyhow::{Context as _, Result, bail, ensure};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use requests::{Hostile, KINDS};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tallygate_tests::database::Kind;
use tallygate_tests::gateway::Filter;
use tallygate_tests::http::{self, Connection};
use tallygate_tests::installation::{Installation, with_query};
use tokio::task::JoinSet;

const REQUESTS: u64 = 10_000;
const CLIENTS: u64 = 16;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn story() -> Result<()> {
    let it = Installation::start("hostile", Kind::Sqlite, Filter::Shipped).await?;
    let gold = Arc::new(it.company.gold.clone());
    let address = it.production();

    let mut clients = JoinSet::new();
    for seed in 0..CLIENTS {
        let gold = gold.clone();
        clients.spawn(async move {
            let mut random = StdRng::seed_from_u64(seed);
            let mut seen = BTreeMap::<(usize, Option<u16>), u64>::new();
            for _ in 0..REQUESTS / CLIENTS {
                let hostile = Hostile::any(&mut random, &gold);
                let mut connection = Connection::open(address).await?;
                let answer = connection
                    .send_hostile(&hostile.bytes, hostile.is_cut_off())
                    .await
                    .with_context(|| hostile.to_string())?;
                let status = answer.as_ref().map(|answer| answer.status);
                // On a busy machine whatever could be let in may have waited too long for credit.
                let came_too_early = hostile.allows(Some(200))
                    && answer.is_some_and(|answer| {
                        answer.status == 503 && answer.header("retry-after") == Some("1")
                    });
                if !hostile.allows(status) && !came_too_early {
                    bail!("{status:?} for {hostile}");
                }
                *seen.entry((hostile.kind, status)).or_default() += 1;
            }
            Ok(seen)
        });
    }
    let mut seen = BTreeMap::<_, u64>::new();
    for counts in clients.join_all().await {
        counts?
            .into_iter()
            .for_each(|(key, count)| *seen.entry(key).or_default() += count);
    }
    // Every kind came, and those that could be let in were let in at times: the table says what it seems to say.
    for (kind, name) in KINDS.iter().enumerate() {
        ensure!(
            seen.keys().any(|(known, _)| *known == kind),
            "no request of the kind {name}"
        );
    }

    check_that_no_vm_trapped(&it).await?;
    let good = http::request("GET", &with_query("/api/mail.send.json", &gold), &[], b"");
    ensure!(
        it.settles("afterwards", &good, 200).await? == Duration::ZERO,
        "some were refused afterwards"
    );
    let admitted = it.upstream.requests();
    it.ledger_becomes(gold.application_id, admitted, Duration::from_secs(5))
        .await?;
    it.end()
}

async fn check_that_no_vm_trapped(it: &Installation) -> Result<()> {
    let reloads: Vec<_> = it
        .gateway
        .stats("vm_reload")
        .await?
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .collect();
    ensure!(reloads.is_empty(), "VMs trapped: {reloads:?}");
    let log = it.gateway.log();
    let complaint = log
        .lines()
        .find(|line| line.contains("panicked") || line.contains("VM failed"));
    ensure!(complaint.is_none(), "Envoy's log says: {complaint:?}");
    Ok(())
}
