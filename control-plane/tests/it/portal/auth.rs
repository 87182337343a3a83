//! Signing in at somebody else's.

use super::issuer::{CLIENT, Issuer, SECRET};
use super::signed_up;
use crate::support::{Browser, Reply, Test, both_databases};
use reqwest::redirect;
use serde_json::{Value, json};

/// Publishes the issuer as a provider of this kind; its id.
async fn published(t: &Test, issuer: &Issuer, more: &[(&str, &str)]) -> i64 {
    let mut form = vec![
        ("kind", "keycloak"),
        ("client_id", CLIENT),
        ("client_secret", SECRET),
        ("site", issuer.url.as_str()),
        ("published", "true"),
    ];
    form.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
    form.extend(more);
    t.post("/admin/api/authentication_providers.json", &form)
        .await
        .expect(201)
        .id("/authentication_provider/id")
}

/// Where the provider sends the browser back to.
async fn there_and_back(address: &str) -> String {
    let http = reqwest::Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .build()
        .unwrap();
    let reply = http.get(address).send().await.unwrap();
    reply.headers()["location"].to_str().unwrap().to_owned()
}

/// Signs in from the first click to where it leads.
async fn sign_in(browser: &Browser, provider: &str) -> Reply {
    let begun = browser
        .get(&format!("/auth/{provider}?return_to=/plans"))
        .await;
    let back = there_and_back(begun.location()).await;
    browser.get(&back).await
}

/// What the login page says.
async fn told(browser: &Browser, reply: &Reply) -> String {
    assert_eq!(reply.location(), "/login");
    browser.get("/login").await.expect(200).text
}

async fn accounts(t: &Test) -> Vec<Value> {
    t.get("/admin/api/accounts.json")
        .await
        .at("/accounts")
        .as_array()
        .unwrap()
        .clone()
}

