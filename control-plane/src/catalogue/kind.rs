//! What a catalogue is made of: every kind of resource, the fields it has in the file, and what it contains.
//!
//! Reading, comparing, applying, writing and the schema all follow these tables; a field that the REST API gains is
//! one line here.

mod fields;

use serde_json::{Number, Value};

/// A kind of resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Everything.
    Catalogue,
    /// The provider's choices; there is one.
    Settings,
    /// A product (3scale: service).
    Product,
    /// A product's addresses, credentials and answers; it has one.
    Proxy,
    /// A metric of its own.
    Metric,
    /// A metric below `hits`.
    Method,
    /// Which requests count, and for what.
    Rule,
    /// An application plan.
    Plan,
    /// At most so much of a metric in a period.
    Limit,
}

/// A field of a resource, called as in the REST API.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub shape: Shape,
    /// What a new resource has, in JSON: `export` leaves that out. Empty when it has to be said.
    pub default: &'static str,
    /// What it is for.
    pub about: &'static str,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A text.
    Text,
    /// The address of an OpenID Connect issuer, as the server keeps it.
    Issuer,
    /// A text that is not shown in plans, nor exported.
    Secret,
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// Yes or no.
    Flag,
    /// Only ever `true`: another sibling takes it over.
    Chosen,
    /// A whole number from 0.
    Whole,
    /// An amount of money from 0.
    Amount,
    /// A list of texts, in JSON one text with commas.
    Texts,
    /// Metrics and what each counts.
    Usages,
}

/// A collection within a resource.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// Its key in the file.
    pub key: &'static str,
    /// What it collects.
    pub kind: Kind,
    /// How it is written.
    pub form: Form,
    /// What it is for.
    pub about: &'static str,
}

/// How a collection is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One mapping of fields: there is exactly one.
    Single,
    /// A mapping by system name.
    Named,
    /// A list of mapping rules, whose order counts.
    Rules,
    /// `metric: {period: value}`, or `metric: disabled`.
    Limits,
}

// === impl Kind ===

impl Kind {
    /// What people call it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Catalogue => "catalogue",
            Self::Settings => "settings",
            Self::Product => "product",
            Self::Proxy => "proxy",
            Self::Metric => "metric",
            Self::Method => "method",
            Self::Rule => "mapping rule",
            Self::Plan => "plan",
            Self::Limit => "limit",
        }
    }

    /// Its fields, in the order in which they are written.
    #[must_use]
    pub fn fields(self) -> &'static [Field] {
        match self {
            Self::Catalogue => &[],
            Self::Settings => fields::SETTINGS,
            Self::Product => fields::PRODUCT,
            Self::Proxy => fields::PROXY,
            Self::Metric => fields::METRIC,
            Self::Method => fields::METHOD,
            Self::Rule => fields::RULE,
            Self::Plan => fields::PLAN,
            Self::Limit => fields::LIMIT,
        }
    }

    /// A field by name.
    #[must_use]
    pub fn field(self, name: &str) -> Option<&'static Field> {
        self.fields().iter().find(|field| field.name == name)
    }

    /// What it contains, in the order in which it is made: what comes later may name what came before.
    #[must_use]
    pub fn groups(self) -> &'static [Group] {
        match self {
            Self::Catalogue => fields::CATALOGUE_GROUPS,
            Self::Product => fields::PRODUCT_GROUPS,
            Self::Plan => fields::PLAN_GROUPS,
            _ => &[],
        }
    }

    /// The collection of another kind within this one.
    #[must_use]
    pub fn group_of(self, kind: Self) -> Option<&'static Group> {
        self.groups().iter().find(|group| group.kind == kind)
    }

    /// Whether gateways learn of a change only when the product is deployed.
    #[must_use]
    pub fn is_draft(self) -> bool {
        matches!(self, Self::Proxy | Self::Rule)
    }

    /// Whether it is a whole product, or as much: `--prune` alone does not delete those.
    #[must_use]
    pub fn is_whole(self) -> bool {
        matches!(self, Self::Product)
    }
}

