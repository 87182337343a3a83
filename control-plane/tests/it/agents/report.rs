//! `POST /transactions.xml`: what is counted, when, and what becomes of a transaction that is bad.

use super::world::{code, header, world};
use crate::support::client::send;
use crate::support::{Test, both_databases};
use reqwest::Method;
use tallygate::on;

both_databases! {
    async fn all_that_is_reported_counts_beyond_limits_and_for_who_is_suspended(t: &Test) {
        let w = world(t, "2", &[("hits", "eternity", 2)]).await;
        t.put(&format!("/admin/api/accounts/{}/applications/{}/suspend.json", w.account, w.application), &[]).await.expect(200);
        let reply = w.report(t, &[
            ("transactions[0][app_id]", &w.app_id), ("transactions[0][usage][send]", "3"), ("transactions[0][log][code]", "200"),
            ("transactions[1][app_id]", &w.app_id), ("transactions[1][usage][hits]", "1"), ("transactions[1][usage][disk]", "7"),
            ("transactions[2][app_id]", &w.app_id),
        ]).await.expect(202);
        assert_eq!(reply.text, "");
        assert_eq!((w.used(t, w.hits).await, w.used(t, w.method).await, w.used(t, w.other).await), (4, 3, 7));
        assert_eq!(w.used_in_all(t, w.hits).await, 4);
        let cell: i64 = on!(t.app.db, |c| sqlx::query_scalar("select used from cell where application_id = $1 and metric_id = $2")
            .bind(w.application).bind(w.hits).fetch_one(c)).unwrap();
        assert_eq!(cell, 4);
        let first: Option<i64> = on!(t.app.db, |c| sqlx::query_scalar("select first_traffic_at from application where id = $1")
            .bind(w.application).fetch_one(c)).unwrap();
        assert!(first.is_some());
    }

    async fn a_bad_transaction_does_not_spoil_the_others(t: &Test) {
        let w = world(t, "2", &[]).await;
        let elsewhere = world(t, "2", &[]).await;
        let reply = w.report(t, &[
            ("transactions[0][app_id]", "nobody"), ("transactions[0][usage][hits]", "1"),
            ("transactions[1][app_id]", &w.app_id), ("transactions[1][usage][hits]", "1"),
            ("transactions[2][app_id]", &w.app_id), ("transactions[2][usage][nothing]", "1"),
            ("transactions[3][app_id]", &w.app_id), ("transactions[3][usage][hits]", "x"),
            ("transactions[4][app_id]", &w.app_id), ("transactions[4][usage][hits]", "1"), ("transactions[4][timestamp]", "2001-01-01 00:00:00"),
            ("transactions[5][app_id]", &w.app_id), ("transactions[5][usage][hits]", "1"), ("transactions[5][timestamp]", "2999-01-01 00:00:00"),
            ("transactions[6][app_id]", &w.app_id), ("transactions[6][user_key]", "x"), ("transactions[6][usage][hits]", "1"),
            ("transactions[7][app_id]", &elsewhere.app_id), ("transactions[7][usage][hits]", "1"),
            ("transactions[<8>][app_id]", "<&>"), ("transactions[<8>][usage][hits]", "1"),
            ("transactions[9][app_id]", &w.app_id), ("transactions[9][usage][hits]", "2"), ("transactions[9][timestamp]", "yesterday"),
        ]).await.expect(202);
        assert_eq!(header(&reply, "3scale-rejected-transactions"), Some("8"));
        for (index, code) in [
            ("0", "application_not_found"), ("2", "metric_invalid"), ("3", "usage_value_invalid"),
            ("4", "transaction_timestamp_too_old"), ("5", "transaction_timestamp_too_new"), ("6", "authentication_error"),
            ("7", "application_not_found"), ("&lt;8&gt;", "application_not_found"),
        ] {
            assert!(reply.text.contains(&format!("<transaction index=\"{index}\" code=\"{code}\">")), "{index}: {}", reply.text);
        }
        assert_eq!((w.used(t, w.hits).await, elsewhere.used(t, elsewhere.hits).await), (3, 0));
        // Nothing but bad ones: taken, and said so.
        let reply = w.report(t, &[("transactions[0][app_id]", "nobody"), ("transactions[0][usage][hits]", "1")]).await.expect(202);
        assert_eq!(header(&reply, "3scale-rejected-transactions"), Some("1"));
        assert_eq!(w.used(t, w.hits).await, 3);
    }

    async fn usage_counts_in_the_windows_of_its_timestamp(t: &Test) {
        let w = world(t, "2", &[("hits", "hour", 100)]).await;
        let now_secs = t.app.db.now_ms().await.unwrap() / 1000;
        let at = (now_secs - 7_300).to_string();
        w.report(t, &[
            ("transactions[0][app_id]", &w.app_id), ("transactions[0][usage][hits]", "5"), ("transactions[0][timestamp]", &at),
            ("transactions[1][app_id]", &w.app_id), ("transactions[1][usage][hits]", "1"),
        ]).await.expect(202);
        let windows: Vec<(i64, i64)> = on!(t.app.db, |c| sqlx::query_as(
            "select window_start, value from usage_application where application_id = $1 and metric_id = $2 and period = 'quarter' order by window_start"
        ).bind(w.application).bind(w.hits).fetch_all(c)).unwrap();
        let quarter = |secs: i64| secs - secs % 900;
        assert_eq!(windows, [(quarter(now_secs - 7_300), 5), (quarter(now_secs), 1)]);
        let status = w.call(t, "authorize", &[], "").await.expect(200);
        assert!(status.text.contains("<current_value>1</current_value>"), "{}", status.text);
    }

    async fn calls_that_make_no_sense_count_nothing(t: &Test) {
        let w = world(t, "2", &[]).await;
        let id = w.service.to_string();
        let good = [("service_token", w.token.as_str()), ("service_id", &id), ("transactions[0][app_id]", &w.app_id), ("transactions[0][usage][hits]", "1")];
        for (form, status, expected) in [
            (&good[..2], 400, "transactions_is_blank"),
            (&[good[0], good[1], ("transactions[]", "x")][..], 400, "transactions_format_invalid"),
            (&good[1..], 403, "provider_key_or_service_token_required"),
            (&[("service_token", "wrong"), good[1], good[2], good[3]][..], 403, "service_token_invalid"),
        ] {
            let reply = send(t.request(Method::POST, "/transactions.xml").form(form)).await.expect(status);
            assert_eq!(code(&reply), expected);
        }
        let request = || t.request(Method::POST, "/transactions.xml");
        let body = format!("service_token={}&service_id={id}&transactions[0][app_id]={}&transactions[0][usage][hits]=1", w.token, w.app_id);
        let reply = send(request().header("content-type", "application/json").body(body.clone())).await.expect(400);
        assert_eq!(code(&reply), "content_type_invalid");
        let reply = send(request().header("content-type", "application/x-www-form-urlencoded").body(format!("{body}&x=%ff"))).await.expect(422);
        assert_eq!(code(&reply), "not_valid_data");
        assert_eq!(w.used(t, w.hits).await, 0);
        send(request().body(body)).await.expect(202);
        assert_eq!(w.used(t, w.hits).await, 1);
    }
}
