//! Where a specification's calls go: to the public base URL of the product that it describes.
//!
//! Specifications are often written before there is a gateway, and name the upstream, or nothing.

use serde_json::{Map, Value, json};

/// Whether one of its servers is the address, or lies below it.
#[must_use]
pub fn leads_to(spec: &Value, endpoint: &str) -> bool {
    addresses(spec)
        .iter()
        .any(|address| is_below(address, endpoint))
}

/// Makes calls go to the address, unless one of the servers is below it already. The path that a server had stays.
pub fn lead_to(spec: &mut Value, endpoint: &str) {
    let endpoint = endpoint.trim_end_matches('/');
    if leads_to(spec, endpoint) {
        return;
    }
    let path = addresses(spec)
        .first()
        .map(|address| path_of(address).trim_end_matches('/').to_owned())
        .unwrap_or_default();
    let base = path_of(endpoint);
    let below = if is_below(&path, base) {
        path.get(base.len()..).unwrap_or_default()
    } else {
        &path
    };
    let is_swagger = spec.get("swagger").is_some();
    let Some(members) = spec.as_object_mut() else {
        return;
    };
    if is_swagger {
        let (scheme, rest) = endpoint.split_once("://").unwrap_or(("https", endpoint));
        let authority = rest.split('/').next().unwrap_or_default();
        members.insert("schemes".into(), json!([scheme]));
        members.insert("host".into(), authority.into());
        members.insert("basePath".into(), format!("{base}{below}").into());
        if base.is_empty() && below.is_empty() {
            members.remove("basePath");
        }
    } else {
        members.insert(
            "servers".into(),
            json!([{"url": format!("{endpoint}{below}")}]),
        );
    }
    let paths = members.get_mut("paths").and_then(Value::as_object_mut);
    for item in paths.into_iter().flat_map(Map::values_mut) {
        for part in item.as_object_mut().into_iter().flat_map(|item| {
            item.remove("servers");
            item.values_mut()
        }) {
            if let Some(operation) = part.as_object_mut() {
                operation.remove("servers");
                operation.remove("schemes");
            }
        }
    }
}

/// Addresses of its servers, as they are written: possibly only paths.
fn addresses(spec: &Value) -> Vec<String> {
    let text = |name: &str| spec.get(name).and_then(Value::as_str).unwrap_or_default();
    if spec.get("swagger").is_some() {
        let base = text("basePath");
        let schemes = spec.get("schemes").and_then(Value::as_array);
        let schemes = schemes.map_or_else(
            || vec!["https"],
            |all| all.iter().filter_map(Value::as_str).collect(),
        );
        return match text("host") {
            "" => vec![base.to_owned()],
            host => schemes
                .iter()
                .map(|scheme| format!("{scheme}://{host}{base}"))
                .collect(),
        };
    }
    let servers = spec.get("servers").and_then(Value::as_array);
    servers
        .into_iter()
        .flatten()
        .filter_map(|server| server.get("url")?.as_str())
        .map(str::to_owned)
        .collect()
}

/// `/v1` of `https://api.example.com/v1`, and of `/v1`.
fn path_of(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let start = if rest.len() == address.len() && address.starts_with('/') {
        Some(0)
    } else {
        rest.find('/')
    };
    let path = start
        .and_then(|start| rest.get(start..))
        .unwrap_or_default();
    path.split(['?', '#']).next().unwrap_or_default()
}

fn is_below(address: &str, endpoint: &str) -> bool {
    let rest = address.strip_prefix(endpoint.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_go_to_the_gateway() {
        for (servers, endpoint, expected) in [
            (
                json!([]),
                "https://api.acme.example",
                json!([{"url": "https://api.acme.example"}]),
            ),
            (
                json!([{"url": "/v1"}]),
                "https://api.acme.example/",
                json!([{"url": "https://api.acme.example/v1"}]),
            ),
            (
                json!([{"url": "https://origin.local/v1/"}]),
                "https://api.acme.example",
                json!([{"url": "https://api.acme.example/v1"}]),
            ),
            (
                json!([{"url": "https://origin.local/v1"}]),
                "https://api.acme.example/v1",
                json!([{"url": "https://api.acme.example/v1"}]),
            ),
            (
                json!([{"url": "https://origin.local/v10"}]),
                "https://api.acme.example/v1",
                json!([{"url": "https://api.acme.example/v1/v10"}]),
            ),
            (
                json!([{"url": "https://{where}/v1"}]),
                "https://api.acme.example",
                json!([{"url": "https://api.acme.example/v1"}]),
            ),
            (
                json!([{"url": "x"}, {"url": "https://api.acme.example/b"}]),
                "https://api.acme.example",
                json!([{"url": "x"}, {"url": "https://api.acme.example/b"}]),
            ),
            (
                json!([{"url": "https://api.acme.example.evil/"}]),
                "https://api.acme.example",
                json!([{"url": "https://api.acme.example"}]),
            ),
        ] {
            let mut spec = json!({
                "openapi": "3.1.0", "servers": servers,
                "paths": {"/a": {"servers": [], "get": {"servers": [], "summary": "A"}}},
            });
            let kept = leads_to(&spec, endpoint);
            lead_to(&mut spec, endpoint);
            assert_eq!(spec["servers"], expected, "{servers} {endpoint}");
            assert_eq!(spec.pointer("/paths/~1a/get/servers").is_some(), kept);
            assert_eq!(spec["paths"]["/a"]["get"]["summary"], "A");
        }
    }

    #[test]
    fn the_older_format_says_it_in_three_places() {
        let mut spec = json!({"swagger": "2.0", "host": "origin.local", "basePath": "/v2", "paths": {"/a": {"get": {"schemes": ["ws"]}}}});
        lead_to(&mut spec, "http://api.acme.example:8080/base");
        assert_eq!(
            spec,
            json!({"swagger": "2.0", "schemes": ["http"], "host": "api.acme.example:8080", "basePath": "/base/v2", "paths": {"/a": {"get": {}}}})
        );
        let before = spec.clone();
        lead_to(&mut spec, "http://api.acme.example:8080");
        assert_eq!(spec, before);
        let mut bare = json!({"swagger": "2.0"});
        lead_to(&mut bare, "https://api.acme.example");
        assert_eq!(
            bare,
            json!({"swagger": "2.0", "schemes": ["https"], "host": "api.acme.example"})
        );
    }
}
