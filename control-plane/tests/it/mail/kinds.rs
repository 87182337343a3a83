//! Every kind of mail arrives, once, and says what it should.

use super::{Post, application, kept, product, sign_up};
use crate::support::{Test, both_databases};
use std::collections::BTreeSet;
use tallygate::mail::kind::ALL;
use tallygate::mail::{self, Kind, Mail, To};
use tallygate::on;
use tallygate::secrets::Secret;
use tallygate::store::alerts::{self, NewAlert};
use tallygate::store::messages;

const LINK: &str = "https://portal.example/once/0123456789abcdef0123456789abcdef0123456789abcdef";

both_databases! {
    async fn every_kind_is_written(t: &Test) {
        let post = Post::start().await;
        let (product, bronze, gold) = product(t).await;
        let account = sign_up(t, "dev").await;
        let (_, app) = application(t, account, bronze).await;
        post.arrivals(&t.app).await;
        let user: i64 = on!(t.app.db, |c| sqlx::query_scalar("select id from account_user").fetch_one(c)).unwrap();
        let metric: i64 = on!(t.app.db, |c| sqlx::query_scalar("select min(id) from metric").fetch_one(c)).unwrap();

        let mut tx = t.app.db.begin().await.unwrap();
        let message = messages::insert(&mut tx, account, "Maintenance", "On Sunday.\nAll day.").await.unwrap();
        let alert = NewAlert { application_id: app, metric_id: metric, period: "day", window_start: 0, level: 80, used: 81, limit_value: 100 };
        let alert = alerts::raise(&mut tx, alert).await.unwrap().unwrap();
        for (kind, _) in ALL {
            let admins = Mail::new(*kind, To::Admins(account));
            let about = admins.clone().application(app);
            let product_id = Some(product);
            let news = Mail::new(*kind, To::Provider { product_id }).account(account).user(user);
            let mail = match kind {
                Kind::SignupNotification | Kind::LostPassword => Mail::new(*kind, To::User(user)).url(&Secret::new(LINK)),
                Kind::Invitation => Mail::new(*kind, To::Address("new@dev.example")).account(account).url(&Secret::new(LINK)),
                Kind::AccountConfirmed | Kind::AccountApproved | Kind::AccountRejected => admins,
                Kind::Message => admins.message(message),
                Kind::ApplicationRejected => admins.text("application_name", "Newsletter").text("service_name", "Mail API"),
                Kind::PlanChangeRequestMade => about.plan(gold),
                Kind::LimitAlert | Kind::LimitViolation => about.alert(alert),
                Kind::NewAccount => news,
                Kind::NewApplication => news.application(app),
                Kind::PlanChangeRequested => news.application(app).plan(gold),
                Kind::LimitAlertToProvider | Kind::LimitViolationToProvider => news.application(app).alert(alert),
                _ => about,
            };
            mail::record(&mut tx, mail).await.unwrap();
        }
        tx.commit().await.unwrap();
        let sealed: Vec<Vec<u8>> = on!(t.app.db, |c| sqlx::query_scalar("select texts from mail where texts is not null").fetch_all(c)).unwrap();
        assert_eq!(sealed.len(), 4);
        assert!(sealed.iter().all(|texts| !String::from_utf8_lossy(texts).contains("once/0123")), "links are kept sealed");

        post.deliver(&t.app).await;
        let received = post.sink.received();
        assert_eq!(received.len(), ALL.len());
        assert_eq!(kept(t).await, 0);
        let subjects: BTreeSet<String> = received.iter().map(|mail| mail.header("subject")).collect();
        assert_eq!(subjects.len(), ALL.len(), "each has its own: {subjects:#?}");
        let ids: BTreeSet<String> = received.iter().map(|mail| mail.header("message-id")).collect();
        assert_eq!(ids.len(), ALL.len());
        let mut links = 0;
        for mail in &received {
            let text = mail.text().trim_end().to_owned();
            let subject = mail.header("subject");
            assert!(!subject.is_empty() && !subject.contains("{{") && !text.contains("{{") && !text.contains("{%"), "{mail:?}");
            assert!(text.contains("Acme") || mail.to == ["api@acme.example"], "{text}");
            assert!(!text.contains("  \n") && !text.contains("\n\n\n") && !text.contains("&amp;"), "{text}");
            assert_eq!(mail.header("auto-submitted"), "auto-generated");
            assert_eq!(mail.header("content-type"), "text/plain; charset=utf-8");
            assert_eq!(mail.header("from"), "Acme <api@acme.example>");
            assert_eq!(mail.from, "api@acme.example");
            let to = mail.to.join(" ");
            assert!(["dev@dev.example", "new@dev.example", "api@acme.example"].contains(&to.as_str()), "{to}");
            links += usize::from(text.lines().any(|line| line == LINK));
            if ["dev@dev.example", "new@dev.example"].contains(&to.as_str()) {
                assert!(text.contains(&t.portal), "{text}");
            }
        }
        assert_eq!(links, 3, "each link stands on a line of its own");
        let text_of = |subject: &str| received.iter().find(|mail| mail.header("subject") == subject).unwrap().text();
        let told = text_of("Newsletter has used 80 % of a limit");
        assert!(told.contains("hits per day: 81/100") && told.contains(&format!("{}/admin/alerts", t.portal)), "{told}");
        let told = text_of("You asked for the plan Gold");
        assert!(told.contains("stays on Bronze") && told.contains(&format!("{}/admin/applications/{app}", t.portal)), "{told}");
        assert!(text_of("Maintenance").contains("On Sunday.\nAll day."));
    }

    async fn senders_are_the_providers_choice_and_the_operators(t: &Test) {
        let post = Post::start().await;
        sign_up(t, "dev").await;
        post.arrivals(&t.app).await;
        let told = async || {
            let mut tx = t.app.db.begin().await.unwrap();
            let user = To::Address("a@b.example");
            mail::record(&mut tx, Mail::new(Kind::Invitation, user).account(1).url(&Secret::new(LINK))).await.unwrap();
            tx.commit().await.unwrap();
        };
        t.put("/admin/api/provider.json", &[("support_email", "help@acme.example"), ("from_email", "noreply@acme.example")]).await.expect(200);
        told().await;
        let mail = post.one(&t.app).await;
        assert_eq!((mail.header("from").as_str(), mail.header("reply-to").as_str()), ("Acme <noreply@acme.example>", "Acme <help@acme.example>"));
        assert!(mail.header("message-id").ends_with("@acme.example>"));

        let mut app = t.app.clone();
        let config = tallygate::config::Config { mail_from: "Bounces <bounces@host.example>".parse().ok(), ..(*app.config).clone() };
        app.config = std::sync::Arc::new(config);
        told().await;
        let mail = post.one(&app).await;
        assert_eq!((mail.header("from").as_str(), mail.from.as_str()), ("Acme <noreply@acme.example>", "bounces@host.example"));
        t.put("/admin/api/provider.json", &[("from_email", "")]).await.expect(200);
        told().await;
        assert_eq!(post.one(&app).await.header("from"), "Bounces <bounces@host.example>");
    }
}
