//! `/admin/api/settings`

use super::{APP_ID, USER_KEY, count, first_application, product, signed_up};
use crate::support::{Test, both_databases};
use insta::assert_snapshot;
use serde_json::Value;
use tallygate::on;

both_databases! {
    async fn shown_and_changed(t: &Test) {
        let reply = t.get("/admin/api/settings.json").await.expect(200);
        assert_snapshot!(reply.text, @r#"{"settings":{"useraccountarea_enabled":true,"hide_service":false,"signups_enabled":true,"account_approval_required":false,"public_search":false,"account_plans_ui_visible":false,"change_account_plan_permission":"request","service_plans_ui_visible":false,"change_service_plan_permission":"request","enforce_sso":false,"credentials_retrievable":true,"accent_color":"","accent_color_dark":""}}"#);
        let reply = t.put("/admin/api/settings.xml", &[("settings[signups_enabled]", "0"), ("unknown", "x")]).await.expect(200);
        for part in ["<settings><useraccountarea_enabled>true</useraccountarea_enabled>", "<signups_enabled>false</signups_enabled><account_approval_required>false</account_approval_required>"] {
            assert!(reply.text.contains(part), "{}", reply.text);
        }
        let reply = t.put("/admin/api/settings.json", &[("signups_enabled", "true"), ("account_approval_required", "maybe")]).await.expect(422);
        assert_eq!(reply.complaints(), ["account_approval_required"]);
        assert_eq!(t.get("/admin/api/settings.json").await.at("/settings/signups_enabled"), false);
    }

    async fn every_one_keeps_what_it_is_set_to(t: &Test) {
        let before = t.get("/admin/api/settings.json").await.expect(200).at("/settings");
        for (name, value) in before.as_object().unwrap() {
            // Both have tests of their own.
            if ["enforce_sso", "credentials_retrievable"].contains(&name.as_str()) {
                continue;
            }
            let other = match value {
                Value::Bool(value) => (!value).to_string(),
                _ if name == "accent_color" => "#123456".to_owned(),
                _ if name == "accent_color_dark" => "#abcdef".to_owned(),
                _ => "none".to_owned(),
            };
            let reply = t.put("/admin/api/settings.json", &[(name.as_str(), other.as_str())]).await.expect(200);
            let shown = reply.at(&format!("/settings/{name}"));
            assert_eq!(shown.as_str().map_or(shown.to_string(), str::to_owned), other, "{name}");
            let reply = t.put("/admin/api/settings.json", &[(name.as_str(), "perhaps")]).await.expect(422);
            assert_eq!(reply.complaints(), [name.as_str()]);
        }
        let after = t.get("/admin/api/settings.json").await.expect(200).at("/settings");
        let same = before.as_object().unwrap().iter().filter(|(name, value)| after[name.as_str()] == **value);
        assert_eq!(same.map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["enforce_sso", "credentials_retrievable"]);
    }

    async fn credentials_that_are_not_retrievable_are_shown_once(t: &Test) {
        product(t, "mail", APP_ID).await;
        product(t, "maps", USER_KEY).await;
        let bob = signed_up(t, "bob").await;
        let shown = |account: &Value| {
            [0, 1].map(|n| account.pointer(&format!("/applications/{n}/application")).unwrap().clone()).map(|application| {
                application.get("user_key").unwrap_or(&application["keys"][0]).as_str().unwrap().to_owned()
            })
        };
        let (key, user_key) = (&shown(&bob)[0], &shown(&bob)[1]);
        assert_eq!(shown(&t.get("/admin/api/accounts/1/applications.json").await.value()), shown(&bob));

        t.put("/admin/api/settings.json", &[("credentials_retrievable", "false")]).await.expect(200);
        let after = t.get("/admin/api/accounts/1/applications.json").await;
        assert!(!after.text.contains(key.as_str()) && !after.text.contains(user_key.as_str()), "{}", after.text);
        for masked in shown(&after.value()) {
            assert!(masked.starts_with("masked:") && masked.len() == 23, "{masked}");
        }
        // They still are what authenticates.
        t.get(&format!("/admin/api/applications/find.json?user_key={user_key}")).await.expect(200);

        let ann = signed_up(t, "ann").await;
        assert!(shown(&ann).iter().all(|value| value.len() == 32), "{ann}");
        let copies: i64 = on!(t.app.db, |c| sqlx::query_scalar(
            "select (select count(*) from application where user_key is not null) + (select count(*) from application_key where value is not null)"
        ).fetch_one(c)).unwrap();
        assert_eq!((copies, count(t, "application_key").await), (0, 2));
        let again = t.get("/admin/api/accounts/2/applications.json").await.value();
        assert!(shown(&again).iter().all(|value| value.starts_with("masked:")), "{again}");
        // A user_key that is replaced is shown in that answer too.
        let path = format!("/admin/api/accounts/2/applications/{}.json", again.pointer("/applications/1/application/id").unwrap());
        assert_eq!(t.put(&path, &[("user_key", "chosen")]).await.expect(200).at("/application/user_key"), "chosen");
        assert!(t.get(&path).await.at("/application/user_key").as_str().unwrap().starts_with("masked:"));
        let (path, _) = first_application(&bob);
        assert!(!t.get(&format!("{path}/keys.xml")).await.expect(200).text.contains(key.as_str()));
    }
}
