//! A developer's applications, in the browser.

use super::signed_up;
use crate::support::{Browser, Reply, Test, both_databases};
use serde_json::Value;

/// A product with these settings, and its published plan.
async fn product(t: &Test, name: &str, settings: &[(&str, &str)]) -> (i64, i64) {
    let mut form = vec![("name", name)];
    form.extend(settings);
    let reply = t.post("/admin/api/services.json", &form).await.expect(201);
    let id = reply.id("/service/id");
    let plan = [("name", "Basic"), ("state_event", "publish")];
    let path = format!("/admin/api/services/{id}/application_plans.json");
    let plan = t
        .post(&path, &plan)
        .await
        .expect(201)
        .id("/application_plan/id");
    let default = format!("/admin/api/services/{id}/application_plans/{plan}/default.json");
    t.put(&default, &[]).await.expect(200);
    (id, plan)
}

/// Ann, signed in, with an application that she made of the only product: its path.
async fn ann_with_application(t: &Test) -> (Browser, String) {
    signed_up(t, "ann").await;
    let ann = Browser::signed_in(t, "ann").await;
    let form = [("name", "Letters"), ("description", "Sends them")];
    let made = ann.post("/admin/applications", &form).await;
    let path = made.location().to_owned();
    (ann, path)
}

/// Keys as the provider sees them.
async fn keys(t: &Test, path: &str) -> Vec<Value> {
    let id = path.rsplit('/').next().unwrap();
    let reply = t
        .get(&format!(
            "/admin/api/accounts/1/applications/{id}/keys.json"
        ))
        .await
        .expect(200);
    let keys = reply.at("/keys");
    keys.as_array()
        .unwrap()
        .iter()
        .map(|key| key["key"].clone())
        .collect()
}

