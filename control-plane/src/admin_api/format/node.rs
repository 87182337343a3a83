//! The tree that both forms are rendered from.

use crate::admin_api::page::Paged;
use crate::secrets::Secret;
use serde_json::Value;

/// A value of an answer.
#[derive(Clone, Debug)]
pub enum Node {
    /// Nothing: an empty element, `null`.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(String),
    /// Text that `Debug` does not show.
    Secret(Secret),
    /// A resource.
    Object(Object),
    /// Several.
    List(List),
    /// JSON as it is; in XML, as text.
    Json(Value),
}

/// A resource: named fields in order.
#[derive(Clone, Debug)]
pub struct Object {
    pub(super) name: &'static str,
    /// The XML element, when it is not called like the JSON wrapper.
    pub(super) element: Option<&'static str>,
    pub(super) attributes: Vec<(&'static str, String)>,
    pub(super) fields: Vec<Field>,
    /// The field that is all of the XML.
    pub(super) bare: Option<&'static str>,
    /// JSON without the wrapper, as 3scale's newer resources have it.
    pub(super) unwrapped: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) value: Node,
    pub(super) only: Only,
}

/// Which forms a field is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Only {
    Both,
    Xml,
    Json,
}

/// A list of resources.
#[derive(Clone, Debug)]
pub struct List {
    pub(super) plural: &'static str,
    pub(super) singular: &'static str,
    pub(super) items: Vec<Node>,
    pub(super) paged: Option<Paged>,
    /// JSON items as `{"metric": {…}}`.
    pub(super) wrapped: bool,
    /// `type="array"` in XML.
    pub(super) typed: bool,
    /// JSON without a wrapper: only the items.
    pub(super) bare: bool,
    /// What is told of all items together, after them.
    pub(super) beside: Option<Object>,
    /// `{"collection": […], "metadata": {…}}` in JSON, however few there are.
    pub(super) collection: bool,
}

impl Object {
    /// A resource without fields. Its name is the XML element and the JSON wrapper.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            element: None,
            attributes: Vec::new(),
            fields: Vec::new(),
            bare: None,
            unwrapped: false,
        }
    }

    /// With JSON that is not wrapped in its name.
    #[must_use]
    pub fn unwrapped(mut self) -> Self {
        self.unwrapped = true;
        self
    }

    /// With one of its fields as the whole XML document.
    #[must_use]
    pub fn bare(mut self, name: &'static str) -> Self {
        self.bare = Some(name);
        self
    }

    /// With a field in both forms.
    #[must_use]
    pub fn with(self, name: &str, value: impl Into<Node>) -> Self {
        self.field(name, value.into(), Only::Both)
    }

    /// With a field that only XML has.
    #[must_use]
    pub fn xml(self, name: &str, value: impl Into<Node>) -> Self {
        self.field(name, value.into(), Only::Xml)
    }

    /// With a field that only JSON has.
    #[must_use]
    pub fn json(self, name: &str, value: impl Into<Node>) -> Self {
        self.field(name, value.into(), Only::Json)
    }

    /// With a field when there is a value.
    #[must_use]
    pub fn maybe(self, name: &str, value: Option<impl Into<Node>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// With another name for the XML element.
    #[must_use]
    pub fn element(mut self, name: &'static str) -> Self {
        self.element = Some(name);
        self
    }

    /// With an XML attribute.
    #[must_use]
    pub fn attribute(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.attributes.push((name, value.into()));
        self
    }

    /// With 3scale's `links` (JSON only): (rel, href).
    #[must_use]
    pub fn links(self, links: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        let items = links
            .into_iter()
            .map(|(rel, href)| Self::new("link").with("rel", rel).with("href", href));
        let list = List::new("links", "link", items).unwrapped();
        self.json("links", list)
    }

    fn field(mut self, name: &str, value: Node, only: Only) -> Self {
        self.fields.push(Field {
            name: name.into(),
            value,
            only,
        });
        self
    }
}

impl List {
    /// Of items named `singular`.
    pub fn new<T: Into<Node>>(
        plural: &'static str,
        singular: &'static str,
        items: impl IntoIterator<Item = T>,
    ) -> Self {
        Self {
            plural,
            singular,
            items: items.into_iter().map(Into::into).collect(),
            paged: None,
            wrapped: true,
            typed: false,
            bare: false,
            beside: None,
            collection: false,
        }
    }

    /// In JSON as 3scale's newer resources have it: `{"collection": […], "metadata": {…}}`, items as they are.
    #[must_use]
    pub fn collection(mut self) -> Self {
        self.collection = true;
        self.unwrapped()
    }

    /// With something about all of them, under its own name beside the items.
    #[must_use]
    pub fn beside(mut self, object: Object) -> Self {
        self.beside = Some(object);
        self
    }

    /// As one page of several.
    #[must_use]
    pub fn paged(mut self, paged: Paged) -> Self {
        self.paged = Some(paged);
        self
    }

    /// With JSON items as they are.
    #[must_use]
    pub fn unwrapped(mut self) -> Self {
        self.wrapped = false;
        self
    }

    /// As a JSON list without a name around it, which is how 3scale gives a few of them. It cannot be paged.
    #[must_use]
    pub fn bare(mut self) -> Self {
        self.bare = true;
        self
    }

    /// With `type="array"` in XML.
    #[must_use]
    pub fn typed(mut self) -> Self {
        self.typed = true;
        self
    }
}

/// A point in time, milliseconds since 1970, as `2026-01-31T12:00:00Z`.
#[must_use]
pub fn timestamp(ms: i64) -> Node {
    match jiff::Timestamp::from_second(ms.div_euclid(1000)) {
        Ok(time) => Node::Text(time.to_string()),
        Err(_) => Node::Null,
    }
}

impl From<Object> for Node {
    fn from(value: Object) -> Self {
        Self::Object(value)
    }
}
impl From<List> for Node {
    fn from(value: List) -> Self {
        Self::List(value)
    }
}
impl From<bool> for Node {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}
impl From<i64> for Node {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}
impl From<f64> for Node {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}
impl From<&str> for Node {
    fn from(value: &str) -> Self {
        Self::Text(value.into())
    }
}
impl From<String> for Node {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}
impl From<&String> for Node {
    fn from(value: &String) -> Self {
        Self::Text(value.clone())
    }
}
impl From<Secret> for Node {
    fn from(value: Secret) -> Self {
        Self::Secret(value)
    }
}
impl From<Value> for Node {
    fn from(value: Value) -> Self {
        Self::Json(value)
    }
}
impl<T: Into<Self>> From<Option<T>> for Node {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
