//! What becomes of mails that cannot be sent, and of those that several control planes could.

use super::{Post, application, kept, product, sign_up};
use crate::support::{Test, both_databases};
use tallygate::app::App;
use tallygate::config::Config;
use tallygate::db::Handle;
use tallygate::demo::mail::{Answer, Sink};
use tallygate::mail::deliver::deliver;
use tallygate::secrets::Secrets;

const FAILURES: &str = "/admin/api/mail/failures.json";

/// Failures as the API lists them: template, address, error.
async fn failures(t: &Test) -> Vec<(String, String, String)> {
    let listed = t.get(FAILURES).await.expect(200).at("/failures");
    let text =
        |value: &serde_json::Value, name: &str| value["failure"][name].as_str().unwrap().to_owned();
    listed
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (text(one, "template"), text(one, "to"), text(one, "error")))
        .collect()
}

both_databases! {
    async fn a_server_that_is_down_gets_them_later(t: &Test) {
        let mut post = Post::start().await;
        let account = sign_up(t, "dev").await;
        let address = post.sink.address();
        drop(post.sink);
        assert_eq!(deliver(&t.app, &post.mailer).await.unwrap(), 1);
        assert_eq!(deliver(&t.app, &post.mailer).await.unwrap(), 0, "not at once");
        assert_eq!(kept(t).await, 1);
        assert_eq!(failures(t).await, []);
        post.sink = Sink::start(address, None).await.unwrap();
        post.sink.answer(Answer::Later);
        t.app.db.pass_time(60_000);
        assert_eq!(post.deliver(&t.app).await, 1);
        assert_eq!((kept(t).await, failures(t).await), (1, vec![]));
        post.sink.answer(Answer::Take);
        t.app.db.pass_time(120_000);
        assert_eq!(post.arrivals(&t.app).await, ["api@acme.example: Dev & Co signed up"]);
        assert_eq!(kept(t).await, 0);
        assert_eq!(account, 1);
    }

    async fn what_is_never_taken_is_listed_and_tried_again_on_request(t: &Test) {
        let post = Post::start().await;
        post.sink.answer(Answer::Never);
        sign_up(t, "dev").await;
        assert_eq!(post.deliver(&t.app).await, 1);
        let listed = failures(t).await;
        assert_eq!(listed.len(), 1);
        assert_eq!((listed[0].0.as_str(), listed[0].1.as_str()), ("account_messenger_new_signup", "api@acme.example"));
        assert!(listed[0].2.contains("550"), "{listed:?}");
        t.app.db.pass_time(7 * 24 * 60 * 60 * 1_000);
        assert_eq!(post.deliver(&t.app).await, 0, "given up");
        let xml = t.get("/admin/api/mail/failures.xml").await.expect(200).text;
        assert!(xml.contains("<failure><id>"), "{xml}");

        post.sink.answer(Answer::Take);
        t.put("/admin/api/mail/failures/retry.json", &[]).await.expect(200);
        assert_eq!(post.arrivals(&t.app).await, ["api@acme.example: Dev & Co signed up"]);
        assert_eq!(failures(t).await, []);

        post.sink.answer(Answer::Never);
        sign_up(t, "two").await;
        post.deliver(&t.app).await;
        t.delete(&format!("{FAILURES}?time=2020-01-01T00:00:00Z")).await.expect(200);
        assert_eq!(failures(t).await.len(), 1);
        t.delete(FAILURES).await.expect(200);
        assert_eq!((failures(t).await, kept(t).await), (vec![], 0));
    }

    async fn who_waits_too_long_is_given_up(t: &Test) {
        let post = Post::start().await;
        post.sink.answer(Answer::Later);
        sign_up(t, "dev").await;
        let mut attempts = 0;
        while failures(t).await.is_empty() {
            attempts += post.deliver(&t.app).await;
            t.app.db.pass_time(24 * 60 * 60 * 1_000);
            assert!(attempts < 20);
        }
        assert_eq!(attempts, 9);
    }

    async fn who_is_gone_gets_none(t: &Test) {
        let post = Post::start().await;
        let (_, bronze, _) = product(t).await;
        let account = sign_up(t, "dev").await;
        let (app, _) = application(t, account, bronze).await;
        post.arrivals(&t.app).await;
        t.put(&format!("{app}/suspend.json"), &[]).await.expect(200);
        t.delete(&format!("{app}.json")).await.expect(200);
        assert_eq!(post.arrivals(&t.app).await, [""; 0], "the application is gone");
        t.post(&format!("/admin/api/accounts/{account}/messages.json"), &[("body", "Hello")]).await.expect(201);
        t.delete(&format!("/admin/api/accounts/{account}.json")).await.expect(200);
        assert_eq!(post.arrivals(&t.app).await, [""; 0], "the account is gone");
        assert_eq!(kept(t).await, 0);
    }

    async fn each_is_sent_by_one_control_plane(t: &Test) {
        let post = Post::start().await;
        for n in 0..24 {
            sign_up(t, &format!("dev{n}")).await;
        }
        let mut apps = vec![t.app.clone(); 3];
        if matches!(t.app.db.handle(), Handle::Postgres(_)) {
            for app in &mut apps[1..] {
                *app = App::new(t.database.connect().await, Config::clone(&t.app.config), Secrets::new(&[7; 32]));
            }
        }
        let [one, two, three] = apps.try_into().unwrap();
        let (one, two, three) = tokio::join!(post.deliver(&one), post.deliver(&two), post.deliver(&three));
        assert_eq!(one + two + three, 24);
        let received = post.sink.received();
        let ids: std::collections::BTreeSet<String> = received.iter().map(|mail| mail.header("message-id")).collect();
        assert_eq!((received.len(), ids.len(), kept(t).await), (24, 24, 0));
    }
}
