//! Whatever is asked and reported: a clear answer, and an account that adds up.

use super::stage::{asked, stage, wrong_accounts};
use crate::gateway::world::delivery;
use crate::support::client::send;
use crate::support::{Test, both_databases};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use reqwest::{Method, header};
use tallygate::ledger::batch::MOST;
use tallygate_core::id::{ApplicationId, MetricId};
use tallygate_core::period::Period::{self, Eternity, Minute};
use tallygate_core::wire::{self, Ask, AskV1, CellTotalsV1, LeaseTotalsV1, LeasesV1, UsageRowV1};

both_databases! {
    async fn asks_without_sense_are_refused_with_the_reason(test: &Test) {
        let stage = stage(test, &[(Eternity, 100)]).await;
        let hits = stage.shop.hits;
        let cases: Vec<(&str, Vec<wire::AskedCellV1>)> = vec![
            ("must be 1 to 1024", vec![]),
            ("must be 1 to 1024", (0..1_025).map(|n| asked(hits, Minute, n * 60, 1)).collect()),
            ("twice", vec![asked(hits, Eternity, 0, 1), asked(hits, Eternity, 0, 2)]),
            ("beyond", vec![asked(hits, Eternity, 0, MOST + 1)]),
            ("beyond", vec![asked(hits, Eternity, 0, u64::MAX)]),
            ("does not exist", vec![asked(i64::MIN, Eternity, 0, 1)]),
            ("does not exist", vec![asked(i64::MAX, Eternity, 0, 1)]),
            ("does not exist", vec![asked(hits, Eternity, 0, 1), asked(0, Eternity, 0, 1)]),
        ];
        for (reason, cells) in cases {
            let ask = AskV1 { cells, ..stage.ask(1, &[]) };
            let (status, body) = stage.edge.ask(test, ask).await.unwrap_err();
            assert!(status == 422 && body.contains(reason), "{status} {body} / {reason}");
        }
        for change in 0..4 {
            let mut cell = asked(hits, Eternity, 0, 1);
            match change {
                0 => cell.want = u64::MAX,
                1 => cell.totals.granted = MOST + 1,
                2 => cell.totals.spent = u64::MAX,
                _ => cell.totals.returned = u64::MAX,
            }
            let ask = AskV1 { cells: vec![cell], ..stage.ask(1, &[]) };
            assert_eq!(stage.edge.ask(test, ask).await.unwrap_err().0, 422);
        }
        for ask in [
            AskV1 { epoch: i64::MIN, ..stage.ask(1, &[(Eternity, 0, 1)]) },
            AskV1 { epoch: 0, ..stage.ask(1, &[(Eternity, 0, 1)]) },
            AskV1 { application: ApplicationId(i64::MIN), ..stage.ask(1, &[(Eternity, 0, 1)]) },
            stage.ask(1, &[(Minute, u64::MAX, 1)]),
            stage.ask(1, &[(Eternity, 1, 1)]),
            stage.ask(1, &[(Eternity, 0, 0)]),
            stage.ask(0, &[(Eternity, 0, MOST)]),
        ] {
            stage.edge.ask(test, ask).await.unwrap();
        }
        assert_eq!(wrong_accounts(&test.app.db).await, vec![]);
    }

    async fn nobody_declares_without_end(test: &Test) {
        let stage = stage(test, &[(Eternity, 100)]).await;
        let declaring = |cells| {
            let totals = asked(stage.shop.hits, Eternity, 0, 0).totals;
            let mut sync = delivery(1, stage.epoch, 0, &[]);
            sync.declared = vec![LeasesV1 { application: ApplicationId(stage.app), cells: vec![totals; cells] }];
            sync
        };
        assert_eq!(stage.edge.sync(test, declaring(4_001)).await.unwrap_err().0, 422);
        stage.edge.sync(test, declaring(4_000)).await.unwrap();
    }

    async fn what_is_no_ask_is_refused(test: &Test) {
        let stage = stage(test, &[(Eternity, 100)]).await;
        let post = |content_type: &str, body: Vec<u8>| {
            send(test.request(Method::POST, "/gateway/v1/leases").bearer_auth(&stage.edge.token)
                .header(header::CONTENT_TYPE, content_type).body(body))
        };
        let good = Ask::V1(stage.ask(1, &[(Eternity, 0, 1)]));
        post("text/plain", wire::encode(&good)).await.expect(415);
        post(wire::COMPACT, Vec::new()).await.expect(400);
        post(wire::COMPACT, [wire::encode(&good), vec![0]].concat()).await.expect(400);
        post(wire::COMPACT, serde_json::to_vec(&good).unwrap()).await.expect(400);
        post(wire::JSON, b"{\"v1\":{}}".to_vec()).await.expect(400);
        let text = serde_json::to_string(&good).unwrap();
        post(wire::JSON, text.replace("\"need\":1", "\"need\":-1").into_bytes()).await.expect(400);
        post(wire::JSON, text.replace("eternity", "fortnight").into_bytes()).await.expect(400);
        post(wire::JSON, text.into_bytes()).await.expect(200);
    }

    async fn nothing_at_random_breaks_the_account(test: &Test) {
        for seed in 0..2 {
            let stage = stage(test, &[(Eternity, 100), (Minute, 7)]).await;
            let mut random = StdRng::seed_from_u64(seed);
            let mut seq = 0;
            for _ in 0..40 {
                let number = |random: &mut StdRng| *[0, 1, 2, 7, 100, MOST - 1, MOST, i64::MAX as u64, u64::MAX].get(random.random_range(0..9)).unwrap();
                let totals = |random: &mut StdRng| LeaseTotalsV1 {
                    metric: MetricId([stage.shop.hits, stage.shop.method, 0, -1][random.random_range(0..4)]),
                    period: Period::ALL[random.random_range(0..7)],
                    window: [0, 60, 1_000_000_020, u64::MAX][random.random_range(0..4)],
                    granted: number(random),
                    spent: number(random),
                    returned: number(random),
                };
                let mut ask = stage.ask(random.random_range(0..3), &[]);
                for _ in 0..random.random_range(0..4) {
                    ask.cells.push(wire::AskedCellV1 { totals: totals(&mut random), need: number(&mut random), want: number(&mut random) });
                }
                not_our_fault(stage.edge.ask(test, ask).await.map(drop));
                let row = UsageRowV1 {
                    application: ApplicationId(stage.app),
                    usage: Vec::new(),
                    cells: (0..random.random_range(0..5)).map(|_| {
                        let told = totals(&mut random);
                        CellTotalsV1 { metric: told.metric, period: told.period, window: told.window, spent: told.spent, returned: told.returned }
                    }).collect(),
                };
                seq += 1;
                let mut sync = delivery(random.random_range(0..3), stage.epoch, seq, &[row.clone(), row]);
                sync.declared = vec![LeasesV1 { application: ApplicationId(stage.app), cells: (0..3).map(|_| totals(&mut random)).collect() }];
                sync.draining = random.random_bool(0.1);
                not_our_fault(stage.edge.sync(test, sync).await.map(drop));
            }
            let path = format!("/admin/api/services/{}/gateways.json", stage.shop.id);
            test.get(&path).await.expect(200);
        }
        send(test.request(Method::GET, "/metrics")).await.expect(200);
    }
}

#[track_caller]
fn not_our_fault(answer: Result<(), (u16, String)>) {
    if let Err((status, body)) = answer {
        assert!(status < 500, "{status} {body}");
    }
}
