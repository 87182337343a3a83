//! Signing in, lost passwords, and how often either is tried.

use super::mailbox::{only_link, waiting};
use super::signed_up;
use crate::support::{Browser, Reply, Test, both_databases};
use reqwest::header::RETRY_AFTER;

const ASK: &str = "/admin/account/password";

async fn sign_in(browser: &Browser, username: &str, password: &str) -> Reply {
    let form = [("username", username), ("password", password)];
    browser.post("/session", &form).await
}

#[track_caller]
fn assert_throttled(reply: Reply, within_secs: i64) {
    let reply = reply.expect(429);
    let after: i64 = reply.headers[RETRY_AFTER]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=within_secs + 1).contains(&after), "{after}");
    assert!(
        reply.text.contains("Too many attempts") && reply.text.contains("<main"),
        "{}",
        reply.text
    );
}

both_databases! {
    async fn a_lost_password_is_replaced_by_a_link(t: &Test) {
        signed_up(t, "ann").await;
        let before = Browser::signed_in(t, "ann").await;
        let browser = Browser::new(t);
        browser.get("/admin/account/password/new").await.expect(200);
        assert_eq!(browser.post(ASK, &[("email", "ANN@example.com")]).await.location(), "/login");
        let link = only_link(t, &waiting(t, "lost_password_email").await);
        assert!(browser.get(&link).await.expect(200).text.contains("Choose a new password"));
        assert!(browser.post(&link, &[("password", "short")]).await.expect(422).text.contains("password-problem"));
        assert!(before.get("/").await.text.contains("Sign out"));
        assert_eq!(browser.post(&link, &[("password", "battery staple")]).await.location(), "/admin");
        assert!(browser.get("/").await.text.contains("Sign out"));
        // Who was signed in with the old one is not any more, and the link is used up.
        assert!(!before.get("/").await.text.contains("Sign out"));
        browser.get(&link).await.expect(410);
        browser.post(&link, &[("password", "something else")]).await.expect(410);
        sign_in(&before, "ann", "correct horse").await.expect(422);
        assert_eq!(sign_in(&before, "ann", "battery staple").await.location(), "/admin");
    }

    async fn links_end_within_an_hour_and_with_the_next_one(t: &Test) {
        signed_up(t, "ann").await;
        let browser = Browser::new(t);
        for _ in 0..2 {
            browser.post(ASK, &[("email", "ann@example.com")]).await.expect(303);
        }
        let mails = waiting(t, "lost_password_email").await;
        let [first, second] = [mails.first().unwrap().link(t), mails.last().unwrap().link(t)];
        browser.get(&first).await.expect(410);
        browser.get(&second).await.expect(200);
        // A link is for what it is for.
        browser.get(&second.replace(ASK, "/activate")).await.expect(410);
        t.app.db.pass_time(3_600_001);
        browser.post(&second, &[("password", "battery staple")]).await.expect(410);
        sign_in(&browser, "ann", "correct horse").await.expect(303);
    }

    async fn nobody_learns_who_has_an_account(t: &Test) {
        let (account, user) = signed_up(t, "ann").await;
        signed_up(t, "bob").await;
        t.put(&format!("/admin/api/accounts/{account}/users/{user}/suspend.json"), &[]).await.expect(200);
        let mut answers = Vec::new();
        for email in ["ann@example.com", "bob@example.com", "nobody@example.com"] {
            let browser = Browser::new(t);
            let begun = std::time::Instant::now();
            let reply = browser.post(ASK, &[("email", email)]).await;
            assert!(begun.elapsed().as_millis() >= 250, "{email}: as long as for everybody");
            let page = browser.get("/login").await.expect(200).text;
            answers.push((reply.location().to_owned(), reply.text, page));
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        assert_eq!(waiting(t, "lost_password_email").await.len(), 1);
        let browser = Browser::new(t);
        let unknown = sign_in(&browser, "nobody", "correct horse").await.expect(422).text.replace("value=\"nobody\"", "?");
        for (username, password) in [("ann", "correct horse"), ("bob", "wrong")] {
            let reply = sign_in(&browser, username, password).await.expect(422);
            assert_eq!(reply.text.replace(&format!("value=\"{username}\""), "?"), unknown);
        }
    }

    async fn passwords_can_be_tried_ten_times(t: &Test) {
        signed_up(t, "ann").await;
        let browser = Browser::new(t);
        for _ in 0..9 {
            sign_in(&browser, "ann", "wrong").await.expect(422);
        }
        // Who is right begins anew.
        sign_in(&browser, "ann", "correct horse").await.expect(303);
        for _ in 0..10 {
            sign_in(&browser, "Ann", "wrong").await.expect(422);
        }
        assert_throttled(sign_in(&browser, "ann", "correct horse").await, 900);
        // Others are let in, and so is Ann after a while.
        signed_up(t, "bob").await;
        sign_in(&browser, "bob", "correct horse").await.expect(303);
        t.app.db.pass_time(900_001);
        sign_in(&browser, "ann", "correct horse").await.expect(303);
    }

    async fn one_address_cannot_try_all_names(t: &Test) {
        let browser = Browser::new(t);
        for n in 0..100 {
            sign_in(&browser, &format!("name{n}"), "").await.expect(422);
        }
        assert_throttled(sign_in(&browser, "another", "").await, 900);
    }

    async fn mails_and_signups_can_be_asked_for_so_often(t: &Test) {
        signed_up(t, "ann").await;
        let browser = Browser::new(t);
        for _ in 0..5 {
            browser.post(ASK, &[("email", "ann@example.com")]).await.expect(303);
        }
        assert_throttled(browser.post(ASK, &[("email", "Ann@example.com")]).await, 3600);
        assert_eq!(waiting(t, "lost_password_email").await.len(), 5);
        for _ in 0..30 {
            browser.post("/signup", &[]).await.expect(422);
        }
        assert_throttled(browser.post("/signup", &[]).await, 3600);
    }

    async fn signing_in_begins_another_session(t: &Test) {
        signed_up(t, "ann").await;
        let browser = Browser::signed_in(t, "ann").await;
        let before = browser.cookie("tallygate_session");
        sign_in(&browser, "ann", "correct horse").await.expect(303);
        assert_ne!(browser.cookie("tallygate_session"), before);
        let old = Browser::new(t);
        old.set_cookie("tallygate_session", &before);
        assert!(!old.get("/").await.text.contains("Sign out"));
    }
}
