//! `POST /admin/api/sso_tokens`, and what becomes of the links.

use crate::support::{Test, both_databases};
use tallygate::error::Error;
use tallygate::secrets::Secret;
use tallygate::sso::{self, Redeemed};

const PATH: &str = "/admin/api/sso_tokens";

async fn signed_up(t: &Test, username: &str) -> i64 {
    let email = format!("{username}@example.com");
    let form = [
        ("org_name", username),
        ("username", username),
        ("email", email.as_str()),
        ("password", "correct horse"),
    ];
    let reply = t.post("/admin/api/signup.json", &form).await.expect(201);
    reply.id("/account/users/0/user/id")
}

async fn link(t: &Test, form: &[(&str, &str)]) -> String {
    let reply = t.post(&format!("{PATH}.json"), form).await.expect(201);
    reply.at("/sso_token/token").as_str().unwrap().to_owned()
}

async fn redeem(t: &Test, token: &str) -> Result<Redeemed, Error> {
    let mut tx = t.app.db.begin().await.unwrap();
    let redeemed = sso::redeem(&mut tx, &Secret::new(token)).await;
    tx.commit().await.unwrap();
    redeemed
}

#[track_caller]
fn refusal(redeemed: Result<Redeemed, Error>) -> String {
    let error = redeemed.unwrap_err();
    assert_eq!(error.status(), 403);
    error.public_message()
}

both_databases! {
    async fn a_link_signs_one_user_in_once(t: &Test) {
        let ann = signed_up(t, "ann").await;
        let reply = t.post(&format!("{PATH}.json"), &[("user_id", &ann.to_string()), ("redirect_url", "/admin/apps?x=1")]).await.expect(201);
        let token = reply.at("/sso_token/token").as_str().unwrap().to_owned();
        let url = reply.at("/sso_token/sso_url").as_str().unwrap().to_owned();
        let now_secs = t.app.db.now_ms().await.unwrap() / 1000;
        let expires_at: i64 = url.strip_prefix(&format!("{}/session/create?token={token}&expires_at=", t.portal)).unwrap().parse().unwrap();
        assert!((now_secs + 590..=now_secs + 600).contains(&expires_at), "{url} {now_secs}");
        let redeemed = redeem(t, &token).await.unwrap();
        assert_eq!((redeemed.user.id, redeemed.redirect_path.as_str()), (ann, "/admin/apps?x=1"));
        assert_eq!(refusal(redeem(t, &token).await), "Invalid SSO Token");
        for token in ["", "x", &t.token] {
            assert_eq!(refusal(redeem(t, token).await), "Invalid SSO Token");
        }
        let xml = t.post(&format!("{PATH}.xml"), &[("username", "ANN"), ("protocol", "https")]).await.expect(201);
        let start = format!("<sso_url>{}/session/create?token=", t.portal.replace("http:", "https:"));
        assert!(xml.text.contains(&start) && xml.text.ends_with("</sso_url>"), "{}", xml.text);
    }

    async fn of_many_at_once_one_succeeds(t: &Test) {
        signed_up(t, "ann").await;
        let token = link(t, &[("username", "ann")]).await;
        let elsewhere = t.database.connect().await;
        let mut attempts = tokio::task::JoinSet::new();
        for db in [t.app.db.clone(), elsewhere.clone(), t.app.db.clone(), elsewhere.clone()] {
            let token = Secret::new(token.clone());
            attempts.spawn(async move {
                let mut tx = db.begin().await.unwrap();
                let redeemed = sso::redeem(&mut tx, &token).await;
                tx.commit().await.unwrap();
                redeemed.is_ok()
            });
        }
        let redeemed = attempts.join_all().await;
        assert_eq!(redeemed.iter().filter(|ok| **ok).count(), 1);
        elsewhere.close().await;
    }

    async fn links_live_ten_minutes_at_most(t: &Test) {
        signed_up(t, "ann").await;
        let short = link(t, &[("username", "ann"), ("expires_in", "31")]).await;
        let long = link(t, &[("username", "ann"), ("expires_in", "86400")]).await;
        let spare = link(t, &[("username", "ann"), ("expires_in", "86400")]).await;
        t.app.db.pass_time(32_000);
        assert_eq!(refusal(redeem(t, &short).await), "Token Expired");
        redeem(t, &long).await.unwrap();
        t.app.db.pass_time(570_000);
        assert_eq!(refusal(redeem(t, &spare).await), "Token Expired");
    }

    async fn only_who_may_sign_in(t: &Test) {
        let ann = signed_up(t, "ann").await;
        let user = format!("/admin/api/accounts/1/users/{ann}");
        let events = [
            (format!("{user}/suspend.json"), format!("{user}/unsuspend.json")),
            ("/admin/api/accounts/1/suspend.json".into(), "/admin/api/accounts/1/resume.json".into()),
        ];
        for (out, back) in &events {
            let before = link(t, &[("username", "ann")]).await;
            t.put(out, &[]).await.expect(200);
            let reply = t.post(&format!("{PATH}.json"), &[("username", "ann")]).await.expect(422);
            assert_eq!(reply.complaints(), ["username"]);
            assert_eq!(refusal(redeem(t, &before).await), "User not found", "{out}");
            t.put(back, &[]).await.expect(200);
            assert_eq!(refusal(redeem(t, &before).await), "Invalid SSO Token", "it is used up");
        }
        let before = link(t, &[("username", "ann")]).await;
        t.delete("/admin/api/accounts/1.json").await.expect(200);
        assert_eq!(refusal(redeem(t, &before).await), "User not found");
    }

    async fn what_is_refused(t: &Test) {
        signed_up(t, "ann").await;
        for (form, complaint) in [
            (&[][..], "base"),
            (&[("user_id", ""), ("username", "")], "base"),
            (&[("user_id", "99")], "user_id"),
            (&[("user_id", "99"), ("username", "ann")], "user_id"),
            (&[("user_id", "x")], "user_id"),
            (&[("username", "bob")], "username"),
            // The provider's own people do not sign in to the portal.
            (&[("username", "admin")], "username"),
            (&[("username", "ann"), ("expires_in", "30")], "expires_in"),
            (&[("username", "ann"), ("expires_in", "86401")], "expires_in"),
            (&[("username", "ann"), ("protocol", "ftp")], "protocol"),
            (&[("username", "ann"), ("redirect_url", "https://evil.example/")], "redirect_url"),
            (&[("username", "ann"), ("redirect_url", "//evil.example/")], "redirect_url"),
            (&[("username", "ann"), ("redirect_url", "javascript:alert(1)")], "redirect_url"),
        ] {
            let reply = t.post(&format!("{PATH}.json"), form).await.expect(422);
            assert_eq!(reply.complaints(), [complaint], "{form:?}");
        }
        let same_origin = format!("{}/docs", t.portal);
        let token = link(t, &[("username", "ann"), ("redirect_url", &same_origin)]).await;
        assert_eq!(redeem(t, &token).await.unwrap().redirect_path, "/docs");
    }
}
