//! E-mails: what is mailed to whom, how it is written, and what becomes of what cannot be sent.

mod alerts;
mod happenings;
mod hostile;
mod kinds;
mod outbox;

use crate::support::Test;
use std::net::SocketAddr;
use tallygate::app::App;
use tallygate::demo::mail::{Received, Sink};
use tallygate::mail::deliver::deliver;
use tallygate::mail::smtp::Mailer;
use tallygate::on;
use tallygate::secrets::Secret;

/// A mail server, and what sends to it.
struct Post {
    sink: Sink,
    mailer: Mailer,
}

impl Post {
    async fn start() -> Self {
        let sink = Sink::start(SocketAddr::from(([127, 0, 0, 1], 0)), None)
            .await
            .unwrap();
        let mailer = Mailer::new(&Secret::new(sink.url())).unwrap();
        Self { sink, mailer }
    }

    /// Tries all that is due. Returns how many were tried.
    async fn deliver(&self, app: &App) -> usize {
        let mut tried = 0;
        loop {
            match deliver(app, &self.mailer).await.unwrap() {
                0 => return tried,
                n => tried += n,
            }
        }
    }

    /// What arrives of what is due: whom to, and about what; sorted.
    async fn arrivals(&self, app: &App) -> Vec<String> {
        self.deliver(app).await;
        let mut arrivals: Vec<String> = self
            .sink
            .received()
            .iter()
            .map(|mail| format!("{}: {}", mail.to.join(" "), mail.header("subject")))
            .collect();
        arrivals.sort();
        arrivals
    }

    /// The one mail that is due.
    async fn one(&self, app: &App) -> Received {
        self.deliver(app).await;
        let mut received = self.sink.received();
        assert_eq!(received.len(), 1, "{received:#?}");
        received.remove(0)
    }
}

/// How many mails are in the outbox, in any state.
async fn kept(t: &Test) -> i64 {
    on!(t.app.db, |c| sqlx::query_scalar(
        "select count(*) from mail"
    )
    .fetch_one(c))
    .unwrap()
}

/// A product with the plans Bronze and Gold: their ids.
async fn product(t: &Test) -> (i64, i64, i64) {
    let form = [("name", "Mail API"), ("backend_version", "2")];
    let product = t
        .post("/admin/api/services.json", &form)
        .await
        .expect(201)
        .id("/service/id");
    let bronze = plan(t, product, &[("name", "Bronze")]).await;
    let gold = plan(t, product, &[("name", "Gold")]).await;
    (product, bronze, gold)
}

async fn plan(t: &Test, product: i64, form: &[(&str, &str)]) -> i64 {
    let path = format!("/admin/api/services/{product}/application_plans.json");
    t.post(&path, form)
        .await
        .expect(201)
        .id("/application_plan/id")
}

/// Signs somebody up as `NAME` with `NAME@dev.example`: the account.
async fn sign_up(t: &Test, name: &str) -> i64 {
    let email = format!("{name}@dev.example");
    let form = [
        ("org_name", "Dev & Co"),
        ("username", name),
        ("email", &email),
        ("password", "correct horse"),
    ];
    t.post("/admin/api/signup.json", &form)
        .await
        .expect(201)
        .id("/account/id")
}

/// An application of the account: its path, and its id.
async fn application(t: &Test, account: i64, plan: i64) -> (String, i64) {
    let path = format!("/admin/api/accounts/{account}/applications");
    let plan = plan.to_string();
    let form = [
        ("plan_id", plan.as_str()),
        ("name", "Newsletter"),
        ("description", "-"),
    ];
    let id = t
        .post(&format!("{path}.json"), &form)
        .await
        .expect(201)
        .id("/application/id");
    (format!("{path}/{id}"), id)
}
