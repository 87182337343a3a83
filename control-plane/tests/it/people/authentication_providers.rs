//! `/admin/api/authentication_providers` and `/admin/api/account/authentication_providers`.

use crate::support::{Test, both_databases};
use serde_json::json;
use tallygate::on;

const PORTAL: &str = "/admin/api/authentication_providers";
const CONSOLE: &str = "/admin/api/account/authentication_providers";
const KEYCLOAK: [(&str, &str); 4] = [
    ("kind", "keycloak"),
    ("client_id", "tallygate"),
    ("client_secret", "s3cret"),
    ("site", "https://id.example.com/realms/staff"),
];

both_databases! {
    async fn made_shown_changed_and_deleted(t: &Test) {
        let reply = t.post(&format!("{PORTAL}.json"), &KEYCLOAK).await.expect(201);
        assert_eq!(reply.headers["location"], format!("{PORTAL}/1.json"));
        let mut shown = reply.at("/authentication_provider");
        for time in ["created_at", "updated_at"] {
            assert!(shown.as_object_mut().unwrap().remove(time).is_some());
        }
        let callback = format!("{}/auth/keycloak/callback", t.portal);
        assert_eq!(shown, json!({"id": 1, "kind": "keycloak", "account_type": "developer", "name": "Keycloak", "system_name": "keycloak", "client_id": "tallygate", "client_secret": "s3cret", "site": "https://id.example.com/realms/staff", "token_url": "", "user_info_url": "", "authorize_url": "", "skip_ssl_certificate_verification": false, "automatically_approve_accounts": false, "branding_state": null, "username_key": "login", "identifier_key": "id", "trust_email": false, "published": false, "callback_url": callback}));
        let sealed: Vec<u8> = on!(t.app.db, |c| sqlx::query_scalar("select client_secret from authentication_provider").fetch_one(c)).unwrap();
        assert!(!sealed.windows(6).any(|window| window == b"s3cret"));

        let form = [("kind", "acme-id"), ("name", "Acme"), ("system_name", "acme"), ("client_id", "x"), ("client_secret", "y"), ("token_url", "https://a.example/t"), ("user_info_url", "https://a.example/u"), ("authorize_url", "http://a.example/a"), ("identifier_key", "sub"), ("username_key", "nick"), ("trust_email", "1"), ("published", "true"), ("automatically_approve_accounts", "true")];
        let reply = t.post(&format!("{PORTAL}.xml"), &form).await.expect(201);
        for part in ["<authentication_provider><id>2</id><kind>acme-id</kind><account_type>developer</account_type><name>Acme</name><system_name>acme</system_name>", "<identifier_key>sub</identifier_key><trust_email>true</trust_email><published>true</published>"] {
            assert!(reply.text.contains(part), "{}", reply.text);
        }
        let reply = t.put(&format!("{PORTAL}/1.json"), &[("published", "true"), ("client_secret", "other"), ("name", "ignored")]).await.expect(200);
        let of = |name: &str| reply.at(&format!("/authentication_provider/{name}"));
        assert_eq!((of("published"), of("client_secret"), of("client_id"), of("name")), (true.into(), "other".into(), "tallygate".into(), "Keycloak".into()));
        let listed = t.get(&format!("{PORTAL}.json")).await.expect(200).value();
        assert_eq!(listed["authentication_providers"].as_array().unwrap().len(), 2);
        t.delete(&format!("{PORTAL}/2.json")).await.expect(200);
        t.get(&format!("{PORTAL}/2.json")).await.expect(404);
        t.get(&format!("{PORTAL}/1.json")).await.expect(200);
        // Each path has its own.
        t.get(&format!("{CONSOLE}/1.json")).await.expect(404);
        t.put(&format!("{CONSOLE}/1.json"), &[("published", "0")]).await.expect(404);
        t.delete(&format!("{CONSOLE}/1.json")).await.expect(404);
    }

    async fn what_is_refused(t: &Test) {
        t.post(&format!("{PORTAL}.json"), &KEYCLOAK).await.expect(201);
        for (path, change, complaints) in [
            (PORTAL, ("kind", ""), &["kind"][..]),
            (PORTAL, ("kind", "Key cloak"), &["kind"]),
            (PORTAL, ("kind", "keycloak"), &["kind", "system_name"]),
            (PORTAL, ("system_name", "keycloak"), &["system_name"]),
            (PORTAL, ("system_name", "a/b"), &["system_name"]),
            (PORTAL, ("client_id", ""), &["client_id"]),
            (PORTAL, ("client_secret", ""), &["client_secret"]),
            (PORTAL, ("site", ""), &["site"]),
            (PORTAL, ("site", "id.example.com"), &["site"]),
            (PORTAL, ("authorize_url", "javascript:alert(1)"), &["authorize_url"]),
            (PORTAL, ("token_url", "https://user@evil.example/"), &["token_url"]),
            (PORTAL, ("branding_state_event", "custom_brand"), &["branding_state_event"]),
            (PORTAL, ("published", "perhaps"), &["published"]),
            (CONSOLE, ("kind", "github"), &["kind"]),
        ] {
            let mut form = vec![("kind", "auth0"), ("client_id", "x"), ("client_secret", "y"), ("site", "https://a.example")];
            form.push(change);
            let reply = t.post(&format!("{path}.json"), &form).await.expect(422);
            assert_eq!(reply.complaints(), complaints, "{change:?}");
        }
        let reply = t.put(&format!("{PORTAL}/1.json"), &[("site", ""), ("client_id", "")]).await.expect(422);
        assert_eq!(reply.complaints(), ["client_id", "site"]);
        let form = [("kind", "github"), ("client_id", "x"), ("client_secret", "y"), ("branding_state_event", "brand_as_threescale")];
        let reply = t.post(&format!("{PORTAL}.json"), &form).await.expect(201);
        assert_eq!(reply.at("/authentication_provider/branding_state"), "threescale_branded");
    }

    async fn enforced_sso_never_locks_the_provider_out(t: &Test) {
        let enforce = |value: &'static str| async move { t.put("/admin/api/settings.json", &[("enforce_sso", value)]).await };
        assert_eq!(enforce("true").await.expect(422).complaints(), ["enforce_sso"]);
        // One of the portal's is none of the console's.
        t.post(&format!("{PORTAL}.json"), &[&KEYCLOAK[..], &[("published", "true")]].concat()).await.expect(201);
        enforce("true").await.expect(422);
        let reply = t.post(&format!("{CONSOLE}.json"), &[&KEYCLOAK[..], &[("system_name", "staff")]].concat()).await.expect(201);
        assert_eq!(reply.at("/authentication_provider/callback_url"), format!("{}/auth/staff/callback", t.admin));
        let path = format!("{CONSOLE}/{}.json", reply.id("/authentication_provider/id"));
        enforce("true").await.expect(422);
        t.put(&path, &[("published", "true")]).await.expect(200);
        assert_eq!(enforce("true").await.expect(200).at("/settings/enforce_sso"), true);
        assert_eq!(t.put(&path, &[("published", "false")]).await.expect(422).complaints(), ["published"]);
        t.delete(&path).await.expect(422);
        enforce("false").await.expect(200);
        t.delete(&path).await.expect(200);
    }
}
