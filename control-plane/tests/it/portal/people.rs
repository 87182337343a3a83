//! The account, its users and invitations; who is signed in where; messages; and what of it is in the audit log.

use super::mailbox::{only_link, waiting};
use super::signed_up;
use crate::support::{Browser, Reply, Test, both_databases};

const DETAILS: &str = "/admin/account/personal_details";
const INVITATIONS: &str = "/admin/account/invitations";

async fn sign_in(username: &str, password: &str, t: &Test) -> (Browser, Reply) {
    let browser = Browser::new(t);
    let form = [("username", username), ("password", password)];
    let reply = browser.post("/session", &form).await;
    (browser, reply)
}

async fn is_signed_in(browser: &Browser) -> bool {
    browser.get("/").await.text.contains("Sign out")
}

/// Invites somebody, who joins.
async fn joined(t: &Test, admin: &Browser, username: &str) -> Browser {
    let email = format!("{username}@example.com");
    admin
        .post(INVITATIONS, &[("email", &email)])
        .await
        .expect(303);
    let link = waiting(t, "invitation").await.last().unwrap().link(t);
    let browser = Browser::new(t);
    let form = [("username", username), ("password", "correct horse")];
    assert_eq!(browser.post(&link, &form).await.location(), "/admin");
    browser
}

