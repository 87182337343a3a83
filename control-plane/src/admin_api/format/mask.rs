//! Answers without their secrets, for what is kept of them.

use super::node::{Field, List, Node, Object};
use serde_json::Value;

/// What stands for a secret.
const HIDDEN: &str = "[hidden]";

/// The same tree, its secrets hidden: those that are marked as such, and texts whose name says that they are.
pub(super) fn node(node: &Node) -> Node {
    match node {
        Node::Secret(_) => Node::Text(HIDDEN.into()),
        Node::Object(object) => Node::Object(self::object(object)),
        Node::List(list) => Node::List(self::list(list)),
        Node::Json(value) => Node::Json(json(value)),
        plain => plain.clone(),
    }
}

fn object(object: &Object) -> Object {
    Object {
        fields: object
            .fields
            .iter()
            .map(|field| Field {
                name: field.name.clone(),
                value: match &field.value {
                    Node::Text(text) if !text.is_empty() && is_secret(&field.name) => {
                        Node::Text(HIDDEN.into())
                    }
                    value => node(value),
                },
                only: field.only,
            })
            .collect(),
        ..object.clone()
    }
}

fn list(list: &List) -> List {
    List {
        items: list.items.iter().map(node).collect(),
        beside: list.beside.as_ref().map(object),
        ..list.clone()
    }
}

/// JSON, texts hidden whose name says that they are secrets.
fn json(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| match value {
                Value::String(text) if !text.is_empty() && is_secret(name) => {
                    (name.clone(), HIDDEN.into())
                }
                value => (name.clone(), json(value)),
            })
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(json).collect(),
        plain => plain.clone(),
    }
}

/// Whether a field holds a secret, by its name. `auth_user_key` and the like are names of parameters.
fn is_secret(name: &str) -> bool {
    let named_after = ["secret", "password", "access_code", "authentication_value"];
    let kinds = [
        "token",
        "user_key",
        "app_key",
        "provider_key",
        "private_key",
        "sso_url",
    ];
    !name.starts_with("auth_")
        && (named_after.iter().any(|part| name.contains(part))
            || kinds.iter().any(|kind| {
                name.strip_suffix(kind)
                    .is_some_and(|rest| rest.is_empty() || rest.ends_with('_'))
            }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::Secret;
    use serde_json::json;

    #[test]
    fn secrets_are_hidden_wherever_they_are() {
        let tree = Object::new("proxy")
            .with("endpoint", "https://api.example")
            .with("secret_token", "s3cret")
            .with("auth_user_key", "user_key")
            .with("blank_token", "")
            .with("any", Secret::new("s3cret"))
            .with("keys", List::new("keys", "key", [Secret::new("s3cret")]))
            .with(
                "content",
                json!({ "proxy": [{ "debug_secret": "s3cret", "hosts": ["a"] }] }),
            );
        let Node::Object(masked) = node(&tree.into()) else {
            panic!("an object");
        };
        let shown =
            super::super::render::document(&Node::Object(masked), super::super::Format::Json);
        assert!(!shown.contains("s3cret"), "{shown}");
        assert_eq!(shown.matches(HIDDEN).count(), 4, "{shown}");
        assert!(shown.contains(r#""auth_user_key":"user_key""#), "{shown}");
    }
}