// === impl Field ===

impl Field {
    /// What a new resource has.
    #[must_use]
    pub fn default(&self) -> Option<Value> {
        serde_json::from_str(self.default).ok()
    }

    /// What the REST API says, in the form in which values are compared and written. `None` when it says nothing.
    #[must_use]
    pub fn from_api(&self, value: &Value) -> Option<Value> {
        match (self.shape, value) {
            (Shape::Text | Shape::Issuer | Shape::Secret | Shape::Choice(_), Value::Null) => {
                Some("".into())
            }
            (Shape::Texts, Value::Null) => Some(Value::Array(Vec::new())),
            (Shape::Texts, Value::String(text)) => Some(texts(text)),
            (Shape::Amount, Value::Number(number)) => Some(amount(number.as_f64()?)),
            (Shape::Amount, Value::String(text)) => Some(amount(text.parse().ok()?)),
            (Shape::Chosen, Value::Bool(false)) | (_, Value::Null) => None,
            (_, value) => Some(value.clone()),
        }
    }

    /// The parameter that sets it.
    #[must_use]
    pub fn to_api(&self, value: &Value) -> (&'static str, Value) {
        match (self.name, self.shape, value) {
            ("state", Shape::Choice(_), value) => {
                let event = if *value == "published" {
                    "publish"
                } else {
                    "hide"
                };
                ("state_event", event.into())
            }
            (name, Shape::Texts, Value::Array(items)) => {
                let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
                (name, items.join(",").into())
            }
            (name, _, value) => (name, value.clone()),
        }
    }
}

/// A text with commas as a list.
pub(super) fn texts(text: &str) -> Value {
    let items = text.split(',').map(str::trim);
    items.filter(|item| !item.is_empty()).collect()
}

/// An amount, without `.0`: 49 and 49.0 are the same.
pub(super) fn amount(amount: f64) -> Value {
    let whole = amount.trunc();
    if whole == amount && whole.abs() < 9e15 {
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and small")]
        return Value::from(whole as i64);
    }
    Number::from_f64(amount).map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// All kinds, found from the top.
    fn all(kind: Kind, found: &mut Vec<Kind>) {
        if !found.contains(&kind) {
            found.push(kind);
            for group in kind.groups() {
                all(group.kind, found);
            }
        }
    }

    #[test]
    fn tables_are_in_order() {
        let mut kinds = Vec::new();
        all(Kind::Catalogue, &mut kinds);
        for kind in kinds {
            for field in kind.fields() {
                let fits = field.default.is_empty() || field.default().is_some();
                assert!(fits, "{kind:?} {}", field.name);
                assert!(!field.about.is_empty(), "{kind:?} {}", field.name);
                let group = kind.groups().iter().any(|group| group.key == field.name);
                assert!(!group, "{kind:?} has {} twice", field.name);
            }
        }
    }

    #[test]
    fn values_are_compared_in_one_form() {
        let field = |shape| Field {
            name: "x",
            shape,
            default: "",
            about: "",
        };
        for (shape, api, ours) in [
            (Shape::Amount, json!(49.0), Some(json!(49))),
            (Shape::Amount, json!("0.5"), Some(json!(0.5))),
            (
                Shape::Texts,
                json!("query,form"),
                Some(json!(["query", "form"])),
            ),
            (Shape::Texts, json!(null), Some(json!([]))),
            (Shape::Text, json!(null), Some(json!(""))),
            (Shape::Chosen, json!(false), None),
            (Shape::Flag, json!(null), None),
        ] {
            assert_eq!(field(shape).from_api(&api), ours, "{shape:?} {api}");
        }
        let texts = field(Shape::Texts).to_api(&json!(["a", "b"]));
        assert_eq!(texts, ("x", json!("a,b")));
    }
}