both_databases! {
    async fn who_is_invited_joins_the_account(t: &Test) {
        let (account, _) = signed_up(t, "ann").await;
        let ann = Browser::signed_in(t, "ann").await;
        ann.get("/admin/account/users").await.expect(200);
        for (email, told) in [("", "blank"), ("nobody", "look like"), ("Ann@example.com", "belongs to a user")] {
            let reply = ann.post(INVITATIONS, &[("email", email)]).await.expect(422);
            assert!(reply.text.contains("email-problem") && reply.text.contains(told), "{email}: {}", reply.text);
        }
        ann.post(INVITATIONS, &[("email", "cem@example.com")]).await.expect(303);
        ann.post(INVITATIONS, &[("email", "CEM@example.com")]).await.expect(422);
        let mails = waiting(t, "invitation").await;
        assert_eq!(mails[0].address.as_deref(), Some("cem@example.com"));
        let link = only_link(t, &mails);
        let cem = Browser::new(t);
        assert!(cem.get(&link).await.expect(200).text.contains("cem@example.com"));
        for form in [&[("username", "ann"), ("password", "correct horse")][..], &[("username", "cem"), ("password", "x")], &[]] {
            cem.post(&link, form).await.expect(422);
        }
        let form = [("username", "cem"), ("password", "correct horse"), ("email", "other@example.com"), ("role", "admin")];
        assert_eq!(cem.post(&link, &form).await.location(), "/admin");
        assert!(is_signed_in(&cem).await);
        let users = t.get(&format!("/admin/api/accounts/{account}/users.json")).await.expect(200);
        let user = users.at("/users/1/user");
        assert_eq!((&user["email"], &user["role"], &user["state"]), (&"cem@example.com".into(), &"member".into(), &"active".into()));
        // It works once.
        Browser::new(t).get(&link).await.expect(410);
        Browser::new(t).post(&link, &[("username", "dan"), ("password", "correct horse")]).await.expect(410);
        // Members invite and change nobody.
        cem.get("/admin/account/users").await.expect(200);
        cem.get(INVITATIONS).await.expect(403);
        cem.post(INVITATIONS, &[("email", "dan@example.com")]).await.expect(403);
        cem.post("/admin/account", &[("org_name", "Mine")]).await.expect(403);
    }

    async fn invitations_are_sent_again_and_withdrawn(t: &Test) {
        signed_up(t, "ann").await;
        let (_, bob) = signed_up(t, "bob").await;
        let ann = Browser::signed_in(t, "ann").await;
        ann.post(INVITATIONS, &[("email", "cem@example.com")]).await.expect(303);
        let page = ann.get(INVITATIONS).await.expect(200).text;
        let path = page.split("action=\"").find_map(|part| part.split_once("/resend\"")).unwrap().0.to_owned();
        assert!(path.starts_with(INVITATIONS), "{path}");
        // Nobody else's admin can.
        let stranger = Browser::signed_in(t, "bob").await;
        stranger.post(&format!("{path}/resend"), &[]).await.expect(404);
        stranger.post(&format!("{path}/delete"), &[]).await.expect(404);
        ann.post(&format!("{path}/resend"), &[]).await.expect(303);
        let mails = waiting(t, "invitation").await;
        let visitor = Browser::new(t);
        visitor.get(&mails[0].link(t)).await.expect(410);
        visitor.get(&mails[1].link(t)).await.expect(200);
        ann.post(&format!("{path}/delete"), &[]).await.expect(303);
        visitor.get(&mails[1].link(t)).await.expect(410);
        // Whose address has a user already learns it on accepting, and nobody before.
        ann.post(INVITATIONS, &[("email", "bob@example.com")]).await.expect(303);
        let link = waiting(t, "invitation").await.last().unwrap().link(t);
        let reply = visitor.post(&link, &[("username", "bobby"), ("password", "correct horse")]).await.expect(422);
        assert!(reply.text.contains("belongs to a user already"), "{}", reply.text);
        t.app.db.pass_time(15 * 24 * 3_600_000);
        visitor.get(&link).await.expect(410);
        assert!(bob > 0);
    }

    async fn admins_change_and_remove_users(t: &Test) {
        let (account, ann_id) = signed_up(t, "ann").await;
        let (_, bob_id) = signed_up(t, "bob").await;
        let ann = Browser::signed_in(t, "ann").await;
        let cem = joined(t, &ann, "cem").await;
        let users = t.get(&format!("/admin/api/accounts/{account}/users.json")).await.expect(200);
        let cem_id = users.id("/users/1/user/id");
        // An account keeps an admin.
        for path in [format!("/admin/account/users/{ann_id}"), format!("/admin/account/users/{ann_id}/delete")] {
            ann.post(&path, &[("role", "member")]).await.expect(303);
            assert!(ann.get("/admin/account/users").await.text.contains("only admin"), "{path}");
        }
        for action in ["", "/delete"] {
            ann.post(&format!("/admin/account/users/{bob_id}{action}"), &[("role", "member")]).await.expect(404);
            cem.post(&format!("/admin/account/users/{ann_id}{action}"), &[("role", "member")]).await.expect(403);
        }
        ann.post(&format!("/admin/account/users/{cem_id}"), &[("role", "admin")]).await.expect(303);
        cem.get(INVITATIONS).await.expect(200);
        assert!(is_signed_in(&cem).await);
        ann.post(&format!("/admin/account/users/{cem_id}/delete"), &[]).await.expect(303);
        assert!(!is_signed_in(&cem).await);
        sign_in("cem", "correct horse", t).await.1.expect(422);
    }

    async fn the_account_is_changed_where_the_provider_lets_it(t: &Test) {
        let form = [("target", "Account"), ("name", "vat_id"), ("label", "VAT number"), ("required", "true")];
        t.post("/admin/api/fields_definitions.json", &form).await.expect(201);
        let (account, _) = signed_up(t, "ann").await;
        let ann = Browser::signed_in(t, "ann").await;
        assert!(ann.get("/admin/account").await.expect(200).text.contains("VAT number"));
        ann.get("/admin/account/edit").await.expect(200);
        for form in [&[("org_name", ""), ("vat_id", "1")][..], &[("org_name", "Acorn"), ("vat_id", "")]] {
            ann.post("/admin/account", form).await.expect(422);
        }
        ann.post("/admin/account", &[("org_name", "\"><script>"), ("vat_id", "AT1")]).await.expect(303);
        let page = ann.get("/admin/account").await.expect(200).text;
        assert!(page.contains("AT1") && page.contains("&lt;script&gt;") && !page.contains("\"><script>"), "{page}");
        let shown = t.get(&format!("/admin/api/accounts/{account}.json")).await.expect(200);
        assert_eq!(shown.at("/account/org_name"), "\"><script>");
        t.put("/admin/api/settings.json", &[("useraccountarea_enabled", "false")]).await.expect(200);
        for path in ["/admin/account/edit", INVITATIONS] {
            ann.get(path).await.expect(403);
        }
        ann.post("/admin/account", &[("org_name", "Acorn"), ("vat_id", "1")]).await.expect(403);
        ann.get("/admin/account").await.expect(200);
        ann.get(DETAILS).await.expect(200);
    }

    async fn a_password_is_changed_by_who_knows_it(t: &Test) {
        signed_up(t, "ann").await;
        let (ann, _) = sign_in("ann", "correct horse", t).await;
        let (elsewhere, _) = sign_in("ann", "correct horse", t).await;
        let path = format!("{DETAILS}/password");
        for form in [
            [("current_password", "wrong"), ("password", "battery staple")],
            [("current_password", "correct horse"), ("password", "short")],
        ] {
            ann.post(&path, &form).await.expect(422);
        }
        let form = [("current_password", "correct horse"), ("password", "battery staple")];
        assert_eq!(ann.post(&path, &form).await.location(), DETAILS);
        assert!(is_signed_in(&ann).await && !is_signed_in(&elsewhere).await);
        sign_in("ann", "correct horse", t).await.1.expect(422);
        sign_in("ann", "battery staple", t).await.1.expect(303);
        for _ in 0..10 {
            ann.post(&path, &[("current_password", "wrong"), ("password", "battery staple")]).await.expect(422);
        }
        ann.post(&path, &[("current_password", "battery staple"), ("password", "another one")]).await.expect(429);
    }

    async fn an_address_is_changed_by_who_knows_the_password(t: &Test) {
        signed_up(t, "ann").await;
        signed_up(t, "bob").await;
        let ann = Browser::signed_in(t, "ann").await;
        ann.post(DETAILS, &[("username", "anna"), ("email", "ann@example.com")]).await.expect(303);
        for form in [
            [("username", "anna"), ("email", "new@example.com"), ("confirm_password", "wrong")],
            [("username", "anna"), ("email", ""), ("confirm_password", "correct horse")],
            [("username", "anna"), ("email", "bob@example.com"), ("confirm_password", "correct horse")],
            [("username", "bob"), ("email", "ann@example.com"), ("confirm_password", "correct horse")],
        ] {
            ann.post(DETAILS, &form).await.expect(422);
        }
        let form = [("username", "anna"), ("email", "new@example.com"), ("confirm_password", "correct horse")];
        ann.post(DETAILS, &form).await.expect(303);
        sign_in("new@example.com", "correct horse", t).await.1.expect(303);
        sign_in("ann@example.com", "correct horse", t).await.1.expect(422);
    }

    async fn sessions_are_listed_and_ended(t: &Test) {
        signed_up(t, "ann").await;
        signed_up(t, "bob").await;
        let ann = Browser::signed_in(t, "ann").await;
        let phone = Browser::new(t);
        let form = [("username", "ann"), ("password", "correct horse")];
        let request = phone.request(reqwest::Method::POST, "/session").header("user-agent", "X (iPhone) Safari").form(&form);
        phone.send(request).await.expect(303);
        let (third, _) = sign_in("ann", "correct horse", t).await;
        let page = ann.get(DETAILS).await.expect(200).text;
        assert!(page.contains("Safari on iPhone") && page.contains("this one"), "{page}");
        let before = page.split("Safari on iPhone").nth(1).unwrap();
        let path = before.split("action=\"").find(|part| part.contains("/end\"")).unwrap().split('"').next().unwrap();
        Browser::signed_in(t, "bob").await.post(path, &[]).await.expect(303);
        assert!(is_signed_in(&phone).await, "sessions are ended by their own users");
        ann.post(path, &[]).await.expect(303);
        assert!(!is_signed_in(&phone).await && is_signed_in(&third).await);
        ann.post("/admin/account/sessions/end_others", &[]).await.expect(303);
        assert!(!is_signed_in(&third).await && is_signed_in(&ann).await);
        // And with time, all; then nothing of them is left.
        t.app.db.pass_time(15 * 24 * 3_600_000);
        assert!(!is_signed_in(&ann).await);
        tallygate::upkeep::forget_ended(&t.app).await.unwrap();
        let left: i64 = tallygate::on!(t.app.db, |c| sqlx::query_scalar("select count(*) from portal_session").fetch_one(c)).unwrap();
        assert_eq!(left, 0);
    }

    async fn messages_are_read_in_the_portal(t: &Test) {
        let (account, _) = signed_up(t, "ann").await;
        signed_up(t, "bob").await;
        let ann = Browser::signed_in(t, "ann").await;
        assert!(ann.get("/admin/messages").await.expect(200).text.contains("No messages"));
        let form = [("subject", "Hello \"><script>"), ("body", "first\nsecond")];
        t.post(&format!("/admin/api/accounts/{account}/messages.json"), &form).await.expect(201);
        let page = ann.get("/admin/messages").await.expect(200).text;
        assert!(page.contains("first\nsecond") && page.contains("Hello &quot;&gt;&lt;script&gt;"), "{page}");
        let bob = Browser::signed_in(t, "bob").await;
        assert!(bob.get("/admin/messages").await.expect(200).text.contains("No messages"));
    }

    async fn what_developers_write_is_in_the_audit_log(t: &Test) {
        let (_, ann_id) = signed_up(t, "ann").await;
        let (ann, _) = sign_in("ann", "correct horse", t).await;
        ann.post("/admin/account", &[("org_name", "")]).await.expect(422);
        ann.post("/admin/account", &[("org_name", "Acorn")]).await.expect(303);
        ann.post("/admin/account/password", &[("email", "ann@example.com")]).await.expect(303);
        let link = only_link(t, &waiting(t, "lost_password_email").await);
        Browser::new(t).post(&link, &[("password", "battery staple")]).await.expect(303);
        let log = t.get(&format!("/admin/api/audit_log.json?caller=developer&account_user_id={ann_id}")).await.expect(200);
        let entries = log.at("/audit_log");
        let entries: Vec<_> = entries.as_array().unwrap().iter().map(|entry| &entry["entry"]).collect();
        let shown: Vec<_> = entries.iter().map(|entry| (entry["path"].as_str().unwrap(), entry["status"].as_i64())).collect();
        assert_eq!(shown, [("/admin/account/password/[hidden]", Some(303)), ("/admin/account", Some(303)), ("/session", Some(303))]);
        for entry in entries {
            assert_eq!((&entry["caller"]["type"], &entry["caller"]["username"]), (&"developer".into(), &"ann".into()));
        }
        assert!(!log.text.contains("battery") && !log.text.contains("horse"));
        // Nobody was signed in, and it turned out who it is.
        let form = [("org_name", "Oak"), ("username", "eve"), ("email", "eve@oak.example"), ("password", "correct horse")];
        Browser::new(t).post("/signup", &form).await.expect(303);
        let newest = t.get("/admin/api/audit_log.json?caller=developer&per_page=1").await.expect(200);
        assert_eq!(newest.at("/audit_log/0/entry/path"), "/signup");
        assert_eq!(newest.at("/audit_log/0/entry/caller/username"), "eve");
    }
}
