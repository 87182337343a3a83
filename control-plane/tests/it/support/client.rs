//! A running server and a client that is allowed everything.

use super::contract;
use super::database::{Kind, TestDatabase};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tallygate::admin_api::params::ReadLog;
use tallygate::app::App;
use tallygate::config::Config;
use tallygate::secrets::Secrets;
use tallygate::{provider, router};
use tokio::net::TcpListener;

/// A server on a database of its own, with a provider.
#[derive(Debug)]
pub(crate) struct Test {
    pub(crate) app: App,
    /// Where the admin listener is, as in `http://127.0.0.1:40001`.
    pub(crate) admin: String,
    /// Where the portal is.
    pub(crate) portal: String,
    /// An access token with all scopes, read-write.
    pub(crate) token: String,
    pub(crate) provider_key: String,
    pub(crate) http: reqwest::Client,
    pub(crate) database: TestDatabase,
    /// What handlers read.
    reads: ReadLog,
}

/// An answer, whole.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Test {
    pub(crate) async fn start(kind: Kind) -> Self {
        let database = TestDatabase::empty(kind).await;
        let db = database.connect().await;
        db.migrate().await.unwrap();
        let secrets = Secrets::new(&[7; 32]);
        let created = provider::create(&db, &secrets, "Acme", "api@acme.example")
            .await
            .unwrap();
        let admin_listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let portal_listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let admin = format!("http://{}", admin_listener.local_addr().unwrap());
        let portal = format!("http://{}", portal_listener.local_addr().unwrap());
        let config = Config {
            portal_url: portal.clone(),
            admin_url: admin.clone(),
            staging_gateway: None,
            production_gateway: None,
            webhooks_private: true,
            trusted_proxies: 0,
            sign_in_private: true,
            smtp_url: None,
            mail_from: None,
        };
        let app = App::new(db, config, secrets);
        let reads = ReadLog::default();
        for (listener, router) in [
            (admin_listener, router::admin(&app).layer(reads.layer())),
            (portal_listener, router::portal(&app)),
        ] {
            tokio::spawn(async move { axum::serve(listener, router).await });
        }
        Self {
            app,
            admin,
            portal,
            token: created.access_token.reveal().into(),
            provider_key: created.provider_key.reveal().into(),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            database,
            reads,
        }
    }

    pub(crate) async fn end(self) {
        contract::assert_documented(&self.reads);
        let is_sqlite = self.database.url.starts_with("sqlite");
        contract::keep_what_was_done(if is_sqlite { "sqlite" } else { "postgres" });
        self.app.stop();
        self.app.db.close().await;
        self.database.remove().await;
    }

    /// A request to the admin listener, without credentials.
    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.admin))
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        send(
            self.request(Method::GET, path)
                .basic_auth("", Some(&self.token)),
        )
        .await
    }

    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Reply {
        self.form(Method::POST, path, form).await
    }

    pub(crate) async fn put(&self, path: &str, form: &[(&str, &str)]) -> Reply {
        self.form(Method::PUT, path, form).await
    }

    pub(crate) async fn patch(&self, path: &str, form: &[(&str, &str)]) -> Reply {
        self.form(Method::PATCH, path, form).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.form(Method::DELETE, path, &[]).await
    }

    pub(crate) async fn json(&self, method: Method, path: &str, body: &Value) -> Reply {
        send(
            self.request(method, path)
                .basic_auth("", Some(&self.token))
                .json(body),
        )
        .await
    }

    async fn form(&self, method: Method, path: &str, form: &[(&str, &str)]) -> Reply {
        send(
            self.request(method, path)
                .basic_auth("", Some(&self.token))
                .form(form),
        )
        .await
    }
}

/// A path with a query.
pub(crate) fn with_query(path: &str, pairs: &[(impl AsRef<str>, impl AsRef<str>)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    format!("{path}?{query}")
}

/// Sends it; the answer must be what the API's description says.
pub(crate) async fn send(request: reqwest::RequestBuilder) -> Reply {
    let (client, request) = request.build_split();
    let request = request.unwrap();
    let (method, path) = (request.method().clone(), request.url().path().to_owned());
    let response = client.execute(request).await.unwrap();
    let reply = Reply {
        status: response.status(),
        headers: response.headers().clone(),
        text: response.text().await.unwrap(),
    };
    contract::assert_kept(&method, &path, &reply);
    reply
}

impl Reply {
    /// Itself, when it has this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }

    #[track_caller]
    pub(crate) fn value(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The value at a JSON pointer, as in `/service/id`.
    #[track_caller]
    pub(crate) fn at(&self, pointer: &str) -> Value {
        let value = self.value();
        value
            .pointer(pointer)
            .unwrap_or_else(|| panic!("nothing at {pointer} in {value}"))
            .clone()
    }

    /// The id at a JSON pointer.
    #[track_caller]
    pub(crate) fn id(&self, pointer: &str) -> i64 {
        self.at(pointer).as_i64().unwrap()
    }

    /// The fields that a 422 complains about.
    #[track_caller]
    pub(crate) fn complaints(&self) -> Vec<String> {
        let errors = self.at("/errors");
        errors.as_object().unwrap().keys().cloned().collect()
    }
}
