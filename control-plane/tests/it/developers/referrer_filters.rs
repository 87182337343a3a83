//! `…/applications/{application}/referrer_filters`

use super::{
    APP_ID, at_gateways, count, first_application, product, redacted, revision, signed_up,
};
use crate::support::{Test, both_databases};
use insta::assert_snapshot;
use serde_json::json;

async fn prepared(t: &Test) -> (String, i64) {
    product(t, "mail", APP_ID).await;
    first_application(&signed_up(t, "bob").await)
}

both_databases! {
    async fn filters_come_and_go_and_gateways_learn_of_it(t: &Test) {
        let (path, id) = prepared(t).await;
        let filters = format!("{path}/referrer_filters");
        let before = revision(t).await;
        let reply = t.post(&format!("{filters}.json"), &[("referrer_filter", "*.Example.com")]).await.expect(201);
        assert_eq!(reply.at("/application/id"), id);
        assert_eq!(at_gateways(t, id).await, (before + 1, true));
        let reply = t.get(&format!("{filters}.json")).await.expect(200);
        let filter = reply.at("/referrer_filters/0/referrer_filter/id");
        assert_snapshot!(redacted(t, &t.get(&format!("{filters}.xml")).await.expect(200)), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <referrer_filters>
        <referrer_filter>
        <id>1</id>
        <value>*.Example.com</value>
        <created_at>[time]</created_at>
        <updated_at>[time]</updated_at>
        </referrer_filter>
        </referrer_filters>
        "#);
        t.delete(&format!("/admin/api/accounts/1/applications/999/referrer_filters/{filter}.json")).await.expect(404);
        t.delete(&format!("{filters}/{filter}.json")).await.expect(200);
        assert_eq!(at_gateways(t, id).await, (before + 2, true));
        t.delete(&format!("{filters}/{filter}.json")).await.expect(404);
        assert_eq!(count(t, "referrer_filter").await, 0);
    }

    async fn five_hosts_at_most_and_nothing_but_hosts(t: &Test) {
        let (path, _) = prepared(t).await;
        let filters = format!("{path}/referrer_filters.json");
        t.post(&filters, &[]).await.expect(422);
        for bad in ["", "a b", "https://a.example", "a.example/x", "a:80", "ü.example", "a,b", &"a".repeat(256)] {
            let reply = t.post(&filters, &[("referrer_filter", bad)]).await.expect(422);
            assert_eq!(reply.complaints(), ["referrer_filter"], "{bad}");
        }
        for good in ["*", "127.0.0.1", "a-b.example", "*.example.*", &"a".repeat(255)] {
            t.post(&filters, &[("referrer_filter", good)]).await.expect(201);
        }
        for more in ["A-B.example", "one.more"] {
            let reply = t.post(&filters, &[("referrer_filter", more)]).await.expect(422);
            assert_eq!(reply.complaints(), ["referrer_filter"], "{more}");
        }
        assert_eq!(count(t, "referrer_filter").await, 5);
    }

    async fn a_product_says_whether_gateways_ask(t: &Test) {
        let (path, id) = prepared(t).await;
        t.post(&format!("{path}/referrer_filters.json"), &[("referrer_filter", "a.example")]).await.expect(201);
        let service = "/admin/api/services/1.json";
        assert_eq!(t.get(service).await.expect(200).at("/service/referrer_filters_required"), false);
        let before = revision(t).await;
        let reply = t.put(service, &[("referrer_filters_required", "true")]).await.expect(200);
        assert_eq!(reply.at("/service/referrer_filters_required"), true);
        assert!(revision(t).await > before);
        let application = t.get(&format!("{path}.json")).await.expect(200);
        assert_eq!(application.at("/application/referrer_filters"), json!(["a.example"]));
        let application = t.get(&format!("{path}.xml")).await.expect(200).text;
        let shown = "<referrer_filters><referrer_filter>a.example</referrer_filter></referrer_filters>";
        assert!(application.contains(shown), "{application}");
        let before = revision(t).await;
        t.put(service, &[("description", "Sends mails")]).await.expect(200);
        assert_eq!(revision(t).await, before, "nothing that gateways know has changed");
        t.put(service, &[("referrer_filters_required", "perhaps")]).await.expect(422);
        t.delete(&format!("{path}.json")).await.expect(200);
        assert_eq!(count(t, "referrer_filter").await, 0, "of application {id}");
    }
}
