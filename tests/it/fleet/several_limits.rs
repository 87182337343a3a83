//! Several limits on one metric and on its parent, short and long, and requests that cost more than one: all of a
//! request's cells are charged or none, and what is refused has really no room.

use anyhow::{Result, ensure};
use std::time::Duration;
use tallygate_core::period::Period::{Day, Hour, Minute};
use tallygate_tests::database::Kind;
use tallygate_tests::demand::{self, Demand};
use tallygate_tests::fleet::{Fleet, Setup};
use tallygate_tests::product::Limit;
use tallygate_tests::upstream::EVER;
use tallygate_tests::{clock, ledger, wait};

const SHARES: [u32; 3] = [20, 50, 30];
const OVER: Duration = Duration::from_secs(8);
/// For what is lacking to come back from where it is not used.
const RECALLS: Duration = Duration::from_secs(10);
const PATHS: [&str; 3] = ["/letter", "/parcel", "/mixed"];

/// The first of `parcels` binds before the second, and so does the first of `hits`.
const LIMITS: [Limit; 5] = [
    Limit("parcels", Hour, 49),
    Limit("parcels", Minute, 70),
    Limit("hits", Minute, 80),
    Limit("hits", Day, 1_000),
    Limit("letters", Minute, 75),
];

crate::on_both_databases!(story);

async fn story(database: Kind) -> Result<()> {
    let fleet = Setup::on(database)
        .start("several-limits", &[("sender", &LIMITS)])
        .await?;
    let sender = &fleet.applications[0];
    let demand = Demand::default()
        .with(0, 60, &SHARES, OVER)
        .with(1, 20, &SHARES, OVER)
        .with(2, 40, &SHARES, OVER);
    let requests = PATHS.map(|path| sender.get(path)).to_vec();

    let minute = clock::minute_with(OVER + RECALLS * 2).await?;
    let answers = demand.send(&fleet.addresses(), requests.clone()).await;
    demand::check(&answers)?;
    // Nothing that would fit stays refused, at none of the gateways.
    let mut more = answers;
    let one_of_each = (0..PATHS.len()).fold(Demand::default(), |demand, path| {
        demand.with(path, 3, &[1, 1, 1], Duration::ZERO)
    });
    wait::until(
        "nothing more has room",
        RECALLS,
        async || {
            let answers = one_of_each
                .clone()
                .send(&fleet.addresses(), requests.clone())
                .await;
            more = std::mem::take(&mut more).and(answers);
            Ok(Spent::of(&fleet))
        },
        Spent::is_full,
    )
    .await?;
    ensure!(clock::minute()? == minute, "it took more than a minute");

    let spent = Spent::of(&fleet);
    ensure!(spent.is_allowed(), "{spent:?}");
    for (n, path) in PATHS.into_iter().enumerate() {
        let came = fleet
            .upstream
            .record()
            .requests_for(&sender.user_key, path, EVER);
        ensure!(came == more.count(n, 200), "{path}: {came}, {more:?}");
    }
    // A request that was charged on some of its cells only would show here.
    ledger::becomes(&fleet.api, sender.id, spent.hits, Duration::from_secs(5)).await?;
    for (metric, expected) in [("letters", spent.letters), ("parcels", spent.parcels)] {
        let held = ledger::total(&fleet.api, sender.id, metric).await?;
        ensure!(held == expected, "{metric}: {held}, not {spent:?}");
    }
    fleet.end().await
}

/// What came to the upstream, in units of each metric.
#[derive(Debug)]
struct Spent {
    letters: u64,
    parcels: u64,
    hits: u64,
}

// === impl Spent ===

impl Spent {
    fn of(fleet: &Fleet) -> Self {
        let record = fleet.upstream.record();
        let key = &fleet.applications[0].user_key;
        let [letter, parcel, mixed] = PATHS.map(|path| record.requests_for(key, path, EVER));
        Self {
            letters: letter + 2 * mixed,
            parcels: 7 * parcel + 3 * mixed,
            hits: letter + 7 * parcel + 5 * mixed,
        }
    }

    fn is_allowed(&self) -> bool {
        self.parcels <= 49 && self.hits <= 80 && self.letters <= 75
    }

    /// Whether none of the requests fits any more.
    fn is_full(&self) -> bool {
        let fits = |letters: u64, parcels: u64| {
            Self {
                letters: self.letters + letters,
                parcels: self.parcels + parcels,
                hits: self.hits + letters + parcels,
            }
            .is_allowed()
        };
        !fits(1, 0) && !fits(0, 7) && !fits(2, 3)
    }
}
