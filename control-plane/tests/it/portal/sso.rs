//! Links that sign a developer in.

use super::signed_up;
use crate::support::{Browser, Test, both_databases};
use reqwest::Method;
use tallygate::on;

async fn link(t: &Test, form: &[(&str, &str)]) -> String {
    let reply = t.post("/admin/api/sso_tokens.json", form).await.expect(201);
    reply.at("/sso_token/sso_url").as_str().unwrap().to_owned()
}

both_databases! {
    async fn a_link_opens_a_session_once(t: &Test) {
        signed_up(t, "ann").await;
        let url = link(t, &[("username", "ann")]).await;
        let browser = Browser::new(t);
        // Whoever only looks where it leads does not use it up.
        browser.send(browser.request(Method::HEAD, &url)).await.expect(403);
        browser.send(browser.request(Method::GET, &url).header("sec-purpose", "prefetch;prerender")).await.expect(403);
        // From the provider's own site, as links are.
        let reply = browser.send(browser.request(Method::GET, &url).header("sec-fetch-site", "cross-site")).await;
        assert_eq!(reply.location(), "/admin");
        assert!(browser.get("/").await.expect(200).text.contains("Sign out"));
        let late = Browser::new(t);
        let refused = late.get(&url).await.expect(403);
        assert!(refused.text.contains("Invalid SSO Token") && refused.text.contains("<main"), "{}", refused.text);
        assert!(!late.get("/").await.expect(200).text.contains("Sign out"));
        // What was begun lasts.
        browser.get(&url).await.expect(403);
        assert!(browser.get("/").await.expect(200).text.contains("Sign out"));
    }

    async fn a_link_leads_into_the_portal_alone(t: &Test) {
        signed_up(t, "ann").await;
        let made_for = link(t, &[("username", "ann"), ("redirect_url", "/docs?x=1")]).await;
        assert_eq!(Browser::new(t).get(&made_for).await.location(), "/docs?x=1");
        for (redirect_url, leads_to) in [
            ("/plans", "/plans"),
            ("/", "/admin"),
            ("https%3A%2F%2Fevil.example%2F", "/docs"),
            ("%2F%2Fevil.example", "/docs"),
            ("%2F%5Cevil.example", "/docs"),
            ("%2F%0D%0Aset-cookie:x=y", "/docs"),
            ("javascript:alert(1)", "/docs"),
        ] {
            let url = link(t, &[("username", "ann"), ("redirect_url", "/docs")]).await;
            let reply = Browser::new(t).get(&format!("{url}&redirect_url={redirect_url}")).await;
            assert_eq!(reply.location(), leads_to, "{redirect_url}");
        }
        let own = format!("{}/stories", t.portal);
        let url = link(t, &[("username", "ann")]).await;
        assert_eq!(Browser::new(t).get(&format!("{url}&redirect_url={own}")).await.location(), "/stories");
    }

    async fn whoever_may_not_sign_in_has_no_use_of_a_link(t: &Test) {
        for (path, message) in [
            ("/session/create", "Invalid SSO Token"),
            ("/session/create?token=", "Invalid SSO Token"),
            ("/session/create?token=%22%3E%3Cscript%3E", "Invalid SSO Token"),
            ("/session/create?token[]=x", "Invalid SSO Token"),
        ] {
            let refused = Browser::new(t).get(path).await.expect(403);
            assert!(refused.text.contains(message), "{}", refused.text);
        }
        let (account, user) = signed_up(t, "ann").await;
        let before = link(t, &[("username", "ann")]).await;
        t.put(&format!("/admin/api/accounts/{account}/users/{user}/suspend.json"), &[]).await.expect(200);
        assert!(Browser::new(t).get(&before).await.expect(403).text.contains("User not found"));
        t.put(&format!("/admin/api/accounts/{account}/users/{user}/unsuspend.json"), &[]).await.expect(200);
        // It was used up then.
        assert!(Browser::new(t).get(&before).await.expect(403).text.contains("Invalid SSO Token"));
        let expired = link(t, &[("username", "ann")]).await;
        t.app.db.pass_time(601_000);
        assert!(Browser::new(t).get(&expired).await.expect(403).text.contains("Token Expired"));
    }

    async fn a_browser_has_one_session(t: &Test) {
        signed_up(t, "ann").await;
        signed_up(t, "bob").await;
        let browser = Browser::signed_in(t, "ann").await;
        let url = link(t, &[("username", "bob")]).await;
        assert_eq!(browser.get(&url).await.location(), "/admin");
        let text = browser.get("/admin").await.expect(200).text;
        assert!(text.contains("bob") && !text.contains("ann"), "{text}");
        let sessions: i64 = on!(t.app.db, |c| sqlx::query_scalar("select count(*) from portal_session").fetch_one(c)).unwrap();
        assert_eq!(sessions, 1);
    }
}
