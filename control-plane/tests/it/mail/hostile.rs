//! What developers type cannot add a header, a recipient or markup.

use super::{Post, application, product};
use crate::support::{Test, both_databases};
use tallygate::mail::{self, Kind, Mail, To};
use tallygate::secrets::Secret;

const HOSTILE: &str = "Acme\r\nBcc: victim@example.com\r\n\r\n<script>{{ provider.name }}";

both_databases! {
    async fn values_stay_where_they_are_put(t: &Test) {
        let post = Post::start().await;
        let (_, bronze, _) = product(t).await;
        let form = [("org_name", HOSTILE), ("username", "dev"), ("email", "dev@dev.example"), ("password", "correct horse")];
        let signed_up = t.post("/admin/api/signup.json", &form).await;
        let account = if signed_up.status == 201 {
            signed_up.id("/account/id")
        } else {
            let plain: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, if *name == "org_name" { "Dev" } else { value })).collect();
            t.post("/admin/api/signup.json", &plain).await.expect(201).id("/account/id")
        };
        let (_, app) = application(t, account, bronze).await;
        // Whatever the API lets through, and whatever came in before it looked.
        let mut tx = t.app.db.begin().await.unwrap();
        for sql in ["update account set org_name = $1", "update application set name = $1", "update product set name = $1", "update provider set name = $1"] {
            tallygate::run!(tx, |c| sqlx::query(sql).bind(HOSTILE).execute(c)).unwrap();
        }
        mail::about_application(&mut tx, Kind::KeyCreated, account, app).await.unwrap();
        let product_id = None;
        mail::record(&mut tx, Mail::new(Kind::NewApplication, To::Provider { product_id }).application(app)).await.unwrap();
        let invitation = Mail::new(Kind::Invitation, To::Address("new@dev.example")).account(account);
        mail::record(&mut tx, invitation.url(&Secret::new("https://x.example/\r\nBcc: y@example.com"))).await.unwrap();
        tx.commit().await.unwrap();

        post.deliver(&t.app).await;
        let received = post.sink.received();
        assert_eq!(received.len(), 4, "with that of the signup");
        for mail in received {
            assert_eq!(mail.to.len(), 1);
            assert_eq!(mail.headers("bcc"), [""; 0], "{}", mail.raw);
            for name in ["from", "to", "subject", "message-id", "date"] {
                assert_eq!(mail.headers(name).len(), 1, "{name}: {}", mail.raw);
            }
            assert!(!mail.text().lines().any(|line| line.starts_with("Bcc:")), "{}", mail.text());
            // It is text: nothing is escaped, and nothing that was typed is a template.
            if mail.to != ["api@acme.example"] {
                assert!(mail.text().contains("<script>{{ provider.name }}"), "{}", mail.text());
            }
        }
    }

    async fn addresses_that_no_server_takes_are_listed(t: &Test) {
        let post = Post::start().await;
        let mut tx = t.app.db.begin().await.unwrap();
        for address in ["a@b.example\r\nRCPT TO:<victim@example.com>", "no address", "a@b.example, victim@example.com"] {
            let mail = Mail::new(Kind::Invitation, To::Address(address)).url(&Secret::new("https://x.example/"));
            mail::record(&mut tx, mail.account(1)).await.unwrap();
        }
        tx.commit().await.unwrap();
        let form = [("org_name", "Dev"), ("username", "dev"), ("password", "correct horse")];
        t.post("/admin/api/signup.json", &form).await.expect(201);
        post.deliver(&t.app).await;
        let received = post.sink.received();
        assert_eq!(received.len(), 1, "{received:?}");
        assert_eq!(received[0].to, ["api@acme.example"]);
    }
}
