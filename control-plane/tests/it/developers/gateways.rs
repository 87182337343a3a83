//! `/admin/api/gateways`

use super::{APP_ID, execute, product, revision};
use crate::support::client::send;
use crate::support::{Test, both_databases};
use reqwest::Method;
use serde_json::json;

const GATEWAYS: &str = "/admin/api/gateways.json";

both_databases! {
    async fn a_token_is_shown_once_and_works_until_the_gateway_is_removed(t: &Test) {
        let made = t.post(GATEWAYS, &[("name", "edge-1"), ("environment", "production")]).await.expect(201);
        assert_eq!(made.headers["location"], "/admin/api/gateways/1.json");
        let token = made.at("/gateway/token").as_str().unwrap().to_owned();
        assert!(token.starts_with("tgg_") && token.len() > 36, "{token}");
        for path in [GATEWAYS, "/admin/api/gateways/1.json", "/admin/api/gateways.xml"] {
            let shown = t.get(path).await.expect(200);
            assert!(shown.text.contains("edge-1") && !shown.text.contains(&token), "{}", shown.text);
        }
        let snapshot = || send(t.request(Method::GET, "/gateway/v1/snapshot?after=0").bearer_auth(&token));
        assert_eq!(snapshot().await.status, 200);
        assert_eq!(t.delete("/admin/api/gateways/1.json").await.expect(200).text, "");
        assert_eq!(snapshot().await.status, 401);
        t.get("/admin/api/gateways/1.json").await.expect(404);
        t.delete("/admin/api/gateways/1.json").await.expect(404);
        assert_eq!(t.get(GATEWAYS).await.expect(200).at("/gateways"), json!([]));
    }

    async fn the_list_says_how_far_behind_each_is(t: &Test) {
        t.post(GATEWAYS, &[("name", "new"), ("environment", "staging")]).await.expect(201);
        t.post(GATEWAYS, &[("name", "old"), ("environment", "production")]).await.expect(201);
        product(t, "mail", APP_ID).await;
        execute(t, "update gateway set last_seen_at = created_at - 60000, revision_seen = 1, batches_waiting = 3, rejected_entries = 4, filter_version = '0.1.0' where id = 2").await;
        let list = t.get(GATEWAYS).await.expect(200);
        let head = revision(t).await;
        assert!(head > 1);
        let fresh = list.at("/gateways/0/gateway");
        assert_eq!((&fresh["environment"], &fresh["last_seen_at"], &fresh["revisions_behind"]), (&json!("staging"), &json!(null), &json!(null)));
        let old = list.at("/gateways/1/gateway");
        assert_eq!((&old["revision"], &old["revision_seen"], &old["revisions_behind"]), (&json!(head), &json!(1), &json!(head - 1)));
        assert_eq!((&old["batches_waiting"], &old["rejected_entries"], &old["filter_version"]), (&json!(3), &json!(4), &json!("0.1.0")));
        assert!((60..90).contains(&old["last_seen_secs_ago"].as_i64().unwrap()), "{old}");
    }

    async fn what_is_wrong_is_named(t: &Test) {
        let reply = t.post(GATEWAYS, &[]).await.expect(422);
        assert_eq!(reply.complaints(), ["name", "environment"]);
        let reply = t.post(GATEWAYS, &[("name", "x"), ("environment", "sandbox")]).await.expect(422);
        assert_eq!(reply.complaints(), ["environment"]);
        t.get("/admin/api/gateways/x.json").await.expect(404);
    }
}
