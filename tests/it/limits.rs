//! 600 calls a minute are 600 calls a minute, to the last one, whichever worker takes them; and they are all counted.

use anyhow::{Context as _, Result, ensure};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tallygate_tests::database::Kind;
use tallygate_tests::gateway::Filter;
use tallygate_tests::http::{self, Answer, Connection};
use tallygate_tests::installation::{Installation, with_query};
use tokio::task::JoinSet;

const LIMIT: usize = 600;
const CLIENTS: usize = 10;
/// Of each client: together 10 more than the limit.
const CALLS: usize = 61;

crate::on_both_databases!(story);

async fn story(database: Kind) -> Result<()> {
    let it = Installation::start("limits", database, Filter::Shipped).await?;
    let bronze = &it.company.bronze;
    let request = http::request("GET", &with_query("/api/mail.send.json", bronze), &[], b"");
    let minute = a_fresh_minute().await?;

    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (address, request) = (it.production(), request.clone());
        clients.spawn(async move {
            let mut connection = Connection::open(address).await?;
            let mut answers = Vec::new();
            for _ in 0..CALLS {
                answers.push((connection.send(&request).await?, now()?));
            }
            anyhow::Ok(answers)
        });
    }
    let answers: Vec<(Answer, Duration)> = clients
        .join_all()
        .await
        .into_iter()
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .flatten()
        .collect();
    let (last, at) = (http::send_once(it.production(), &request).await?, now()?);
    ensure!(
        at.as_secs() / 60 == minute,
        "the calls took longer than what was left of the minute"
    );

    let admitted = answers
        .iter()
        .filter(|(answer, _)| answer.status == 200)
        .count();
    let refused: Vec<_> = answers
        .iter()
        .filter(|(answer, _)| answer.status == 429)
        .collect();
    ensure!(
        admitted == LIMIT && admitted + refused.len() == answers.len(),
        "{admitted} of {} admitted",
        answers.len()
    );
    ensure!(last.status == 429, "after the limit: {last:?}");
    for (answer, at) in refused.into_iter().chain([&(last, at)]) {
        check_retry_after(answer, *at)?;
    }
    check_that_both_workers_took_part(&it).await?;

    let took = it
        .ledger_becomes(bronze.application_id, LIMIT as u64, Duration::from_secs(2))
        .await?;
    ensure!(
        took <= Duration::from_secs(2),
        "the statistics took {took:?}"
    );
    ensure!(
        it.ledger(bronze.application_id, "web_api").await? == LIMIT as u64,
        "the method's own count"
    );
    let product = format!(
        "/stats/services/{}/usage.json?metric_name=hits&period=day",
        it.company.service_id
    );
    ensure!(
        it.api.get(&product).await?["total"] == LIMIT,
        "the product's count"
    );
    it.end()
}

/// Until the window's end, rounded up.
fn check_retry_after(answer: &Answer, at: Duration) -> Result<()> {
    let left = 60 - at.as_secs() % 60;
    let told: u64 = answer
        .header("retry-after")
        .context("429 without Retry-After")?
        .parse()?;
    // The answer is a little older than `at`.
    ensure!(
        told == left || told == left + 1,
        "Retry-After says {told}, {left} s are left: {answer:?}"
    );
    Ok(())
}

async fn check_that_both_workers_took_part(it: &Installation) -> Result<()> {
    let workers = it
        .gateway
        .stats(&format!("{}.worker_", it.production().port()))
        .await?;
    let connections: Vec<_> = workers
        .iter()
        .filter(|(name, _)| name.ends_with("downstream_cx_total"))
        .collect();
    ensure!(
        connections.len() == 2 && connections.iter().all(|(_, count)| *count > 0),
        "{connections:?}"
    );
    Ok(())
}

/// Waits for the next minute when this one is nearly over; gives back its number.
async fn a_fresh_minute() -> Result<u64> {
    let left = 60 - now()?.as_secs() % 60;
    if left < 20 {
        tokio::time::sleep(Duration::from_secs(left)).await;
    }
    Ok(now()?.as_secs() / 60)
}

fn now() -> Result<Duration> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?)
}
