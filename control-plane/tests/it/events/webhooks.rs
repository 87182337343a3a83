//! Webhooks: what is told, how it is signed, and what becomes of what cannot be delivered.

use super::sink::Sink;
use super::{entries, product};
use crate::support::client::send;
use crate::support::{Test, both_databases};
use axum::http::StatusCode;
use reqwest::Method;
use std::collections::BTreeSet;
use tallygate::app::App;
use tallygate::db::Handle;
use tallygate::secrets::{Secret, Secrets};
use tallygate::webhooks::deliver;
use tallygate::webhooks::send::{Delivery, Sender};
use tallygate::{events, on};

const SECRET: &str = "a-secret-that-receivers-know";
const WEBHOOKS: &str = "/admin/api/webhooks.json";
const FAILURES: &str = "/admin/api/webhooks/failures.json";

/// Has everything told to a sink, what tokens do included.
async fn tell(t: &Test, sink: &Sink) {
    let mut form: Vec<(&str, &str)> = vec![
        ("url", &sink.url),
        ("active", "true"),
        ("provider_actions", "true"),
        ("secret", SECRET),
    ];
    form.extend(events::ALL.iter().map(|event| (event.switch, "true")));
    t.put(WEBHOOKS, &form).await.expect(200);
}

/// Delivers all that is due.
async fn deliver_all(app: &App) -> usize {
    let sender = Sender::new(true);
    let mut tried = 0;
    loop {
        match deliver(app, &sender).await.unwrap() {
            0 => return tried,
            n => tried += n,
        }
    }
}

async fn waiting(t: &Test) -> i64 {
    on!(t.app.db, |c| sqlx::query_scalar(
        "select count(*) from webhook_event"
    )
    .fetch_one(c))
    .unwrap()
}

/// Signs somebody up by the test's token: the account's path, and its application's if it has one.
async fn sign_up(t: &Test, username: &str, plan: Option<&str>) -> (String, String) {
    let email = format!("{username}@example.com");
    let mut form = vec![
        ("org_name", username),
        ("username", username),
        ("email", &email),
        ("password", "correct horse"),
    ];
    form.extend(plan.map(|plan| ("application_plan_id", plan)));
    let account = t.post("/admin/api/signup.json", &form).await.expect(201);
    let path = format!("/admin/api/accounts/{}", account.id("/account/id"));
    let application = account
        .value()
        .pointer("/account/applications/0/application/id")
        .cloned()
        .unwrap_or_default();
    let application = format!("{path}/applications/{application}");
    (path, application)
}

async fn plan(t: &Test, product: &str, name: &str) -> String {
    let plan = t
        .post(
            &format!("{product}/application_plans.json"),
            &[("name", name)],
        )
        .await
        .expect(201);
    plan.id("/application_plan/id").to_string()
}

/// A call, its form, and what it has webhooks told.
type Step<'a> = (Method, String, &'a [(&'a str, &'a str)], &'a [&'a str]);

