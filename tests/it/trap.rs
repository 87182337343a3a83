//! A worker's VM is trapped on purpose under load: 503 on that worker only and not for long, and whatever was admitted
//! before, meanwhile and after is in the ledger once.

use anyhow::{Result, ensure};
use std::time::Duration;
use tallygate_tests::database::Kind;
use tallygate_tests::gateway::Filter;
use tallygate_tests::http::{self, Connection};
use tallygate_tests::installation::{Installation, with_query};
use tallygate_tests::load::Load;
use tokio::time::sleep;

const CLIENTS: u32 = 8;
const NOT_LONG: Duration = Duration::from_secs(2);

crate::on_both_databases!(story);

async fn story(database: Kind) -> Result<()> {
    let it = Installation::start("trap", database, Filter::Trap).await?;
    let gold = &it.company.gold;
    let target = with_query("/api/mail.send.json", gold);
    let load = Load {
        target: it.production(),
        request: http::request("GET", &target, &[], b""),
        clients: CLIENTS,
        pause: Duration::from_millis(20),
    };
    let load = load.start();
    sleep(Duration::from_secs(2)).await;

    // Twice on one connection, hence on one worker: the second time Envoy waits about a second before it tries again.
    let trapping = http::request("GET", &target, &[("x-tallygate-trap", "1")], b"");
    let mut connection = Connection::open(it.production()).await?;
    for _ in 0..2 {
        let trapped = connection.send(&trapping).await?;
        ensure!(trapped.status == 503, "the request that traps: {trapped:?}");
        ensure!(
            connection.is_reusable(),
            "the connection does not outlive a trap: {trapped:?}"
        );
        sleep(Duration::from_millis(200)).await;
    }
    sleep(Duration::from_secs(4)).await;
    let tally = load.finish().await;

    let others: Vec<_> = tally
        .by_status
        .keys()
        .filter(|status| !matches!(status, 200 | 503))
        .collect();
    ensure!(tally.broken.is_empty() && others.is_empty(), "{tally:?}");
    ensure!(
        tally.clients_hit > 0,
        "nobody noticed the traps: were there any? {tally:?}"
    );
    ensure!(
        tally.clients_hit < CLIENTS,
        "the other worker was hit too: {tally:?}"
    );
    ensure!(tally.bad_for() <= NOT_LONG, "503 for {:?}", tally.bad_for());
    let reloads = it
        .gateway
        .stat("wasm.tallygate_production.vm_reload_success")
        .await?;
    ensure!(reloads == 2, "{reloads} VMs were reloaded");

    // A request that was admitted, but whose VM trapped before the answer came, is counted though its client saw 503:
    // the upstream saw it. (A VM may trap between the admission and its counter, so Envoy's counters are no measure.)
    let admitted = it.upstream.requests();
    let in_flight = u64::from(CLIENTS);
    ensure!(
        (tally.admitted()..=tally.admitted() + in_flight).contains(&admitted),
        "{admitted}: {tally:?}"
    );
    it.ledger_becomes(gold.application_id, admitted, Duration::from_secs(5))
        .await?;
    it.end()
}
