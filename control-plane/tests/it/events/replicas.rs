//! Two control planes on one database, written to at once: nothing is lost, nothing is there twice, and `If-Match` means
//! what it says.

use super::{entries, product};
use crate::support::client::{Reply, send};
use crate::support::{Test, both_databases};
use reqwest::Method;
use std::collections::BTreeSet;
use tallygate::app::App;
use tallygate::config::Config;
use tallygate::db::Handle;
use tallygate::router;
use tallygate::secrets::Secrets;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Another control plane on the same database: where it listens. A SQLite file has one.
async fn replica(t: &Test) -> String {
    if matches!(t.app.db.handle(), Handle::Sqlite(_)) {
        return t.admin.clone();
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let admin = format!("http://{}", listener.local_addr().unwrap());
    let config = Config {
        admin_url: t.admin.clone(),
        ..Config::clone(&t.app.config)
    };
    let app = App::new(t.database.connect().await, config, Secrets::new(&[7; 32]));
    let router = router::admin(&app);
    tokio::spawn(async move { axum::serve(listener, router).await });
    admin
}

/// A client of one of them.
#[derive(Clone)]
struct Client {
    http: reqwest::Client,
    admin: String,
    token: String,
}

impl Client {
    async fn send(
        &self,
        method: Method,
        path: &str,
        tag: Option<&str>,
        form: &[(&str, &str)],
    ) -> Reply {
        let mut request = self
            .http
            .request(method.clone(), format!("{}{path}", self.admin))
            .basic_auth("", Some(&self.token));
        if let Some(tag) = tag {
            request = request.header("if-match", tag);
        }
        send(if method == Method::GET {
            request
        } else {
            request.form(form)
        })
        .await
    }
}

/// Clients, every other one of the other control plane.
async fn clients(t: &Test, count: usize) -> Vec<Client> {
    let admins = [t.admin.clone(), replica(t).await];
    let client = |n: usize| Client {
        http: t.http.clone(),
        admin: admins[n % 2].clone(),
        token: t.token.clone(),
    };
    (0..count).map(client).collect()
}

both_databases! {
    async fn no_update_is_lost(t: &Test) {
        const EACH: usize = 4;
        let path = product(t, "Counter").await;
        t.put(&format!("{path}.json"), &[("description", "0")]).await.expect(200);
        let mut at_work = JoinSet::new();
        for client in clients(t, 6).await {
            let target = format!("{path}.json");
            at_work.spawn(async move {
                let mut refused = 0;
                let mut done = 0;
                while done < EACH {
                    let read = client.send(Method::GET, &target, None, &[]).await.expect(200);
                    let tag = read.headers["etag"].to_str().unwrap().to_owned();
                    let count: usize = read.at("/service/description").as_str().unwrap().parse().unwrap();
                    let next = (count + 1).to_string();
                    let reply = client.send(Method::PUT, &target, Some(&tag), &[("description", &next)]).await;
                    match reply.status.as_u16() {
                        200 => done += 1,
                        412 => refused += 1,
                        other => panic!("{other}: {}", reply.text),
                    }
                }
                refused
            });
        }
        let refused: usize = at_work.join_all().await.into_iter().sum();
        let count = t.get(&format!("{path}.json")).await.expect(200).at("/service/description");
        assert_eq!(count, (6 * EACH).to_string());
        assert!(refused > 0, "they never met");
        // The log says the same, and each entry goes on where the one before it ended.
        let log = entries(t, &path).await;
        assert_eq!(log.len(), 6 * EACH + 1);
        for pair in log.windows(2) {
            assert_eq!(pair[0]["after"], pair[1]["before"]);
        }
    }

    async fn of_many_with_the_same_tag_one_writes(t: &Test) {
        let path = product(t, "Mail").await;
        let target = format!("{path}.json");
        let tag = t.get(&target).await.expect(200).headers["etag"].to_str().unwrap().to_owned();
        let mut at_work = JoinSet::new();
        for (n, client) in clients(t, 8).await.into_iter().enumerate() {
            let (target, tag) = (target.clone(), tag.clone());
            at_work.spawn(async move {
                let name = format!("Mail {n}");
                client.send(Method::PUT, &target, Some(&tag), &[("name", &name)]).await.status.as_u16()
            });
        }
        let mut statuses = at_work.join_all().await;
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412, 412, 412, 412, 412, 412, 412]);
    }

    async fn nothing_is_made_twice(t: &Test) {
        let mut at_work = JoinSet::new();
        for client in clients(t, 8).await {
            at_work.spawn(async move {
                let service = client.send(Method::POST, "/admin/api/services.json", None, &[("name", "Mail"), ("system_name", "mail")]).await;
                let form = [("org_name", "Dev"), ("username", "dev"), ("email", "dev@example.com"), ("password", "correct horse")];
                let account = client.send(Method::POST, "/admin/api/signup.json", None, &form).await;
                (service.status.as_u16(), account.status.as_u16())
            });
        }
        let statuses = at_work.join_all().await;
        for which in [statuses.iter().map(|pair| pair.0).collect::<Vec<_>>(), statuses.iter().map(|pair| pair.1).collect()] {
            assert_eq!(which.iter().filter(|status| **status == 201).count(), 1, "{which:?}");
            let others: BTreeSet<u16> = which.into_iter().filter(|status| *status != 201).collect();
            assert_eq!(others, BTreeSet::from([422]));
        }
        assert_eq!(t.get("/admin/api/services.json").await.at("/services").as_array().unwrap().len(), 1);
        assert_eq!(t.get("/admin/api/accounts.json").await.at("/accounts").as_array().unwrap().len(), 1);
    }
}
