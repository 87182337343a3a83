//! `/admin/api/accounts/{account}/users`

use super::{APP_ID, at_gateways, first_application, product, redacted, revision, signed_up};
use crate::support::{Test, both_databases};
use insta::assert_snapshot;
use reqwest::Method;
use serde_json::json;

const USERS: &str = "/admin/api/accounts/1/users";

async fn add(t: &Test, username: &str) -> i64 {
    let email = format!("{username}@example.com");
    t.post(
        &format!("{USERS}.json"),
        &[
            ("username", username),
            ("email", &email),
            ("password", "correct horse"),
        ],
    )
    .await
    .expect(201)
    .id("/user/id")
}

both_databases! {
    async fn created_pending_member_shown_and_listed(t: &Test) {
        signed_up(t, "bob").await;
        let reply = t.json(Method::POST, &format!("{USERS}.xml"), &json!({"username": "ann", "email": "ann@example.com", "password": "correct horse"})).await.expect(201);
        assert_eq!(reply.headers["location"], "/admin/api/accounts/1/users/2.xml");
        assert_snapshot!(redacted(t, &reply), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <user>
        <id>2</id>
        <created_at>[time]</created_at>
        <updated_at>[time]</updated_at>
        <account_id>1</account_id>
        <state>pending</state>
        <role>member</role>
        <username>ann</username>
        <email>ann@example.com</email>
        <extra_fields>
        </extra_fields>
        </user>
        "#);
        let names = |query: &'static str| async move {
            let reply = t.get(&format!("{USERS}.json{query}")).await.expect(200).value();
            reply["users"].as_array().unwrap().iter().map(|item| item["user"]["username"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(names("").await, ["bob", "ann"]);
        assert_eq!(names("?role=admin").await, ["bob"]);
        assert_eq!(names("?state=pending&role=member").await, ["ann"]);
        t.get(&format!("{USERS}.json?role=king")).await.expect(422);
        t.get("/admin/api/accounts/9/users.json").await.expect(404);
        t.get("/admin/api/accounts/1/users/9.json").await.expect(404);
    }

    async fn all_three_are_needed_and_must_be_free(t: &Test) {
        signed_up(t, "bob").await;
        let reply = t.post(&format!("{USERS}.json"), &[]).await.expect(422);
        assert_eq!(reply.complaints(), ["username", "email", "password"]);
        let reply = t.post(&format!("{USERS}.json"), &[("username", "Bob"), ("email", "bob@example.com"), ("password", "correct horse")]).await.expect(422);
        assert_eq!(reply.complaints(), ["username", "email"]);
        t.post("/admin/api/accounts/9/users.json", &[("username", "cyd"), ("email", "cyd@example.com"), ("password", "correct horse")]).await.expect(404);
    }

    async fn changes_keep_what_is_not_given(t: &Test) {
        signed_up(t, "bob").await;
        let id = add(t, "ann").await;
        let reply = t.put(&format!("{USERS}/{id}.json"), &[("username", "anna")]).await.expect(200);
        assert_eq!(reply.at("/user/username"), "anna");
        assert_eq!(reply.at("/user/email"), "ann@example.com");
        // Its own name is not taken by somebody else.
        t.put(&format!("{USERS}/{id}.json"), &[("username", "Anna"), ("password", "another horse")]).await.expect(200);
        let reply = t.put(&format!("{USERS}/{id}.json"), &[("username", "bob"), ("email", "x")]).await.expect(422);
        assert_eq!(reply.complaints(), ["email"]);
        let reply = t.put(&format!("{USERS}/{id}.json"), &[("username", "bob")]).await.expect(422);
        assert_eq!(reply.complaints(), ["username"]);
        t.put("/admin/api/accounts/9/users/2.json", &[("username", "x-x")]).await.expect(404);
    }

    async fn states(t: &Test) {
        signed_up(t, "bob").await;
        let id = add(t, "ann").await;
        for (event, status, state) in [
            ("suspend", 422, "pending"),
            ("activate", 200, "active"),
            ("activate", 422, "active"),
            ("unsuspend", 422, "active"),
            ("suspend", 200, "suspended"),
            ("suspend", 422, "suspended"),
            ("unsuspend", 200, "active"),
        ] {
            t.put(&format!("{USERS}/{id}/{event}.json"), &[]).await.expect(status);
            assert_eq!(t.get(&format!("{USERS}/{id}.json")).await.at("/user/state"), state, "{event}");
        }
        t.put(&format!("{USERS}/9/activate.json"), &[]).await.expect(404);
    }

    async fn the_first_active_user_makes_the_account(t: &Test) {
        product(t, "mail", APP_ID).await;
        let reply = t.post("/admin/api/signup.json", &[("org_name", "Bob"), ("username", "bob")]).await.expect(201);
        let (_, application) = first_application(&reply.at("/account"));
        assert!(!at_gateways(t, application).await.1);
        t.put(&format!("{USERS}/1/activate.json"), &[]).await.expect(200);
        assert_eq!(t.get("/admin/api/accounts/1.json").await.at("/account/state"), "approved");
        assert_eq!(at_gateways(t, application).await, (revision(t).await, true));

        t.put("/admin/api/settings.json", &[("account_approval_required", "1")]).await.expect(200);
        t.post("/admin/api/signup.json", &[("org_name", "Ann"), ("username", "ann")]).await.expect(201);
        t.put("/admin/api/accounts/2/users/2/activate.json", &[]).await.expect(200);
        assert_eq!(t.get("/admin/api/accounts/2.json").await.at("/account/state"), "pending");
    }

    async fn somebody_must_stay_admin(t: &Test) {
        signed_up(t, "bob").await;
        let id = add(t, "ann").await;
        let reply = t.put(&format!("{USERS}/1/member.json"), &[]).await.expect(422);
        assert_eq!(reply.complaints(), ["role"]);
        t.delete(&format!("{USERS}/1.json")).await.expect(422);
        let reply = t.put(&format!("{USERS}/{id}/admin.json"), &[]).await.expect(200);
        assert_eq!(reply.at("/user/role"), "admin");
        t.put(&format!("{USERS}/{id}/admin.json"), &[]).await.expect(200);
        t.put(&format!("{USERS}/1/member.json"), &[]).await.expect(200);
        t.delete(&format!("{USERS}/1.json")).await.expect(200);
        t.get(&format!("{USERS}/1.json")).await.expect(404);
        t.delete(&format!("{USERS}/1.json")).await.expect(404);
    }
}