both_databases! {
    async fn who_comes_first_signs_up_and_then_is_known(t: &Test) {
        let issuer = Issuer::start().await;
        published(t, &issuer, &[]).await;
        let login = Browser::new(t).get("/login?return_to=/plans").await.expect(200).text;
        assert!(login.contains("href=\"/auth/keycloak?return_to=%2Fplans\"") && login.contains("Sign in with Keycloak"), "{login}");
        let ann = json!({"sub": "1", "preferred_username": "ann@corp.example", "name": "Ann \"><script>", "email": "ann@corp.example", "email_verified": true});
        issuer.is(ann.clone(), "");
        let browser = Browser::new(t);
        assert_eq!(sign_in(&browser, "keycloak").await.location(), "/plans");
        let home = browser.get("/").await.expect(200).text;
        assert!(home.contains("Sign out") && !home.contains("<script>"), "{home}");
        let all = accounts(t).await;
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].pointer("/account/state").unwrap(), "approved");
        let user = t.get("/admin/api/accounts/1/users.json").await.at("/users/0/user");
        assert_eq!((&user["username"], &user["email"], &user["state"]), (&"ann".into(), &"ann@corp.example".into(), &"active".into()));
        // By another name, she is still the same.
        issuer.is(json!({"sub": "1", "preferred_username": "else"}), "");
        assert_eq!(sign_in(&Browser::new(t), "keycloak").await.location(), "/plans");
        // Somebody of the same name is not.
        issuer.is(json!({"sub": "2", "preferred_username": "ann", "email": "ann@corp.example", "email_verified": false}), "");
        assert_eq!(sign_in(&Browser::new(t), "keycloak").await.location(), "/plans");
        let users = t.get("/admin/api/accounts/2/users.json").await;
        assert_eq!((users.at("/users/0/user/username"), users.at("/users/0/user/email")), ("ann-2".into(), "".into()));
        // Suspended is suspended, whoever vouches.
        t.put("/admin/api/accounts/1/suspend.json", &[]).await.expect(200);
        issuer.is(ann, "");
        let browser = Browser::new(t);
        let reply = sign_in(&browser, "keycloak").await;
        assert!(told(&browser, &reply).await.contains("cannot sign in"));
        assert!(!browser.get("/").await.text.contains("Sign out"));
    }

    async fn an_address_that_is_trusted_finds_its_user(t: &Test) {
        let issuer = Issuer::start().await;
        published(t, &issuer, &[]).await;
        let (account, user) = signed_up(t, "ann").await;
        issuer.is(json!({"sub": "1", "email": "ANN@example.com", "email_verified": true}), "");
        assert_eq!(sign_in(&Browser::new(t), "keycloak").await.location(), "/plans");
        assert_eq!(accounts(t).await.len(), 1);
        // The link outlives the address.
        let user = format!("/admin/api/accounts/{account}/users/{user}.json");
        t.put(&user, &[("email", "new@example.com")]).await.expect(200);
        assert_eq!(sign_in(&Browser::new(t), "keycloak").await.location(), "/plans");
        assert_eq!(accounts(t).await.len(), 1);
        // Who never confirmed an address does not get what whoever owns it signs in to.
        let form = [("org_name", "Bob"), ("username", "bob"), ("email", "bob@example.com")];
        t.post("/admin/api/signup.json", &form).await.expect(201);
        issuer.is(json!({"sub": "2", "email": "bob@example.com", "email_verified": true}), "");
        let browser = Browser::new(t);
        let reply = sign_in(&browser, "keycloak").await;
        assert!(told(&browser, &reply).await.contains("cannot sign in"));
    }

    async fn the_providers_rules_of_signing_up_hold(t: &Test) {
        let issuer = Issuer::start().await;
        let id = published(t, &issuer, &[]).await;
        t.put("/admin/api/settings.json", &[("signups_enabled", "false")]).await.expect(200);
        issuer.is(json!({"sub": "1", "preferred_username": "ann"}), "");
        let browser = Browser::new(t);
        let reply = sign_in(&browser, "keycloak").await;
        assert!(told(&browser, &reply).await.contains("signing up is switched off"));
        assert_eq!(accounts(t).await, [] as [Value; 0]);
        t.put("/admin/api/settings.json", &[("signups_enabled", "true"), ("account_approval_required", "true")]).await.expect(200);
        for _ in 0..2 {
            let reply = sign_in(&browser, "keycloak").await;
            assert!(told(&browser, &reply).await.contains("waits for approval"));
            assert_eq!(accounts(t).await.len(), 1);
        }
        t.put("/admin/api/accounts/1/approve.json", &[]).await.expect(200);
        assert_eq!(sign_in(&browser, "keycloak").await.location(), "/plans");
        t.put(&format!("/admin/api/authentication_providers/{id}.json"), &[("automatically_approve_accounts", "true")]).await.expect(200);
        issuer.is(json!({"sub": "2", "preferred_username": "bob"}), "");
        assert_eq!(sign_in(&Browser::new(t), "keycloak").await.location(), "/plans");
        // Unpublished is gone.
        t.put(&format!("/admin/api/authentication_providers/{id}.json"), &[("published", "false")]).await.expect(200);
        browser.get("/auth/keycloak").await.expect(404);
        browser.get("/auth/none/callback").await.expect(404);
        assert!(!Browser::new(t).get("/login").await.text.contains("/auth/keycloak"));
    }

    async fn what_is_not_for_us_is_not_believed(t: &Test) {
        let issuer = Issuer::start().await;
        published(t, &issuer, &[]).await;
        let browser = Browser::new(t);
        for fault in ["nonce", "audience", "issuer", "expiry", "signature", "algorithm"] {
            issuer.is(json!({"sub": "1", "preferred_username": "ann"}), fault);
            let reply = sign_in(&browser, "keycloak").await;
            assert!(told(&browser, &reply).await.contains("did not work"), "{fault}");
        }
        issuer.is(json!({"preferred_username": "ann"}), "");
        let reply = sign_in(&browser, "keycloak").await;
        assert!(told(&browser, &reply).await.contains("did not work"));
        // A code of another browser, of another state, of nobody; an answer that comes late; no.
        issuer.is(json!({"sub": "1", "preferred_username": "ann"}), "");
        let begun = browser.get("/auth/keycloak").await;
        let back = there_and_back(begun.location()).await;
        let other = Browser::new(t);
        let reply = other.get(&back).await;
        assert!(told(&other, &reply).await.contains("another window"));
        let reply = browser.get("/auth/keycloak/callback?code=x&state=y").await;
        assert!(told(&browser, &reply).await.contains("another window"));
        browser.get("/auth/keycloak").await;
        t.app.db.pass_time(601_000);
        let reply = browser.get(&back).await;
        assert!(told(&browser, &reply).await.contains("another window"));
        let begun = browser.get("/auth/keycloak").await;
        let state = begun.location().split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
        let reply = browser.get(&format!("/auth/keycloak/callback?error=access_denied&error_description=%3Cscript%3E&state={state}")).await;
        let page = told(&browser, &reply).await;
        assert!(page.contains("You did not sign in there") && !page.contains("<script>"), "{page}");
        assert_eq!(accounts(t).await, [] as [Value; 0]);
    }

    async fn a_provider_of_oauth_alone_tells_who_it_is(t: &Test) {
        let issuer = Issuer::start().await;
        let [authorize, token, me] = ["authorize", "token", "me"].map(|path| format!("{}/{path}", issuer.url));
        published(t, &issuer, &[
            ("kind", "github"), ("site", ""), ("authorize_url", &authorize), ("token_url", &token), ("user_info_url", &me),
        ]).await;
        issuer.is(json!({"id": 7, "login": "octo", "name": "Octo", "email": "octo@example.com"}), "");
        assert_eq!(sign_in(&Browser::new(t), "github").await.location(), "/plans");
        let users = t.get("/admin/api/accounts/1/users.json").await;
        // GitHub does not say whether the address is theirs.
        assert_eq!((users.at("/users/0/user/username"), users.at("/users/0/user/email")), ("octo".into(), "".into()));
        issuer.is(json!({"id": 7, "login": "renamed"}), "");
        assert_eq!(sign_in(&Browser::new(t), "github").await.location(), "/plans");
        assert_eq!(accounts(t).await.len(), 1);
    }
}
