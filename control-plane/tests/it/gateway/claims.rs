//! Exactly once: duplicates, lost answers, gaps, clones, foreign tokens, restores.

use super::world::{
    application, applications, counter, delivery, epoch, execute, gateway, now_minute, product,
    remove_gateway, sql, sums_by_application, total, usage,
};
use crate::support::{Test, both_databases};
use tallygate::db::Tx;
use tallygate::on;

both_databases! {
    async fn a_batch_counts_once_however_often_it_is_sent(test: &Test) {
        let db = &test.app.db;
        let edge = gateway(db, "production").await;
        let shop = product(db, "shop").await;
        let app = applications(db, shop, 1).await[0];
        let (epoch, minute) = (epoch(db).await, now_minute(db).await);

        let first = edge.sync(test, delivery(1, 0, 0, &[])).await.unwrap();
        assert_eq!((first.epoch, first.ack), (epoch, 0), "the first answer tells the epoch");

        let one = delivery(1, epoch, 1, &[usage(app, &[(shop.hits, minute, 5)])]);
        let two = delivery(1, epoch, 2, &[usage(app, &[(shop.hits, minute, 7)])]);
        assert_eq!(edge.sync(test, one.clone()).await.unwrap().ack, 1);
        assert_eq!(edge.sync(test, one.clone()).await.unwrap().ack, 1, "the answer was lost");
        assert_eq!(edge.sync(test, two.clone()).await.unwrap().ack, 2);
        assert_eq!(edge.sync(test, one).await.unwrap().ack, 2, "very late");
        assert_eq!(edge.sync(test, two).await.unwrap().ack, 2);
        assert_eq!(edge.sync(test, delivery(1, epoch, 0, &[])).await.unwrap().ack, 2, "without a batch");

        assert_eq!(total(db, app, shop.hits).await, 12);
        assert_eq!(counter(test, "usage_batches").await, 2);
        assert_eq!(counter(test, "usage_duplicate_batches").await, 3);
        assert_eq!(counter(test, "usage_rows").await, 2);
    }

    async fn the_same_batch_many_times_at_once_counts_once(test: &Test) {
        let db = &test.app.db;
        let edge = gateway(db, "production").await;
        let shop = product(db, "shop").await;
        let app = applications(db, shop, 1).await[0];
        let (epoch, minute) = (epoch(db).await, now_minute(db).await);
        for seq in 1..=5 {
            let batch = delivery(1, epoch, seq, &[usage(app, &[(shop.hits, minute, 3)])]);
            let calls = (0..8).map(|_| edge.sync(test, batch.clone()));
            for answer in join_all(calls).await {
                assert_eq!(answer.unwrap().ack, seq);
            }
        }
        assert_eq!(total(db, app, shop.hits).await, 15);
    }

    async fn two_replicas_take_one_batch_once(test: &Test) {
        use tallygate::ledger::{Counters, Delivery, Ledger};
        let db = &test.app.db;
        let edge = gateway(db, "production").await;
        let shop = product(db, "shop").await;
        let apps = applications(db, shop, 3).await;
        let (epoch, minute) = (epoch(db).await, now_minute(db).await);
        let replicas: Vec<Ledger> = vec![
            Ledger::new(db.clone(), Counters::default()),
            Ledger::new(test.database.connect().await, Counters::default()),
        ];
        for seq in 1..=10 {
            // Instances meet on the same applications, in opposite orders.
            let calls = replicas.iter().flat_map(|ledger| {
                let (apps, shop) = (apps.clone(), shop);
                (1..=3_u8).map(move |instance| {
                    let mut rows: Vec<_> = apps.iter().map(|app| usage(*app, &[(shop.hits, minute, 1), (shop.method, minute, 1)])).collect();
                    if instance % 2 == 0 {
                        rows.reverse();
                    }
                    ledger.take(Delivery { gateway: edge.id, sync: delivery(instance, epoch, seq, &rows) })
                })
            });
            for answer in join_all(calls).await {
                assert_eq!(answer.unwrap().ack, seq);
            }
        }
        for app in apps {
            assert_eq!(total(db, app, shop.hits).await, 30);
        }
    }

    async fn a_gap_is_taken_counted_and_told(test: &Test) {
        let db = &test.app.db;
        let edge = gateway(db, "production").await;
        let shop = product(db, "shop").await;
        let app = applications(db, shop, 1).await[0];
        let (epoch, minute) = (epoch(db).await, now_minute(db).await);
        let batch = |seq| delivery(1, epoch, seq, &[usage(app, &[(shop.hits, minute, 1)])]);
        edge.deliver(test, batch(1)).await;
        edge.deliver(test, batch(5)).await;
        assert_eq!(edge.sync(test, batch(3)).await.unwrap().ack, 5, "what is missing does not come any more");
        edge.deliver(test, batch(6)).await;
        assert_eq!(total(db, app, shop.hits).await, 3);
        assert_eq!(counter(test, "usage_lost_batches").await, 3);
        let gaps = on!(db, |c| sqlx::query_scalar::<_, i64>("select gaps from instance").fetch_one(c)).unwrap();
        assert_eq!(gaps, 3);
        // An instance that is new to a restored database.
        edge.deliver(test, delivery(2, epoch, 4, &[usage(app, &[(shop.hits, minute, 1)])])).await;
        assert_eq!(counter(test, "usage_lost_batches").await, 6);
    }

    async fn a_cloned_instance_is_fenced(test: &Test) {
        let db = &test.app.db;
        let edge = gateway(db, "production").await;
        let shop = product(db, "shop").await;
        let app = applications(db, shop, 1).await[0];
        let (epoch, minute) = (epoch(db).await, now_minute(db).await);
        let batch = |seq, delta| delivery(1, epoch, seq, &[usage(app, &[(shop.hits, minute, delta)])]);
        edge.deliver(test, batch(1, 5)).await;
        assert_eq!(edge.sync(test, batch(1, 6)).await.unwrap_err().0, 409);
        assert_eq!(edge.sync(test, batch(2, 1)).await.unwrap_err().0, 409, "nothing more is taken");
        assert_eq!(edge.sync(test, delivery(1, epoch, 0, &[])).await.unwrap_err().0, 409);
        // However often it calls, it is not heard of: what it held is unaccounted for, and can be written off.
        let seen = async || on!(db, |c| sqlx::query_scalar::<_, i64>("select max(last_seen_at) from instance").fetch_one(c)).unwrap();
        let before = seen().await;
        db.pass_time(31_000);
        assert_eq!(edge.sync(test, batch(2, 1)).await.unwrap_err().0, 409);
        assert_eq!(seen().await, before);
        assert_eq!(total(db, app, shop.hits).await, 5);
        assert_eq!(counter(test, "usage_refused_calls").await, 4);
        edge.deliver(test, delivery(2, epoch, 1, &[usage(app, &[(shop.hits, minute, 1)])])).await;
    }

    async fn an_instance_belongs_to_its_gateway(test: &Test) {
        let db = &test.app.db;
        let (edge, other) = (gateway(db, "production").await, gateway(db, "staging").await);
        let shop = product(db, "shop").await;
        let app = applications(db, shop, 1).await[0];
        let (epoch, minute) = (epoch(db).await, now_minute(db).await);
        let batch = |seq| delivery(1, epoch, seq, &[usage(app, &[(shop.hits, minute, 1)])]);
        edge.deliver(test, batch(1)).await;
        assert_eq!(other.sync(test, batch(2)).await.unwrap_err().0, 403);
        assert_eq!(total(db, app, shop.hits).await, 1);
        remove_gateway(db, edge.id).await;
        assert_eq!(edge.sync(test, batch(2)).await.unwrap_err().0, 401, "its token was removed");
        other.deliver(test, batch(2)).await;
        other.deliver(test, batch(3)).await;
        assert_eq!(total(db, app, shop.hits).await, 3);
    }

    async fn after_a_restore_batches_count_from_one(test: &Test) {
        let db = &test.app.db;
        let edge = gateway(db, "production").await;
        let shop = product(db, "shop").await;
        let app = applications(db, shop, 1).await[0];
        let (old, minute) = (epoch(db).await, now_minute(db).await);
        let batch = |epoch, seq| delivery(1, epoch, seq, &[usage(app, &[(shop.hits, minute, 1)])]);
        edge.deliver(test, batch(old, 1)).await;
        edge.deliver(test, batch(old, 2)).await;
        execute(db, "update ledger_epoch set epoch = epoch + $1", 1).await;
        let answer = edge.sync(test, batch(old, 3)).await.unwrap();
        assert_eq!((answer.epoch, answer.ack), (old + 1, 2), "nothing is applied; the backup has two of the old epoch");
        assert_eq!(total(db, app, shop.hits).await, 2);
        edge.deliver(test, batch(old + 1, 1)).await;
        assert_eq!(total(db, app, shop.hits).await, 3);
    }

    async fn a_failed_group_leaves_nothing_and_is_taken_later(test: &Test) {
        let db = &test.app.db;
        let edge = gateway(db, "production").await;
        let shop = product(db, "shop").await;
        let app = applications(db, shop, 1).await[0];
        let (epoch, minute) = (epoch(db).await, now_minute(db).await);
        let batch = delivery(1, epoch, 1, &[usage(app, &[(shop.hits, minute, 4)])]);
        // The sums of products come last: everything before must be undone.
        let mut tx = db.begin().await.unwrap();
        sql!(&mut tx, "alter table usage_product rename to usage_gone");
        tx.commit().await.unwrap();
        assert_eq!(edge.sync(test, batch.clone()).await.unwrap_err().0, 500);
        assert_eq!(sums_by_application(db).await.len(), 0);
        let mut tx = db.begin().await.unwrap();
        sql!(&mut tx, "alter table usage_gone rename to usage_product");
        tx.commit().await.unwrap();
        edge.deliver(test, batch).await;
        assert_eq!(total(db, app, shop.hits).await, 4);
    }

    async fn what_a_gateway_says_of_itself_is_kept(test: &Test) {
        let db = &test.app.db;
        let edge = gateway(db, "production").await;
        let epoch = epoch(db).await;
        let mut hello = delivery(1, epoch, 0, &[]);
        hello.health.version = "0.1\u{0}<x>".into();
        hello.draining = true;
        edge.sync(test, hello).await.unwrap();
        let (seen, revision, waiting, rejected, version): (Option<i64>, i64, i64, i64, String) = on!(db, |c| sqlx::query_as(
            "select last_seen_at, revision_seen, batches_waiting, rejected_entries, filter_version from gateway"
        ).fetch_one(c)).unwrap();
        assert!(seen.unwrap() > 0);
        assert_eq!((revision, waiting, rejected, version.as_str()), (7, 2, 3, "0.1<x>"));
        let draining = on!(db, |c| sqlx::query_scalar::<_, bool>("select draining from instance").fetch_one(c)).unwrap();
        assert!(draining);
    }

    async fn what_is_not_a_message_is_refused(test: &Test) {
        use reqwest::{Method, header};
        use tallygate_core::wire::{self, Sync};
        let db = &test.app.db;
        let edge = gateway(db, "production").await;
        let epoch = epoch(db).await;
        let post = |content_type: &str, body: Vec<u8>| {
            let request = test.request(Method::POST, "/gateway/v1/sync").bearer_auth(&edge.token)
                .header(header::CONTENT_TYPE, content_type).body(body);
            crate::support::client::send(request)
        };
        let good = Sync::V1(delivery(1, epoch, 0, &[]));
        post(wire::JSON, serde_json::to_vec(&good).unwrap()).await.expect(200).at("/v1/ack");
        post("application/json; charset=utf-8", serde_json::to_vec(&good).unwrap()).await.expect(200);
        post("text/plain", wire::encode(&good)).await.expect(415);
        post(wire::COMPACT, serde_json::to_vec(&good).unwrap()).await.expect(400);
        post(wire::COMPACT, [wire::encode(&good), vec![0]].concat()).await.expect(400);
        post(wire::COMPACT, Vec::new()).await.expect(400);
        post(wire::JSON, b"{\"v1\":{}}".to_vec()).await.expect(400);
        post(wire::JSON, vec![b'['; 100_000]).await.expect(400);
        post(wire::COMPACT, vec![0; 2 * 1024 * 1024]).await.expect(413);
        let huge = Sync::V1(delivery(1, epoch, u64::MAX, &[]));
        post(wire::COMPACT, wire::encode(&huge)).await.expect(422);
        let reply = crate::support::client::send(test.request(Method::POST, "/gateway/v1/sync")).await.expect(401);
        assert_eq!(reply.headers["www-authenticate"], "Bearer");
        for token in ["", "tgg_unknown", "x y z"] {
            let request = test.request(Method::POST, "/gateway/v1/sync").bearer_auth(token);
            crate::support::client::send(request).await.expect(401);
        }
    }

    async fn methods_keep_an_application_of_its_own(test: &Test) {
        // Two products with applications of the same name do not mix.
        let db = &test.app.db;
        let edge = gateway(db, "production").await;
        let (shop, mail) = (product(db, "shop").await, product(db, "mail").await);
        let mut tx = db.begin().await.unwrap();
        let one = application(&mut tx, shop, "same", "k").await;
        let two = application(&mut tx, mail, "same", "k").await;
        tx.commit().await.unwrap();
        let (epoch, minute) = (epoch(db).await, now_minute(db).await);
        edge.deliver(test, delivery(1, epoch, 1, &[
            usage(one, &[(shop.hits, minute, 1), (shop.method, minute, 1)]),
            usage(two, &[(mail.hits, minute, 10)]),
        ])).await;
        assert_eq!([total(db, one, shop.hits).await, total(db, one, shop.method).await, total(db, two, mail.hits).await], [1, 1, 10]);
    }
}

async fn join_all<F: Future>(calls: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut calls: Vec<_> = calls.map(Box::pin).collect();
    let mut answers: Vec<Option<F::Output>> = calls.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (call, answer) in calls.iter_mut().zip(&mut answers) {
            if answer.is_none()
                && let std::task::Poll::Ready(output) = call.as_mut().poll(context)
            {
                *answer = Some(output);
            }
        }
        if answers.iter().all(Option::is_some) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    answers.into_iter().flatten().collect()
}
