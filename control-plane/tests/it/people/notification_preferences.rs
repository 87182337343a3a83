//! `/admin/api/personal/notification_preferences`

use super::{call, member, token_of};
use crate::support::client::send;
use crate::support::{Test, both_databases};
use reqwest::Method;

const PATH: &str = "/admin/api/personal/notification_preferences.json";

both_databases! {
    async fn everybody_chooses_for_themselves(t: &Test) {
        let reply = t.get(PATH).await.expect(200).at("/notification_preferences");
        let all = reply.as_object().unwrap();
        assert_eq!(all.len(), 25);
        let off: Vec<_> = all.iter().filter(|(_, wanted)| **wanted == false).map(|(name, _)| name.as_str()).collect();
        assert_eq!(off, ["daily_report", "weekly_report"]);

        let form = [("account_created", "false"), ("weekly_report", "1"), ("unknown", "x")];
        let reply = t.patch(PATH, &form).await.expect(200);
        assert_eq!((reply.at("/notification_preferences/account_created"), reply.at("/notification_preferences/weekly_report")), (false.into(), true.into()));
        let json = serde_json::json!({"notification_preferences": {"account_deleted": false}});
        t.json(Method::PATCH, PATH, &json).await.expect(200);
        let reply = t.put(PATH, &[("account_created", "sometimes")]).await.expect(422);
        assert_eq!(reply.complaints(), ["account_created"]);
        let own = t.get(PATH).await.expect(200);
        for (name, wanted) in [("account_created", false), ("account_deleted", false), ("weekly_report", true), ("daily_report", false), ("message_received", true)] {
            assert_eq!(own.at(&format!("/notification_preferences/{name}")), wanted, "{name}");
        }
        let xml = t.get(&PATH.replace("json", "xml")).await.expect(200).text;
        assert!(xml.contains("<notification_preferences><account_created>false</account_created>"), "{xml}");

        let ann = member(t, "ann").await;
        let token = token_of(t, ann, "ro").await;
        assert_eq!(call(t, &token, Method::GET, PATH, &[]).await.expect(200).at("/notification_preferences"), reply_of(all));
        call(t, &token, Method::PATCH, PATH, &[("weekly_report", "1")]).await.expect(403);
        send(t.request(Method::GET, &format!("{PATH}?provider_key={}", t.provider_key))).await.expect(403);
    }
}

fn reply_of(all: &serde_json::Map<String, serde_json::Value>) -> serde_json::Value {
    serde_json::Value::Object(all.clone())
}
