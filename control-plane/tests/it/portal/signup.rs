//! Signing up, and becoming active.

use super::mailbox::{only_link, waiting};
use crate::support::{Browser, Reply, Test, both_databases};

const FORM: &[(&str, &str)] = &[
    ("org_name", "Paper Planes"),
    ("username", "ada"),
    ("email", "ada@planes.example"),
    ("password", "correct horse"),
];

/// The form, with some fields otherwise.
fn but<'a>(changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = FORM
        .iter()
        .filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    kept.chain(changes).copied().collect()
}

async fn accounts(t: &Test) -> usize {
    let reply = t.get("/admin/api/accounts.json").await.expect(200);
    reply.at("/accounts").as_array().unwrap().len()
}

async fn account_of(t: &Test, username: &str) -> Reply {
    t.get(&format!(
        "/admin/api/accounts/find.json?username={username}"
    ))
    .await
    .expect(200)
}

async fn sign_in(browser: &Browser, username: &str, password: &str) -> Reply {
    let form = [("username", username), ("password", password)];
    browser.post("/session", &form).await
}

both_databases! {
    async fn a_developer_signs_up_and_follows_the_link(t: &Test) {
        let browser = Browser::new(t);
        browser.get("/signup").await.expect(200);
        assert_eq!(browser.post("/signup", FORM).await.location(), "/signup/success");
        assert!(browser.get("/signup/success").await.expect(200).text.contains("Check your mail"));
        let account = account_of(t, "ada").await;
        assert_eq!(account.at("/account/state"), "created");
        assert_eq!(account.at("/account/users/0/user/state"), "pending");
        // Not before the link was followed, and that alone changes nothing: programs follow links too.
        sign_in(&browser, "ada", "correct horse").await.expect(422);
        let mails = waiting(t, "signup_notification_email").await;
        assert_eq!(mails.first().unwrap().user_id, Some(account.id("/account/users/0/user/id")));
        let link = only_link(t, &mails);
        assert!(browser.get(&link).await.expect(200).text.contains("Activate my account"));
        sign_in(&browser, "ada", "correct horse").await.expect(422);
        assert_eq!(browser.post(&link, &[]).await.location(), "/admin");
        assert!(browser.get("/").await.text.contains("Sign out"));
        let account = account_of(t, "ada").await;
        assert_eq!(account.at("/account/state"), "approved");
        assert_eq!(account.at("/account/users/0/user/state"), "active");
        // It works once.
        let other = Browser::new(t);
        other.get(&link).await.expect(410);
        other.post(&link, &[]).await.expect(410);
        assert_eq!(sign_in(&other, "ADA@planes.example", "correct horse").await.location(), "/admin");
        assert_eq!(other.get("/signup").await.location(), "/admin");
    }

    async fn what_is_wrong_is_said_at_its_field_and_nothing_is_made(t: &Test) {
        let browser = Browser::new(t);
        browser.post("/signup", &[]).await.expect(422);
        for (field, value) in [
            ("org_name", ""),
            ("username", ""),
            ("username", "a b"),
            ("email", ""),
            ("email", "nobody"),
            ("password", ""),
            ("password", "short"),
        ] {
            let reply = browser.post("/signup", &but(&[(field, value)])).await.expect(422);
            assert!(reply.text.contains(&format!("id=\"{field}-problem\"")), "{field}: {}", reply.text);
            assert!(!reply.text.contains("correct horse"), "passwords are not kept");
        }
        let hostile = browser.post("/signup", &but(&[("org_name", "\"><script>"), ("email", "no")])).await.expect(422);
        assert!(hostile.text.contains("&quot;&gt;&lt;script&gt;") && !hostile.text.contains("\"><script>"));
        assert_eq!(accounts(t).await, 0);
        assert!(waiting(t, "signup_notification_email").await.is_empty());
    }

    async fn who_has_an_address_is_told_to_its_owner_alone(t: &Test) {
        let browser = Browser::new(t);
        browser.post("/signup", FORM).await.expect(303);
        let link = only_link(t, &waiting(t, "signup_notification_email").await);
        browser.post(&link, &[]).await.expect(303);
        let stranger = Browser::new(t);
        let taken = stranger.post("/signup", &but(&[("username", "ada2")])).await;
        let free = stranger.post("/signup", &but(&[("username", "bob"), ("email", "bob@planes.example")])).await;
        assert_eq!((taken.location(), &taken.text), (free.location(), &free.text));
        assert_eq!(accounts(t).await, 2);
        let told = waiting(t, "lost_password_email").await;
        assert_eq!(told.len(), 1);
        // Names are there to be chosen: those that are taken are said to be.
        let reply = stranger.post("/signup", &but(&[("username", "BOB")])).await.expect(422);
        assert!(reply.text.contains("username-problem") && !reply.text.contains("email-problem"));
    }

    async fn signups_can_be_switched_off(t: &Test) {
        t.put("/admin/api/settings.json", &[("signups_enabled", "false")]).await.expect(200);
        let browser = Browser::new(t);
        for reply in [browser.get("/signup").await, browser.post("/signup", FORM).await] {
            let reply = reply.expect(403);
            assert!(reply.text.contains("Signup disabled"), "{}", reply.text);
        }
        for page in ["/", "/login"] {
            assert!(!browser.get(page).await.expect(200).text.contains("href=\"/signup\""), "{page}");
        }
        assert_eq!(accounts(t).await, 0);
    }

    async fn accounts_may_have_to_wait_for_the_provider(t: &Test) {
        t.put("/admin/api/settings.json", &[("account_approval_required", "true")]).await.expect(200);
        let browser = Browser::new(t);
        browser.post("/signup", FORM).await.expect(303);
        assert!(browser.get("/signup/success").await.text.contains("once it is approved"));
        let link = only_link(t, &waiting(t, "signup_notification_email").await);
        assert_eq!(browser.post(&link, &[]).await.location(), "/login");
        let page = browser.get("/login").await.expect(200);
        assert!(page.text.contains("Your account is being looked at"), "{}", page.text);
        assert_eq!(waiting(t, "account_confirmed").await.len(), 1);
        sign_in(&browser, "ada", "correct horse").await.expect(422);
        let account = account_of(t, "ada").await;
        assert_eq!(account.at("/account/state"), "pending");
        let id = account.id("/account/id");
        t.put(&format!("/admin/api/accounts/{id}/approve.json"), &[]).await.expect(200);
        assert_eq!(sign_in(&browser, "ada", "correct horse").await.location(), "/admin");
    }

    async fn the_providers_fields_are_asked_for(t: &Test) {
        for form in [
            &[("target", "Account"), ("name", "vat_id"), ("label", "VAT number"), ("required", "true")][..],
            &[("target", "Account"), ("name", "rating"), ("label", "Rating"), ("hidden", "true")],
            &[("target", "User"), ("name", "team"), ("label", "Team"), ("choices[]", "red"), ("choices[]", "blue")],
            &[("target", "User"), ("name", "badge"), ("label", "Badge"), ("read_only", "true")],
        ] {
            t.post("/admin/api/fields_definitions.json", form).await.expect(201);
        }
        let browser = Browser::new(t);
        let page = browser.get("/signup").await.expect(200).text;
        assert!(page.contains("VAT number") && page.contains(">blue</option>") && !page.contains("Rating"));
        let reply = browser.post("/signup", FORM).await.expect(422);
        assert!(reply.text.contains("id=\"vat_id-problem\""), "{}", reply.text);
        let reply = browser.post("/signup", &but(&[("vat_id", "AT1"), ("team", "green")])).await.expect(422);
        assert!(reply.text.contains("id=\"team-problem\"") && reply.text.contains("value=\"AT1\""), "{}", reply.text);
        let form = but(&[("vat_id", "AT1"), ("team", "red"), ("rating", "best"), ("badge", "gold")]);
        browser.post("/signup", &form).await.expect(303);
        let account = account_of(t, "ada").await.value();
        assert_eq!(account["account"]["vat_id"], "AT1", "{account}");
        let text = account.to_string();
        assert!(text.contains("\"team\":\"red\"") && !text.contains("best") && !text.contains("gold"), "{text}");
    }

    async fn plans_can_be_chosen_where_the_product_says_so(t: &Test) {
        let product = t.post("/admin/api/services.json", &[("name", "Mail")]).await.expect(201).id("/service/id");
        let path = format!("/admin/api/services/{product}/application_plans");
        let mut plans = Vec::new();
        for (name, state) in [("Bronze", "publish"), ("Gold", "publish"), ("Secret", "hide")] {
            let form = [("name", name), ("state_event", state)];
            plans.push(t.post(&format!("{path}.json"), &form).await.expect(201).id("/application_plan/id"));
        }
        let [bronze, gold, secret] = plans[..] else { panic!("{plans:?}") };
        t.put(&format!("{path}/{bronze}/default.json"), &[]).await.expect(200);
        let browser = Browser::new(t);
        assert!(!browser.get("/signup").await.text.contains("Bronze"));
        t.put(&format!("/admin/api/services/{product}.json"), &[("buyer_can_select_plan", "true")]).await.expect(200);
        let page = browser.get("/signup").await.expect(200).text;
        assert!(page.contains(&format!("value=\"{bronze}\" checked")) && page.contains("Gold") && !page.contains("Secret"), "{page}");
        let page = browser.get(&format!("/signup?plan_id={gold}")).await.expect(200).text;
        assert!(page.contains(&format!("value=\"{gold}\" checked")), "{page}");
        let field = format!("plan_{product}");
        for odd in [&secret.to_string(), "x", "99999"] {
            browser.post("/signup", &but(&[(&field, odd)])).await.expect(422);
        }
        browser.post("/signup", &but(&[(&field, &gold.to_string())])).await.expect(303);
        let id = account_of(t, "ada").await.id("/account/id");
        let applications = t.get(&format!("/admin/api/accounts/{id}/applications.json")).await.expect(200);
        assert_eq!(applications.id("/applications/0/application/plan_id"), gold);
        assert_eq!(applications.at("/applications/0/application/name"), "Paper Planes's App");
        // Who chooses nothing gets the default.
        let form = but(&[("username", "bob"), ("email", "bob@planes.example")]);
        browser.post("/signup", &form).await.expect(303);
        let id = account_of(t, "bob").await.id("/account/id");
        let applications = t.get(&format!("/admin/api/accounts/{id}/applications.json")).await.expect(200);
        assert_eq!(applications.id("/applications/0/application/plan_id"), bronze);
    }

    async fn who_was_given_no_password_chooses_one(t: &Test) {
        let form = [("org_name", "Acorn"), ("username", "eve"), ("email", "eve@acorn.example")];
        t.post("/admin/api/signup.json", &form).await.expect(201);
        let browser = Browser::new(t);
        browser.post("/admin/account/password", &[("email", "eve@acorn.example")]).await.expect(303);
        let link = only_link(t, &waiting(t, "signup_notification_email").await);
        assert!(browser.get(&link).await.expect(200).text.contains("Choose a password"));
        assert!(browser.post(&link, &[]).await.expect(422).text.contains("password-problem"));
        assert_eq!(browser.post(&link, &[("password", "correct horse")]).await.location(), "/admin");
        assert_eq!(sign_in(&Browser::new(t), "eve", "correct horse").await.location(), "/admin");
    }

    async fn links_end_after_a_week(t: &Test) {
        let browser = Browser::new(t);
        browser.post("/signup", FORM).await.expect(303);
        let link = only_link(t, &waiting(t, "signup_notification_email").await);
        t.app.db.pass_time(7 * 24 * 3_600_000 + 1);
        let page = browser.get(&link).await.expect(410);
        assert!(page.text.contains("Forgot your password?"), "{}", page.text);
        browser.post(&link, &[]).await.expect(410);
        assert_eq!(account_of(t, "ada").await.at("/account/state"), "created");
    }
}
