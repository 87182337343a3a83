//! An identity provider: sends browsers back with a code, and makes tokens of codes, signed with `EdDSA`. It insists on what
//! the standard lets it insist on, and can be told to get one thing wrong.

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use openidconnect::core::{CoreEdDsaPrivateSigningKey, CoreJwsSigningAlgorithm};
use openidconnect::{JsonWebKeyId, PrivateSigningKey as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;

/// Of this test alone.
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIO87zlb2Om2QFKF8Qu8WKjCN0/4JLxHkAPaG4Jlb7S5x\n-----END PRIVATE KEY-----\n";
const OTHER_KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIK87zlb2Om2QFKF8Qu8WKjCN0/4JLxHkAPaG4Jlb7S5x\n-----END PRIVATE KEY-----\n";

pub(super) const CLIENT: &str = "portal";
pub(super) const SECRET: &str = "s: ecret&";

/// A running one.
#[derive(Clone, Debug)]
pub(super) struct Issuer {
    pub(super) url: String,
    state: Arc<Mutex<Inside>>,
}

#[derive(Debug, Default)]
struct Inside {
    person: Value,
    fault: &'static str,
    codes: HashMap<String, HashMap<String, String>>,
}

impl Issuer {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            state: Arc::default(),
        };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(describe))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/keys", get(keys))
            .route("/me", get(me))
            .with_state(issuer.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        issuer
    }

    /// Who signs in from now on, and what is wrong with the tokens.
    pub(super) fn is(&self, person: Value, fault: &'static str) {
        let mut inside = self.state.lock().unwrap();
        inside.person = person;
        inside.fault = fault;
    }
}

fn key(pem: &str) -> CoreEdDsaPrivateSigningKey {
    CoreEdDsaPrivateSigningKey::from_ed25519_pem(pem, Some(JsonWebKeyId::new("one".into())))
        .unwrap()
}

async fn describe(State(issuer): State<Issuer>) -> Json<Value> {
    let url = &issuer.url;
    Json(json!({
        "issuer": url, "authorization_endpoint": format!("{url}/authorize"), "token_endpoint": format!("{url}/token"),
        "jwks_uri": format!("{url}/keys"), "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["EdDSA"],
    }))
}

async fn keys() -> Json<Value> {
    Json(json!({"keys": [key(KEY).as_verification_key()]}))
}

/// Everybody who comes is signed in already.
async fn authorize(
    State(issuer): State<Issuer>,
    Query(query): Query<HashMap<String, String>>,
) -> Redirect {
    assert_eq!(query["client_id"], CLIENT);
    assert_eq!(
        (
            query["response_type"].as_str(),
            query["code_challenge_method"].as_str()
        ),
        ("code", "S256")
    );
    let code = format!("code-{}", query["state"]);
    let back = format!(
        "{}?code={code}&state={}",
        query["redirect_uri"], query["state"]
    );
    issuer.state.lock().unwrap().codes.insert(code, query);
    Redirect::to(&back)
}

async fn token(State(issuer): State<Issuer>, headers: HeaderMap, body: String) -> Response {
    let form: HashMap<String, String> = form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect();
    let mut inside = issuer.state.lock().unwrap();
    let Some(begun) = inside.codes.remove(&form["code"]) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    // The client, by header or in the form.
    let expected = format!(
        "Basic {}",
        STANDARD.encode(format!("{CLIENT}:s%3A+ecret%26"))
    );
    let known = headers.get(header::AUTHORIZATION).map_or_else(
        || form["client_secret"] == SECRET,
        |value| value == expected.as_str(),
    );
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(form["code_verifier"].as_bytes()));
    if !known
        || challenge != begun["code_challenge"]
        || form["redirect_uri"] != begun["redirect_uri"]
    {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let now_secs = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let mut claims = json!({
        "iss": issuer.url, "aud": CLIENT, "iat": now_secs, "exp": now_secs + 60, "nonce": begun.get("nonce"),
    });
    for (name, value) in inside.person.as_object().unwrap() {
        claims[name] = value.clone();
    }
    let mut signing = KEY;
    match inside.fault {
        "nonce" => claims["nonce"] = "another".into(),
        "audience" => claims["aud"] = "another".into(),
        "issuer" => claims["iss"] = "http://another".into(),
        "expiry" => claims["exp"] = (now_secs - 3600).into(),
        "signature" => signing = OTHER_KEY,
        _ => {}
    }
    let algorithm = if inside.fault == "algorithm" {
        "none"
    } else {
        "EdDSA"
    };
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let text = format!(
        "{}.{}",
        encode(&json!({"alg": algorithm, "kid": "one"})),
        encode(&claims)
    );
    let signature = match inside.fault {
        "algorithm" => Vec::new(),
        _ => key(signing)
            .sign(&CoreJwsSigningAlgorithm::EdDsa, text.as_bytes())
            .unwrap(),
    };
    let id_token = format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature));
    Json(json!({"access_token": "for-me", "token_type": "Bearer", "id_token": id_token}))
        .into_response()
}

async fn me(State(issuer): State<Issuer>, headers: HeaderMap) -> Response {
    if headers
        .get(header::AUTHORIZATION)
        .is_none_or(|value| value != "Bearer for-me")
    {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    Json(issuer.state.lock().unwrap().person.clone()).into_response()
}
