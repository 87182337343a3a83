//! Bad rows: each is rejected alone, kept and named; the rest of its batch counts.

use super::world::{
    applications, counter, delivery, epoch, execute, gateway, now_minute, product, sums_by_product,
    total, usage,
};
use crate::support::{Test, both_databases};
use tallygate::ledger::batch::MOST;
use tallygate::on;
use tallygate_core::wire::{self, UsageRowV1};

both_databases! {
    async fn each_kind_of_bad_row_is_rejected_alone(test: &Test) {
        let db = &test.app.db;
        let edge = gateway(db, "production").await;
        let (shop, mail) = (product(db, "shop").await, product(db, "mail").await);
        let app = applications(db, shop, 1).await[0];
        let (epoch, minute) = (epoch(db).await, now_minute(db).await);
        let good = || usage(app, &[(shop.hits, minute, 1)]);
        let bad: Vec<(UsageRowV1, &str)> = vec![
            (usage(999_999, &[(shop.hits, minute, 1)]), "no application 999999"),
            (usage(i64::MIN, &[]), "no application"),
            (usage(app, &[(999_999, minute, 1)]), "no metric 999999"),
            (usage(app, &[(mail.hits, minute, 1)]), "of another product"),
            (usage(app, &[(shop.hits, minute - 401 * 1440, 1)]), "400 days ago"),
            (usage(app, &[(shop.hits, 0, 1)]), "400 days ago"),
            (usage(app, &[(shop.hits, minute + 62, 1)]), "an hour ahead"),
            (usage(app, &[(shop.hits, u32::MAX, 1)]), "an hour ahead"),
            (usage(app, &[(shop.hits, minute, MOST + 1)]), "overflows"),
            (usage(app, &[(shop.hits, minute, u64::MAX)]), "overflows"),
            // A row is one: what is good of it does not count either.
            (usage(app, &[(shop.hits, minute, 1000), (999_999, minute, 1)]), "no metric"),
        ];
        let mut rows = vec![good()];
        for (row, _) in &bad {
            rows.push(row.clone());
            rows.push(good());
        }
        let batch = delivery(1, epoch, 1, &rows);
        let answer = edge.sync(test, batch.clone()).await.unwrap();
        assert_eq!(answer.ack, 1);
        assert_eq!(answer.rejected.len(), bad.len());
        for (n, ((index, reason), (_, expected))) in answer.rejected.iter().zip(&bad).enumerate() {
            assert_eq!(*index as usize, 1 + 2 * n);
            assert!(reason.contains(expected), "{reason} / {expected}");
        }
        assert_eq!(total(db, app, shop.hits).await, 1 + bad.len() as i64);
        assert_eq!(edge.sync(test, batch).await.unwrap().rejected, answer.rejected, "told again when asked again");

        let kept: Vec<(i64, Vec<u8>, String)> = on!(db, |c| sqlx::query_as(
            "select row_index, row_bytes, reason from quarantine order by id"
        ).fetch_all(c)).unwrap();
        assert_eq!(kept.len(), bad.len());
        for ((index, bytes, reason), ((told_index, told), (row, _))) in kept.iter().zip(answer.rejected.iter().zip(&bad)) {
            assert_eq!((*index, reason), (i64::from(*told_index), told));
            assert_eq!(&wire::decode::<UsageRowV1>(bytes).unwrap(), row);
        }
        assert_eq!(counter(test, "usage_rejected_rows").await, bad.len() as u64);
        assert_eq!(counter(test, "usage_rows").await, 1 + bad.len() as u64);
    }

    async fn the_borders_of_what_is_taken(test: &Test) {
        let db = &test.app.db;
        let edge = gateway(db, "production").await;
        let shop = product(db, "shop").await;
        let app = applications(db, shop, 1).await[0];
        let (epoch, minute) = (epoch(db).await, now_minute(db).await);
        edge.deliver(test, delivery(1, epoch, 1, &[
            usage(app, &[(shop.hits, minute + 59, 1)]),
            usage(app, &[(shop.hits, minute - 399 * 1440, 1)]),
            usage(app, &[(shop.hits, minute, MOST)]),
            usage(app, &[(shop.hits, minute, 0)]),
            usage(app, &[]),
        ])).await;
        assert_eq!(total(db, app, shop.hits).await, MOST as i64 + 2);
    }

    async fn no_number_of_batches_overflows_a_sum(test: &Test) {
        let db = &test.app.db;
        let edge = gateway(db, "production").await;
        let shop = product(db, "shop").await;
        let app = applications(db, shop, 1).await[0];
        let (epoch, minute) = (epoch(db).await, now_minute(db).await);
        let mut tx = db.begin().await.unwrap();
        crate::gateway::world::limit(&mut tx, shop.plan, shop.hits, "week", 10).await;
        tx.commit().await.unwrap();
        let rows: Vec<UsageRowV1> = (0..700).map(|_| usage(app, &[(shop.hits, minute, MOST)])).collect();
        for seq in 1..=3 {
            edge.deliver(test, delivery(1, epoch, seq, &rows)).await;
        }
        assert_eq!(total(db, app, shop.hits).await, i64::MAX);
        for (key, value) in sums_by_product(db).await {
            assert_eq!(value, i64::MAX, "{key:?}");
        }
    }

    async fn usage_of_what_is_gone_meanwhile_counts(test: &Test) {
        let db = &test.app.db;
        let edge = gateway(db, "production").await;
        let shop = product(db, "shop").await;
        let apps = applications(db, shop, 2).await;
        let (epoch, minute) = (epoch(db).await, now_minute(db).await);
        execute(db, "update application set state = 'suspended' where id = $1", apps[0]).await;
        execute(db, "update application set deleted_at = 1 where id = $1", apps[1]).await;
        execute(db, "update metric set deleted_at = 1 where id = $1", shop.method).await;
        execute(db, "update product set deleted_at = 1 where id = $1", shop.id).await;
        execute(db, "update account set state = 'rejected' where id = $1", shop.account).await;
        edge.deliver(test, delivery(1, epoch, 1, &[
            usage(apps[0], &[(shop.hits, minute, 2), (shop.method, minute, 2)]),
            usage(apps[1], &[(shop.hits, minute, 3), (shop.method, minute, 3)]),
        ])).await;
        assert_eq!(total(db, apps[0], shop.method).await, 2);
        assert_eq!(total(db, apps[1], shop.hits).await, 3);
    }

    async fn rows_that_cannot_be_read_do_not_hold_up_the_batch(test: &Test) {
        let db = &test.app.db;
        let edge = gateway(db, "production").await;
        let shop = product(db, "shop").await;
        let app = applications(db, shop, 1).await[0];
        let (epoch, minute) = (epoch(db).await, now_minute(db).await);
        let whole = wire::encode(&vec![usage(app, &[(shop.hits, minute, 1)]); 3]);
        let cases: Vec<(Vec<u8>, i64, Option<u32>)> = vec![
            (whole.clone(), 3, None),
            (whole[..whole.len() - 1].to_vec(), 2, Some(2)),
            ([whole.clone(), vec![9, 9]].concat(), 3, Some(3)),
            (vec![0xff; 64], 0, Some(0)),
            (vec![200, 1], 0, Some(0)),
            (Vec::new(), 0, None),
        ];
        let mut expected = 0;
        for (n, (bytes, good, bad)) in cases.into_iter().enumerate() {
            let mut sync = delivery(1, epoch, n as u64 + 1, &[]);
            sync.rows = bytes;
            let answer = edge.sync(test, sync).await.unwrap();
            assert_eq!(answer.ack, n as u64 + 1);
            assert_eq!(answer.rejected.first().map(|(index, _)| *index), bad, "case {n}");
            expected += good;
            assert_eq!(total(db, app, shop.hits).await, expected, "case {n}");
        }
    }
}
