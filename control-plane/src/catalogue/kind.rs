//! What a catalogue is made of: every kind of resource, the fields it has in the file, and what it contains.
//!
//! Reading, comparing, applying, writing and the schema all follow these tables; a field that the REST API gains is
//! one line here.

mod fields;
mod groups;

use serde_json::{Number, Value, json};

/// A kind of resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Everything.
    Catalogue,
    /// The provider's choices; there is one.
    Settings,
    /// A feature of account plans.
    AccountFeature,
    /// A plan of developer accounts.
    AccountPlan,
    /// An API that products are made of (3scale: backend API).
    Backend,
    /// A product (3scale: service).
    Product,
    /// A backend that a product sends requests to, below a path.
    Usage,
    /// A product's addresses, credentials and answers; it has one.
    Proxy,
    /// A metric of its own.
    Metric,
    /// A metric below `hits`.
    Method,
    /// Which requests count, and for what.
    Rule,
    /// A feature of a product's plans.
    Feature,
    /// A plan of those who subscribe to a product.
    ServicePlan,
    /// An application plan.
    Plan,
    /// At most so much of a metric in a period.
    Limit,
    /// What a metric costs, by ranges.
    Price,
    /// A feature that a plan has.
    PlanFeature,
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
    /// A path, as the server keeps it: `/mail` for `mail` and `/mail/`.
    Path,
    /// What units cost: ranges by their first unit.
    Ranges,
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
    /// `name: value` of one field.
    Brief(&'static str),
    /// A list of names.
    Names,
}

// === impl Kind ===

impl Kind {
    /// What people call it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Catalogue => "catalogue",
            Self::Settings => "settings",
            Self::AccountFeature | Self::Feature => "feature",
            Self::AccountPlan => "account plan",
            Self::Backend => "backend",
            Self::Product => "product",
            Self::Usage => "use of backend",
            Self::Proxy => "proxy",
            Self::Metric => "metric",
            Self::Method => "method",
            Self::Rule => "mapping rule",
            Self::ServicePlan => "service plan",
            Self::Plan => "plan",
            Self::Limit => "limit",
            Self::Price => "price",
            Self::PlanFeature => "has feature",
        }
    }

    /// Its fields, in the order in which they are written.
    #[must_use]
    pub fn fields(self) -> &'static [Field] {
        match self {
            Self::Catalogue => &[],
            Self::Settings => fields::SETTINGS,
            Self::AccountFeature => fields::ACCOUNT_FEATURE,
            Self::Feature => fields::FEATURE,
            Self::Backend => fields::BACKEND,
            Self::Product => fields::PRODUCT,
            Self::Usage => fields::USAGE,
            Self::Proxy => fields::PROXY,
            Self::Metric => fields::METRIC,
            Self::Method => fields::METHOD,
            Self::Rule => fields::RULE,
            Self::Plan | Self::AccountPlan | Self::ServicePlan => fields::PLAN,
            Self::Limit => fields::LIMIT,
            Self::Price => fields::PRICE,
            Self::PlanFeature => &[],
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
            Self::Catalogue => groups::CATALOGUE_GROUPS,
            Self::Backend => groups::BACKEND_GROUPS,
            Self::Product => groups::PRODUCT_GROUPS,
            Self::Plan => groups::PLAN_GROUPS,
            Self::AccountPlan | Self::ServicePlan => groups::OTHER_PLAN_GROUPS,
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
        matches!(self, Self::Proxy | Self::Rule | Self::Usage | Self::Backend)
    }

    /// Whether it is a whole product or backend: `--prune` alone does not delete those.
    #[must_use]
    pub fn is_whole(self) -> bool {
        matches!(self, Self::Product | Self::Backend)
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
            (Shape::Ranges, value) => Some(ranges(value)),
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

/// Ranges in the order of their units, with all members.
pub(in crate::catalogue) fn ranges(value: &Value) -> Value {
    let items = value.as_array().into_iter().flatten();
    let items = items.map(|item| {
        let cost = match &item["cost_per_unit"] {
            Value::String(text) => text.parse().unwrap_or_default(),
            other => other.as_f64().unwrap_or_default(),
        };
        let min = item["min"].as_i64().unwrap_or(1);
        json!({"min": min, "max": item["max"], "cost_per_unit": amount(cost)})
    });
    let mut items: Vec<Value> = items.collect();
    items.sort_by_key(|item| item["min"].as_i64());
    Value::Array(items)
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
