//! `Idempotency-Key`: what is repeated counts once.

use super::world::{code, header, world};
use crate::support::client::{Reply, send, with_query};
use crate::support::{Test, both_databases};
use reqwest::Method;
use tokio::task::JoinSet;

async fn authrep(t: &Test, pairs: &[(&str, String)], key: &str) -> Reply {
    let path = with_query("/transactions/authrep.xml", pairs);
    send(t.request(Method::GET, &path).header("Idempotency-Key", key)).await
}

both_databases! {
    async fn a_call_that_is_repeated_counts_once(t: &Test) {
        let w = world(t, "2", &[("hits", "eternity", 3)]).await;
        let mut pairs = w.credentials();
        pairs.push(("usage[hits]", "2".into()));
        for _ in 0..3 {
            let reply = authrep(t, &pairs, "one").await.expect(200);
            assert!(reply.text.contains("<current_value>2</current_value>"), "{}", reply.text);
        }
        assert_eq!(w.used(t, w.hits).await, 2);
        // What was refused may be tried again under its key.
        authrep(t, &pairs, "two").await.expect(409);
        pairs[4].1 = "1".into();
        assert_eq!(code(&authrep(t, &pairs, "one").await.expect(422)), "idempotency_key_invalid");
        authrep(t, &pairs, "two").await.expect(200);
        assert_eq!(w.used(t, w.hits).await, 3);
        assert_eq!(code(&authrep(t, &pairs, &"x".repeat(256)).await.expect(422)), "idempotency_key_invalid");
        let reply = authrep(t, &pairs, "three").await.expect(409);
        assert_eq!(header(&reply, "retry-after"), None);
    }

    async fn a_report_that_is_repeated_counts_once_also_at_the_same_time(t: &Test) {
        let w = world(t, "2", &[]).await;
        let form = [
            ("service_token", w.token.clone()), ("service_id", w.service.to_string()),
            ("transactions[0][app_id]", w.app_id.clone()), ("transactions[0][usage][hits]", "5".into()),
        ];
        let mut calls = JoinSet::new();
        for _ in 0..10 {
            calls.spawn(send(t.request(Method::POST, "/transactions.xml").header("Idempotency-Key", "k").form(&form)));
        }
        let statuses: Vec<u16> = calls.join_all().await.iter().map(|reply| reply.status.as_u16()).collect();
        assert!(statuses.iter().all(|status| [202, 409].contains(status)), "{statuses:?}");
        assert!(statuses.contains(&202));
        send(t.request(Method::POST, "/transactions.xml").header("Idempotency-Key", "k").form(&form)).await.expect(202);
        assert_eq!(w.used(t, w.hits).await, 5);
    }
}