/// The first form on a page whose action ends like this.
#[track_caller]
fn action(page: &Reply, end: &str) -> String {
    let actions = page
        .text
        .split("action=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap());
    let mut found = actions.filter(|action| action.ends_with(end));
    found
        .next()
        .unwrap_or_else(|| panic!("no form to {end}: {}", page.text))
        .to_owned()
}

both_databases! {
    async fn an_application_is_made_changed_and_deleted(t: &Test) {
        product(t, "Mail", &[("backend_version", "2")]).await;
        let (ann, path) = ann_with_application(t).await;
        let key = keys(t, &path).await[0]["value"].as_str().unwrap().to_owned();
        // Shown by the message and among its keys; later by the latter alone, since copies are kept.
        let shown = ann.get(&path).await.expect(200).text;
        assert_eq!(shown.matches(&key).count(), 2, "{shown}");
        assert_eq!(ann.get(&path).await.text.matches(&key).count(), 1);
        assert!(ann.get("/admin").await.expect(200).text.contains("Letters"));
        assert!(ann.get("/admin/applications").await.expect(200).text.contains("Letters"));

        assert!(ann.get(&format!("{path}/edit")).await.expect(200).text.contains("value=\"Letters\""));
        let refused = ann.post(&path, &[("name", " "), ("description", "\"><script>")]).await.expect(422);
        assert!(refused.text.contains("Name can&apos;t be blank") || refused.text.contains("Name can&#39;t be blank"), "{}", refused.text);
        assert!(!refused.text.contains("\"><script>"));
        assert_eq!(ann.post(&path, &[("name", "Post"), ("description", "")]).await.location(), path);
        assert!(ann.get(&path).await.text.contains("<h1>Post</h1>"));

        assert_eq!(ann.post(&format!("{path}/delete"), &[]).await.location(), "/admin/applications");
        ann.get(&path).await.expect(404);
    }

    async fn keys_are_named_rotated_and_deleted(t: &Test) {
        product(t, "Mail", &[("backend_version", "2")]).await;
        let (ann, path) = ann_with_application(t).await;
        let first = keys(t, &path).await[0]["value"].as_str().unwrap().to_owned();
        let page = ann.get(&path).await;
        // The only key must stay, whatever is sent.
        let delete = action(&page, "/label").replace("/label", "/delete");
        assert!(!page.text.contains(&delete));
        assert_eq!(ann.post(&delete, &[]).await.location(), path);
        assert!(ann.get(&path).await.text.contains("the only key"));
        assert_eq!(keys(t, &path).await.len(), 1);

        ann.post(&action(&page, "/label"), &[("label", "server <1>")]).await.expect(303);
        assert!(ann.get(&path).await.text.contains("server &lt;1&gt;"));
        let rotated = ann.post(&action(&page, "/rotate"), &[("overlap", "3600")]).await;
        assert_eq!(rotated.location(), path);
        let both = keys(t, &path).await;
        assert_eq!(both.len(), 2);
        assert!(both[0]["expires_at"].is_string() && both[1]["expires_at"].is_null(), "{both:?}");
        let page = ann.get(&path).await;
        assert!(page.text.contains("stops working"));
        assert_eq!(page.text.matches(both[1]["value"].as_str().unwrap()).count(), 2);
        // The old key may go at once; its successor is the last that lasts.
        ann.post(&delete, &[]).await.expect(303);
        let left = keys(t, &path).await;
        assert_eq!(left.len(), 1);
        assert_ne!(left[0]["value"], first);

        // One of one's own choice, and all of them that fit.
        let refused = ann.post(&format!("{path}/keys"), &[("key", "a b")]).await.expect(422);
        assert!(refused.text.contains("key-problem"), "{}", refused.text);
        for n in 2..=5 {
            let key = format!("chosen-{n}");
            ann.post(&format!("{path}/keys"), &[("key", key.as_str()), ("label", "mine")]).await.expect(303);
        }
        assert!(!ann.get(&path).await.text.contains("Add key"));
        ann.post(&format!("{path}/keys"), &[]).await.expect(422);
        assert_eq!(keys(t, &path).await.len(), 5);
    }

    async fn keys_that_are_not_kept_are_shown_once(t: &Test) {
        t.put("/admin/api/settings.json", &[("credentials_retrievable", "false")]).await.expect(200);
        product(t, "Maps", &[("backend_version", "1")]).await;
        let (ann, path) = ann_with_application(t).await;
        let first = ann.get(&path).await.expect(200).text;
        let key = first.split("data-copy=\"the key\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
        assert_eq!(key.len(), 32, "{key}");
        assert_eq!(first.matches(&key).count(), 2, "{first}");
        let later = ann.get(&path).await.text;
        assert!(!later.contains(&key) && later.contains("masked:"), "{later}");
        ann.post(&format!("{path}/user_key"), &[]).await.expect(303);
        assert!(!ann.get(&path).await.text.contains(&key));
        let found = t.get(&format!("/admin/api/applications/find.json?user_key={key}")).await;
        assert_eq!(found.status, 404);
    }

    async fn the_product_says_what_developers_do(t: &Test) {
        let (id, plan) = product(t, "Mail", &[("backend_version", "2")]).await;
        let (ann, path) = ann_with_application(t).await;
        let page = ann.get(&path).await;
        let form = [("buyers_manage_apps", "false"), ("buyers_manage_keys", "false"), ("buyer_plan_change_permission", "none")];
        t.put(&format!("/admin/api/services/{id}.json"), &form).await.expect(200);
        let shown = ann.get(&path).await.expect(200).text;
        for gone in ["Add key", "Rotate", "/edit", "Change plan"] {
            assert!(!shown.contains(gone), "{gone}: {shown}");
        }
        let plan = plan.to_string();
        for (path, form) in [
            (action(&page, "/rotate"), vec![]),
            (action(&page, "/label"), vec![]),
            (format!("{path}/keys"), vec![]),
            (format!("{path}/delete"), vec![]),
            (path.clone(), vec![("name", "x")]),
            (format!("{path}/plan"), vec![("plan_id", plan.as_str())]),
            ("/admin/applications".into(), vec![("name", "x")]),
        ] {
            ann.post(&path, &form).await.expect(403);
        }
        ann.get(&format!("{path}/edit")).await.expect(403);
        ann.get(&format!("{path}/plan")).await.expect(403);
        assert!(ann.get("/admin/applications/new").await.expect(200).text.contains("Nothing to make"));
        assert_eq!(keys(t, &path).await.len(), 1);
    }

    async fn nobody_reaches_the_applications_of_others(t: &Test) {
        product(t, "Mail", &[("backend_version", "2")]).await;
        let (ann, path) = ann_with_application(t).await;
        let page = ann.get(&path).await;
        signed_up(t, "bob").await;
        let bob = Browser::signed_in(t, "bob").await;
        bob.get(&path).await.expect(404);
        for end in ["/rotate", "/label", "/keys"] {
            bob.post(&action(&page, end), &[]).await.expect(404);
        }
        for end in ["", "/delete", "/plan", "/plan/cancel", "/user_key", "/referrer_filters"] {
            bob.post(&format!("{path}{end}"), &[("name", "x"), ("plan_id", "1"), ("referrer_filter", "x.example")]).await.expect(404);
        }
        assert!(ann.get(&path).await.text.contains("<h1>Letters</h1>"));
    }

    async fn referrers_are_named_where_the_product_asks(t: &Test) {
        product(t, "Maps", &[("backend_version", "1"), ("referrer_filters_required", "true")]).await;
        let (ann, path) = ann_with_application(t).await;
        let add = format!("{path}/referrer_filters");
        let refused = ann.post(&add, &[("referrer_filter", "a b/")]).await.expect(422);
        assert!(refused.text.contains("value=\"a b/\"") && refused.text.contains("referrer_filter-problem"), "{}", refused.text);
        ann.post(&add, &[("referrer_filter", "*.shop.example")]).await.expect(303);
        let page = ann.get(&path).await;
        assert!(page.text.contains("<code>*.shop.example</code>"));
        let delete = page.text.split("action=\"").find(|rest| rest.contains("/referrer_filters/")).unwrap();
        ann.post(delete.split('"').next().unwrap(), &[]).await.expect(303);
        assert!(!ann.get(&path).await.text.contains("*.shop.example"));
    }
}
