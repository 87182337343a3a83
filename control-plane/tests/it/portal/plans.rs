//! Plans side by side, chosen, changed and asked for.

use super::signed_up;
use crate::support::{Browser, Test, both_databases};
use serde_json::json;

/// A product whose developers come to another plan this way, with two published plans and a hidden one.
async fn product(t: &Test, permission: &str) -> [i64; 3] {
    let form = [
        ("name", "Mail"),
        ("buyer_can_select_plan", "true"),
        ("buyer_plan_change_permission", permission),
    ];
    let reply = t.post("/admin/api/services.json", &form).await.expect(201);
    let id = reply.id("/service/id");
    let path = format!("/admin/api/services/{id}/application_plans");
    let mut ids = [0; 3];
    for (id, name, state) in [
        (0, "Basic", "publish"),
        (1, "Plus", "publish"),
        (2, "Secret", "hide"),
    ] {
        let form = [
            ("name", name),
            ("state_event", state),
            ("cost_per_month", "29.95"),
        ];
        let reply = t.post(&format!("{path}.json"), &form).await.expect(201);
        ids[id] = reply.id("/application_plan/id");
    }
    ids
}

/// Ann, signed in, with an application on a plan: its path, and the path of it in the API.
async fn ann_on(t: &Test, plan: i64) -> (Browser, String, String) {
    signed_up(t, "ann").await;
    let ann = Browser::signed_in(t, "ann").await;
    let plan = plan.to_string();
    let form = [("name", "Letters"), ("plan_id", plan.as_str())];
    let path = ann
        .post("/admin/applications", &form)
        .await
        .location()
        .to_owned();
    let id = path.rsplit('/').next().unwrap().to_owned();
    (
        ann,
        path,
        format!("/admin/api/accounts/1/applications/{id}"),
    )
}

async fn plan_of(t: &Test, application: &str) -> i64 {
    t.get(&format!("{application}.json"))
        .await
        .expect(200)
        .id("/application/plan_id")
}

both_databases! {
    async fn published_plans_are_side_by_side(t: &Test) {
        let [basic, ..] = product(t, "direct").await;
        let page = Browser::new(t).get("/plans").await.expect(200).text;
        assert!(page.contains("Basic") && page.contains("Plus") && page.contains("29.95") && !page.contains("Secret"), "{page}");
        assert!(page.contains(&format!("/signup?plan_id={basic}")));
        t.put("/admin/api/settings.json", &[("signups_enabled", "false")]).await.expect(200);
        assert!(!Browser::new(t).get("/plans").await.expect(200).text.contains("/signup"));
        let (ann, path, _) = ann_on(t, basic).await;
        let page = ann.get("/plans").await.expect(200).text;
        assert!(page.contains("Yours") && page.contains(&format!("{path}/plan")), "{page}");
    }

    async fn a_plan_that_is_not_on_offer_is_not_to_be_had(t: &Test) {
        let [basic, plus, secret] = product(t, "direct").await;
        signed_up(t, "bob").await;
        let bob = Browser::signed_in(t, "bob").await;
        for plan in [secret.to_string(), "999".into(), "x".into()] {
            let refused = bob.post("/admin/applications", &[("name", "Mine"), ("plan_id", plan.as_str())]).await.expect(422);
            assert!(refused.text.contains("value=\"Mine\""), "{}", refused.text);
        }
        let (ann, path, application) = {
            let bobs = t.get("/admin/api/accounts/1/applications.json").await.expect(200);
            assert_eq!(bobs.at("/applications"), json!([]));
            signed_up(t, "ann").await;
            let ann = Browser::signed_in(t, "ann").await;
            let plan = basic.to_string();
            let made = ann.post("/admin/applications", &[("name", "Letters"), ("plan_id", plan.as_str())]).await;
            let path = made.location().to_owned();
            let id = path.rsplit('/').next().unwrap().to_owned();
            (ann, path, format!("/admin/api/accounts/2/applications/{id}"))
        };
        let form = |plan: i64| plan.to_string();
        for plan in [secret, basic, 999] {
            ann.post(&format!("{path}/plan"), &[("plan_id", form(plan).as_str())]).await.expect(422);
        }
        assert_eq!(plan_of(t, &application).await, basic);
        ann.post(&format!("{path}/plan"), &[("plan_id", form(plus).as_str())]).await.expect(303);
        assert_eq!(plan_of(t, &application).await, plus);
    }

    async fn the_provider_decides_where_it_wants_to(t: &Test) {
        let [basic, plus, _] = product(t, "request").await;
        let (ann, path, application) = ann_on(t, basic).await;
        let plus_text = plus.to_string();
        let ask = [("plan_id", plus_text.as_str())];
        assert!(ann.get(&format!("{path}/plan")).await.expect(200).text.contains("Ask for Plus"));
        ann.post(&format!("{path}/plan"), &ask).await.expect(303);
        assert_eq!(plan_of(t, &application).await, basic);
        assert!(ann.get(&path).await.text.contains("You have asked for <strong>Plus"));

        let listed = t.get("/admin/api/plan_change_requests.json").await.expect(200);
        let request = listed.at("/plan_change_requests/0/plan_change_request");
        assert_eq!(request["plan_id"], json!(plus));
        assert_eq!(request["current_plan_name"], json!("Basic"));
        assert_eq!(request["org_name"], json!("ann"));
        t.get("/admin/api/plan_change_requests.xml").await.expect(200);
        let one = format!("{application}/plan_change_request");
        assert_eq!(t.get(&format!("{one}.json")).await.expect(200).id("/plan_change_request/plan_id"), plus);

        // Taken back, then refused, then granted.
        ann.post(&format!("{path}/plan/cancel"), &[]).await.expect(303);
        t.get(&format!("{one}.json")).await.expect(404);
        t.put(&format!("{one}/accept.json"), &[]).await.expect(404);
        ann.post(&format!("{path}/plan"), &ask).await.expect(303);
        t.delete(&format!("{one}.json")).await.expect(200);
        assert_eq!(plan_of(t, &application).await, basic);
        ann.post(&format!("{path}/plan"), &ask).await.expect(303);
        // Twice is once.
        ann.post(&format!("{path}/plan"), &ask).await.expect(303);
        let granted = t.put(&format!("{one}/accept.json"), &[]).await.expect(200);
        assert_eq!(granted.id("/application_plan/id"), plus);
        assert_eq!(plan_of(t, &application).await, plus);
        assert_eq!(t.get("/admin/api/plan_change_requests.json").await.at("/plan_change_requests"), json!([]));
    }
}
