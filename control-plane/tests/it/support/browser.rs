//! A developer's browser, as far as the portal needs one: it keeps cookies and follows nothing by itself.

use super::{Reply, Test};
use reqwest::header::{COOKIE, HeaderValue, LOCATION, SET_COOKIE};
use reqwest::{Client, Method, redirect};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// A browser with the portal open.
#[derive(Debug)]
pub(crate) struct Browser {
    portal: String,
    http: Client,
    cookies: Mutex<BTreeMap<String, String>>,
}

impl Browser {
    /// One that was never here.
    pub(crate) fn new(t: &Test) -> Self {
        let http = Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .build()
            .unwrap();
        Self {
            portal: t.portal.clone(),
            http,
            cookies: Mutex::default(),
        }
    }

    /// One in which the user is signed in, by a link of the provider's.
    pub(crate) async fn signed_in(t: &Test, username: &str) -> Self {
        let browser = Self::new(t);
        let form = [("username", username)];
        let link = t
            .post("/admin/api/sso_tokens.json", &form)
            .await
            .expect(201);
        let url = link.at("/sso_token/sso_url");
        browser.get(url.as_str().unwrap()).await.expect(303);
        browser
    }

    /// The same browser at another address of the portal.
    pub(crate) fn at(self, portal: &str) -> Self {
        Self {
            portal: portal.to_owned(),
            ..self
        }
    }

    /// Opens a path of the portal, or an address.
    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(self.request(Method::GET, path)).await
    }

    /// Sends a form.
    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Reply {
        self.send(self.request(Method::POST, path).form(form)).await
    }

    /// A request as a page of the portal makes it, to be completed.
    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let url = if path.starts_with('/') {
            format!("{}{path}", self.portal)
        } else {
            path.to_owned()
        };
        self.http.request(method, url)
    }

    /// A request as a page of that site makes it: `same-origin`, `cross-site`.
    pub(crate) fn request_from(
        &self,
        method: Method,
        path: &str,
        site: &str,
    ) -> reqwest::RequestBuilder {
        self.request(method, path).header("sec-fetch-site", site)
    }

    /// Sends it with the cookies, and keeps those that come. Unless it says otherwise, a page of the portal sent it.
    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Reply {
        let cookies: Vec<String> = self
            .cookies()
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = match cookies.as_slice() {
            [] => request,
            cookies => request.header(COOKIE, cookies.join("; ")),
        };
        let (http, request) = request.build_split();
        let mut request = request.unwrap();
        let from = HeaderValue::from_static("same-origin");
        request
            .headers_mut()
            .entry("sec-fetch-site")
            .or_insert(from);
        let response = http.execute(request).await.unwrap();
        for cookie in response.headers().get_all(SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let (name, rest) = cookie.split_once('=').unwrap();
            let (value, attributes) = rest.split_once(';').unwrap_or((rest, ""));
            if value.is_empty() || attributes.contains("Max-Age=0") {
                self.cookies().remove(name);
            } else {
                self.cookies().insert(name.into(), value.into());
            }
        }
        Reply {
            status: response.status(),
            headers: response.headers().clone(),
            text: response.text().await.unwrap(),
        }
    }

    /// What it keeps under this name.
    #[track_caller]
    pub(crate) fn cookie(&self, name: &str) -> String {
        self.cookies()[name].clone()
    }

    /// Keeps this, as if it had come.
    pub(crate) fn set_cookie(&self, name: &str, value: &str) {
        self.cookies().insert(name.into(), value.into());
    }

    fn cookies(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, String>> {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reply {
    /// Where a redirect leads.
    #[track_caller]
    pub(crate) fn location(&self) -> &str {
        assert_eq!(self.status, 303, "{}", self.text);
        self.headers[LOCATION].to_str().unwrap()
    }
}
