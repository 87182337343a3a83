//! `/admin/api/users` and their permissions.

use super::{call, member, token_of};
use crate::support::{Test, both_databases};
use insta::assert_snapshot;
use reqwest::Method;

const USERS: &str = "/admin/api/users";

both_databases! {
    async fn the_first_user_is_an_active_admin(t: &Test) {
        let reply = t.get("/admin/api/users.json").await.expect(200);
        let user = reply.at("/users/0/user");
        assert_eq!((&user["username"], &user["email"], &user["state"], &user["role"]), (&"admin".into(), &"api@acme.example".into(), &"active".into(), &"admin".into()));
        assert_eq!(reply.value()["users"].as_array().unwrap().len(), 1);
        assert!(!reply.text.contains("argon2"), "{}", reply.text);
    }

    async fn made_pending_members_and_changed(t: &Test) {
        let form = [("username", "ann"), ("email", "ann@acme.example"), ("password", "correct horse")];
        let reply = t.post("/admin/api/users.xml", &form).await.expect(201);
        assert_eq!(reply.headers["location"], "/admin/api/users/2.xml");
        for part in ["<user><id>2</id>", "<account_id>1</account_id><state>pending</state><role>member</role><username>ann</username><email>ann@acme.example</email>"] {
            assert!(reply.text.contains(part), "{}", reply.text);
        }
        let reply = t.put(&format!("{USERS}/2.json"), &[("username", "anna")]).await.expect(200);
        assert_eq!((reply.at("/user/username"), reply.at("/user/email")), ("anna".into(), "ann@acme.example".into()));
        for (form, complaints) in [
            (&[][..], &["username", "email", "password"][..]),
            (&[("username", "Anna"), ("email", "ANN@acme.example"), ("password", "correct horse")], &["username", "email"]),
            (&[("username", "x"), ("email", "nobody"), ("password", "short")], &["username", "email", "password"]),
            (&[("username", "bob"), ("email", ""), ("password", "correct horse")], &["email"]),
        ] {
            let reply = t.post(&format!("{USERS}.json"), form).await.expect(422);
            assert_eq!(reply.complaints(), complaints, "{form:?}");
        }
        for (form, complaint) in [(("username", "admin"), "username"), (("email", ""), "email"), (("email", "api@acme.example"), "email"), (("password", "x"), "password")] {
            let reply = t.put(&format!("{USERS}/2.json"), &[form]).await.expect(422);
            assert_eq!(reply.complaints(), [complaint]);
        }
        let listed = |query: &'static str| async move {
            let reply = t.get(&format!("{USERS}.json{query}")).await.expect(200).value();
            reply["users"].as_array().unwrap().iter().map(|item| item["user"]["username"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(listed("?state=pending").await, ["anna"]);
        assert_eq!(listed("?role=admin").await, ["admin"]);
        assert_eq!(listed("?role=admin&state=pending").await, [""; 0]);
        t.get(&format!("{USERS}.json?state=odd")).await.expect(422);
        t.get(&format!("{USERS}/9.json")).await.expect(404);
        t.delete(&format!("{USERS}/2.json")).await.expect(200);
        t.get(&format!("{USERS}/2.json")).await.expect(404);
        // Name and address are free again, the id is not.
        assert_eq!(member(t, "anna").await, 3);
    }

    async fn states_and_roles(t: &Test) {
        let id = member(t, "ann").await;
        for (event, status, state, role) in [
            ("activate", 422, "active", "member"),
            ("unsuspend", 422, "active", "member"),
            ("suspend", 200, "suspended", "member"),
            ("unsuspend", 200, "active", "member"),
            ("admin", 200, "active", "admin"),
            ("suspend", 200, "suspended", "admin"),
        ] {
            t.put(&format!("{USERS}/{id}/{event}.json"), &[]).await.expect(status);
            let user = t.get(&format!("{USERS}/{id}.json")).await.at("/user");
            assert_eq!((&user["state"], &user["role"]), (&state.into(), &role.into()), "{event}");
        }
        // A suspended admin is none to administer.
        for event in ["suspend", "member"] {
            t.put(&format!("{USERS}/1/{event}.json"), &[]).await.expect(422);
        }
        t.delete(&format!("{USERS}/1.json")).await.expect(422);
        t.put(&format!("{USERS}/{id}/unsuspend.json"), &[]).await.expect(200);
        t.put(&format!("{USERS}/1/member.json"), &[]).await.expect(200);
        t.put(&format!("{USERS}/9/admin.json"), &[]).await.expect(403);
    }

    async fn permissions(t: &Test) {
        let id = member(t, "ann").await;
        let path = format!("{USERS}/{id}/permissions");
        let product = t.post("/admin/api/services.json", &[("name", "Mail")]).await.expect(201).id("/service/id").to_string();
        let shown = |reply: &crate::support::client::Reply| reply.text.replace(&t.admin, "");
        assert_snapshot!(shown(&t.get(&format!("{path}.json")).await.expect(200)), @r#"{"permissions":{"user_id":2,"role":"member","allowed_sections":[],"allowed_service_ids":null,"links":[{"rel":"user","href":"/admin/api/users/2"}]}}"#);
        let form = [("allowed_sections[]", "plans"), ("allowed_sections[]", "monitoring"), ("allowed_service_ids[]", product.as_str())];
        let reply = t.put(&format!("{path}.xml"), &form).await.expect(200);
        assert!(reply.text.ends_with("<permissions><user_id>2</user_id><role>member</role><allowed_sections><allowed_section>monitoring</allowed_section><allowed_section>plans</allowed_section></allowed_sections><allowed_service_ids><allowed_service_id>1</allowed_service_id></allowed_service_ids></permissions>"), "{}", reply.text);
        // What is not given stays; without a value it is all products, an empty list is none.
        let ids = |reply: crate::support::client::Reply| reply.expect(200).at("/permissions/allowed_service_ids");
        assert_eq!(ids(t.put(&format!("{path}.json"), &[("allowed_sections[]", "")]).await), serde_json::json!([1]));
        assert_eq!(ids(t.put(&format!("{path}.json"), &[("allowed_service_ids[]", "")]).await), serde_json::json!([]));
        assert_eq!(ids(t.put(&format!("{path}.json"), &[("allowed_service_ids", "")]).await), serde_json::Value::Null);
        let json = serde_json::json!({"permissions": {"allowed_service_ids": [1, "1"], "allowed_sections": ["portal"]}});
        let reply = t.json(Method::PUT, &format!("{path}.json"), &json).await;
        assert_eq!(reply.at("/permissions/allowed_sections"), serde_json::json!(["portal"]));
        assert_eq!(ids(reply), serde_json::json!([1]));
        let reply = t.put(&format!("{path}.xml"), &[("allowed_service_ids", "")]).await.expect(200);
        assert!(!reply.text.contains("allowed_service"), "{}", reply.text);
        for (form, complaint) in [(("allowed_sections[]", "kitchen"), "allowed_sections"), (("allowed_service_ids[]", "9"), "allowed_service_ids"), (("allowed_service_ids[]", "x"), "allowed_service_ids"), (("allowed_sections[][a]", "plans"), "allowed_sections")] {
            let reply = t.put(&format!("{path}.json"), &[form]).await.expect(422);
            assert_eq!(reply.complaints(), [complaint]);
        }
        let reply = t.get(&format!("{USERS}/1/permissions.json")).await.expect(200);
        assert_eq!(reply.at("/permissions/allowed_sections").as_array().unwrap().len(), 7);
        let reply = t.put(&format!("{USERS}/1/permissions.json"), &[("allowed_sections[]", "plans")]).await.expect(422);
        assert_eq!(reply.complaints(), ["role"]);
    }

    async fn members_see_and_change_themselves_and_nobody_else(t: &Test) {
        let (ann, bob) = (member(t, "ann").await, member(t, "bob").await);
        let token = token_of(t, ann, "rw").await;
        let own = format!("{USERS}/{ann}");
        call(t, &token, Method::GET, &format!("{own}.json"), &[]).await.expect(200);
        call(t, &token, Method::GET, &format!("{own}/permissions.json"), &[]).await.expect(200);
        call(t, &token, Method::PUT, &format!("{own}.json"), &[("username", "anna")]).await.expect(200);
        for (method, path) in [
            (Method::GET, format!("{USERS}.json")),
            (Method::POST, format!("{USERS}.json")),
            (Method::GET, format!("{USERS}/{bob}.json")),
            (Method::PUT, format!("{USERS}/{bob}.json")),
            (Method::PUT, format!("{own}/admin.json")),
            (Method::PUT, format!("{own}/permissions.json")),
            (Method::DELETE, format!("{own}.json")),
            (Method::DELETE, format!("{USERS}/{bob}.json")),
            (Method::POST, format!("{USERS}/1/access_tokens.json")),
        ] {
            let reply = call(t, &token, method.clone(), &path, &[]).await;
            assert_eq!(reply.status, 403, "{method} {path}: {}", reply.text);
        }
    }
}