both_databases! {
    async fn what_happens_to_developers_is_told(t: &Test) {
        let sink = Sink::start().await;
        tell(t, &sink).await;
        let product = product(t, "Mail").await;
        let (bronze, gold) = (plan(t, &product, "Bronze").await, plan(t, &product, "Gold").await);
        deliver_all(&t.app).await;
        assert_eq!(sink.what(), Vec::<String>::new(), "products are nobody's business");

        let (account, application) = sign_up(t, "dev", Some(&bronze)).await;
        deliver_all(&t.app).await;
        assert_eq!(sink.what(), ["account created", "application created", "user created"]);

        let user = t.post(&format!("{account}/users.json"), &[("username", "two"), ("email", "two@example.com"), ("password", "correct horse")])
            .await.expect(201).id("/user/id");
        let user = format!("{account}/users/{user}");
        deliver_all(&t.app).await;
        assert_eq!(sink.what(), ["user created"]);

        let account_plans = ["account updated"];
        let steps: [Step<'_>; 14] = [
            (Method::PUT, account.clone(), &[("org_name", "Other")], &account_plans),
            (Method::PUT, format!("{account}/suspend"), &[], &["account updated"]),
            (Method::PUT, format!("{account}/resume"), &[], &["account updated"]),
            (Method::PUT, user.clone(), &[("username", "zwei")], &["user updated"]),
            (Method::PUT, format!("{user}/activate"), &[], &["user updated"]),
            (Method::PUT, format!("{user}/admin"), &[], &["user updated"]),
            (Method::DELETE, user.clone(), &[], &["user deleted"]),
            (Method::PUT, application.clone(), &[("name", "Other")], &["application updated"]),
            (Method::PUT, format!("{application}/suspend"), &[], &["application suspended"]),
            (Method::PUT, format!("{application}/resume"), &[], &["application updated"]),
            (Method::PUT, format!("{application}/change_plan"), &[("plan_id", &gold)], &["application plan_changed"]),
            (Method::POST, format!("{application}/keys"), &[("key", "one-more-key")], &["application key_created"]),
            (Method::DELETE, format!("{application}/keys/one-more-key"), &[], &["application key_deleted"]),
            (Method::DELETE, account.clone(), &[], &["account deleted", "application deleted", "user deleted"]),
        ];
        for (method, path, form, told) in steps {
            let request = t.request(method.clone(), &format!("{path}.json")).basic_auth("", Some(&t.token)).form(form);
            let reply = send(request).await;
            assert!(reply.status.is_success(), "{method} {path}: {}", reply.text);
            deliver_all(&t.app).await;
            assert_eq!(sink.what(), told, "{method} {path}");
        }
        assert_eq!(waiting(t).await, 0);
    }

    async fn deliveries_are_signed_and_say_what_it_is_about(t: &Test) {
        let sink = Sink::start().await;
        tell(t, &sink).await;
        let product = product(t, "Mail").await;
        let plan = plan(t, &product, "Bronze").await;
        sign_up(t, "dev", Some(&plan)).await;
        assert_eq!(deliver_all(&t.app).await, 3);
        let received = sink.received();
        for one in &received {
            assert!(one.is_signed_with(SECRET), "{one:?}");
            assert!(!one.is_signed_with("another-secret-of-theirs"), "{one:?}");
            assert_eq!(one.header("content-type"), "application/xml; charset=utf-8");
            assert_eq!(one.path, "/events");
            assert!(one.body.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<event><action>created</action><type>"), "{}", one.body);
            let kind = one.element("type");
            assert!(one.body.contains(&format!("</type><object><{kind}><id>")), "{}", one.body);
        }
        let ids: BTreeSet<&str> = received.iter().map(|one| one.event_id()).collect();
        assert_eq!(ids.len(), 3);
        let account = received.iter().find(|one| one.element("type") == "account").unwrap();
        assert_eq!(account.element("org_name"), "dev");
        let application = received.iter().find(|one| one.element("type") == "application").unwrap();
        assert_eq!(application.element("key").len(), 32, "{}", application.body);
        // At rest it is sealed, and the log does not show the webhook's secret.
        let log = serde_json::to_string(&entries(t, "/admin/api/webhooks").await).unwrap();
        assert!(!log.contains(SECRET), "{log}");
    }

    async fn only_what_the_provider_wants_is_told(t: &Test) {
        let sink = Sink::start().await;
        // Before anything is set.
        sign_up(t, "first", None).await;
        tell(t, &sink).await;
        for (n, (form, told)) in [
            (&[("provider_actions", "false")], 0), (&[("provider_actions", "true")], 2), (&[("active", "false")], 0),
            (&[("active", "true")], 2), (&[("account_created_on", "false")], 1), (&[("user_created_on", "0")], 0),
        ].into_iter().enumerate() {
            t.put(WEBHOOKS, form).await.expect(200);
            sign_up(t, &format!("user{n}"), None).await;
            assert_eq!(waiting(t).await, told, "{form:?}");
            deliver_all(&t.app).await;
        }
        tell(t, &sink).await;
        sink.received();
        // What is done with the provider key is nobody's action.
        let form = [
            ("provider_key", t.provider_key.as_str()), ("org_name", "key"), ("username", "by_key"), ("email", "key@example.com"), ("password", "correct horse"),
        ];
        send(t.request(Method::POST, "/admin/api/signup.json").form(&form)).await.expect(201);
        // What was refused did not happen.
        t.post("/admin/api/signup.json", &[("org_name", "x"), ("username", "by_key"), ("email", "x@example.com"), ("password", "correct horse")])
            .await.expect(422);
        t.delete("/admin/api/accounts/999.json").await.expect(404);
        assert_eq!(waiting(t).await, 0);
    }

    async fn what_is_not_taken_is_tried_again_and_then_listed(t: &Test) {
        let sink = Sink::start().await;
        tell(t, &sink).await;
        t.put(WEBHOOKS, &[("user_created_on", "false")]).await.expect(200);
        sign_up(t, "dev", None).await;
        sink.answer_with(StatusCode::SERVICE_UNAVAILABLE);
        let mut ids = BTreeSet::new();
        let mut attempts = 0;
        for wait_secs in [10, 30, 120, 600, 1_800, 7_200, 21_600] {
            assert_eq!(deliver_all(&t.app).await, 1);
            assert_eq!(deliver_all(&t.app).await, 0, "not at once");
            let received = sink.received();
            attempts += received.len();
            ids.extend(received.into_iter().map(|one| one.event_id().to_owned()));
            assert!(t.get(FAILURES).await.expect(200).at("/webhooks-failures").as_array().unwrap().is_empty());
            t.app.db.pass_time(wait_secs * 1_000 * 6 / 5 + 1);
        }
        assert_eq!(deliver_all(&t.app).await, 1);
        t.app.db.pass_time(1_000_000_000);
        assert_eq!(deliver_all(&t.app).await, 0, "given up");
        assert_eq!((attempts, ids.len()), (7, 1));

        let failures = t.get(FAILURES).await.expect(200);
        let failure = failures.at("/webhooks-failures/0/webhooks-failure");
        assert_eq!(failure["id"], ids.first().unwrap().as_str());
        assert_eq!(failure["url"], sink.url.as_str());
        assert_eq!(failure["error"], "answered with 503 Service Unavailable");
        assert!(failure["event"].as_str().unwrap().contains("<org_name>dev</org_name>"), "{failure}");
        let xml = t.get("/admin/api/webhooks/failures.xml").await.expect(200).text;
        assert!(xml.contains("<webhooks-failures type=\"array\"><webhooks-failure><id>evt_"), "{xml}");
        // Only what had failed by then.
        t.delete("/admin/api/webhooks/failures.json?time=2026-01-01").await.expect(200);
        assert_eq!(t.get(FAILURES).await.at("/webhooks-failures").as_array().unwrap().len(), 1);
        let time = failure["time"].as_str().unwrap();
        t.delete(&format!("/admin/api/webhooks/failures.xml?time={time}")).await.expect(200);
        assert!(t.get(FAILURES).await.at("/webhooks-failures").as_array().unwrap().is_empty());
        t.delete("/admin/api/webhooks/failures.json?time=soon").await.expect(422);

        // A receiver that is back gets what waits, as it was.
        sign_up(t, "other", None).await;
        assert_eq!(deliver_all(&t.app).await, 1);
        sink.answer_with(StatusCode::NO_CONTENT);
        t.app.db.pass_time(13_000);
        assert_eq!(deliver_all(&t.app).await, 1);
        let received = sink.received();
        assert_eq!(received[received.len() - 1].event_id(), received[received.len() - 2].event_id());
        assert!(received.last().unwrap().is_signed_with(SECRET));
        assert_eq!(waiting(t).await, 0);
    }

    async fn redirects_are_not_followed(t: &Test) {
        let sink = Sink::start().await;
        tell(t, &sink).await;
        sign_up(t, "dev", None).await;
        sink.answer_with(StatusCode::TEMPORARY_REDIRECT);
        deliver_all(&t.app).await;
        let paths: BTreeSet<String> = sink.received().into_iter().map(|one| one.path).collect();
        assert_eq!(paths, BTreeSet::from(["/events".to_owned()]));
        assert_eq!(waiting(t).await, 2, "and not taken for delivered");
    }

    async fn of_several_control_planes_one_delivers_each(t: &Test) {
        let sink = Sink::start().await;
        tell(t, &sink).await;
        for n in 0..10 {
            sign_up(t, &format!("dev{n}"), None).await;
        }
        let mut apps = vec![t.app.clone(), t.app.clone()];
        if matches!(t.app.db.handle(), Handle::Postgres(_)) {
            let other = || async { App::new(t.database.connect().await, tallygate::config::Config::clone(&t.app.config), Secrets::new(&[7; 32])) };
            apps.extend([other().await, other().await]);
        }
        let mut at_work = tokio::task::JoinSet::new();
        for app in apps {
            at_work.spawn(async move { deliver_all(&app).await });
        }
        let tried: usize = at_work.join_all().await.into_iter().sum();
        // Whoever found all claimed by others stopped early.
        let tried = tried + deliver_all(&t.app).await;
        let received = sink.received();
        let ids: BTreeSet<&str> = received.iter().map(|one| one.event_id()).collect();
        assert_eq!((tried, received.len(), ids.len()), (20, 20, 20));
        assert_eq!(waiting(t).await, 0);
    }

    async fn one_that_dies_over_an_event_is_stood_in_for(t: &Test) {
        let sink = Sink::start().await;
        tell(t, &sink).await;
        sign_up(t, "dev", None).await;
        // Claimed, and never heard of again.
        let mut tx = t.app.db.begin().await.unwrap();
        let now_ms = tx.now_ms().await.unwrap();
        for due in tallygate::store::webhook_events::due(&mut tx, now_ms, 8).await.unwrap() {
            assert!(tallygate::store::webhook_events::claim(&mut tx, &due, now_ms + 90_000).await.unwrap());
            assert!(!tallygate::store::webhook_events::claim(&mut tx, &due, now_ms + 90_000).await.unwrap());
        }
        tx.commit().await.unwrap();
        assert_eq!(deliver_all(&t.app).await, 0);
        t.app.db.pass_time(90_001);
        assert_eq!(deliver_all(&t.app).await, 2);
    }

    async fn settings_are_checked(t: &Test) {
        let shown = t.get(WEBHOOKS).await.expect(200);
        assert_eq!(shown.at("/webhook/url"), "");
        assert_eq!(shown.at("/webhook/active"), false);
        for (form, field) in [
            ([("active", "true")], "url"), ([("url", "ftp://example.com")], "url"), ([("url", "x")], "url"),
            ([("url", "https://me:pw@example.com")], "url"), ([("active", "perhaps")], "active"), ([("secret", "short")], "secret"),
            ([("user_created_on", "maybe")], "user_created_on"),
        ] {
            assert_eq!(t.put(WEBHOOKS, &form).await.expect(422).complaints(), [field], "{form:?}");
        }
        let long = format!("https://example.com/{}", "x".repeat(2_000));
        t.put(WEBHOOKS, &[("url", &long)]).await.expect(422);
        assert_eq!(t.get(WEBHOOKS).await.at("/webhook/created_at"), serde_json::Value::Null, "refused writes leave nothing");
        let reply = t.put("/admin/api/webhooks.xml", &[("url", "https://example.com/events"), ("active", "1"), ("application_suspended_on", "on")]).await.expect(200);
        assert!(reply.text.contains("<application_suspended_on>true</application_suspended_on>"), "{}", reply.text);
        let shown = t.get(WEBHOOKS).await.expect(200);
        assert_eq!(shown.at("/webhook/application_suspended_on"), true);
        assert_eq!(shown.at("/webhook/account_created_on"), false);
        let secret = shown.at("/webhook/secret");
        let changed = t.put(WEBHOOKS, &[("secret", ""), ("active", "false")]).await.expect(200);
        assert_ne!(changed.at("/webhook/secret"), secret);
        assert_eq!(changed.at("/webhook/url"), "https://example.com/events");
        assert_eq!(changed.at("/webhook/application_suspended_on"), true);
    }
}

/// The network is ours, the address is theirs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn private_addresses_are_not_called() {
    let sink = Sink::start().await;
    let by_name = sink.url.replace("127.0.0.1", "localhost");
    for url in [
        sink.url.clone(),
        by_name,
        sink.url.replace("127.0.0.1", "[::ffff:127.0.0.1]"),
    ] {
        let delivery = Delivery {
            url: url.clone(),
            event_id: "evt_1".into(),
            sent_at_secs: 0,
            body: Secret::new("<event/>"),
            secret: Secret::new(SECRET),
        };
        let refused = Sender::new(false).send(delivery).await.unwrap_err();
        assert!(refused.contains("private"), "{url}: {refused}");
    }
    assert!(sink.received().is_empty());
}
