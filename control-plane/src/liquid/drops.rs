//! What templates can name: declared once, with the words that `docs/liquid.md` has of it.
//!
//! [`drop!`](crate::drop) declares a struct whose doc comments are that description. A text becomes safe for HTML when it
//! becomes a Liquid value; what is HTML already says so by its type, [`Html`].

use liquid_core::model::{DateTime, Object, Value};
use std::collections::BTreeMap;

/// For what a template is rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escaping {
    /// A page: texts are escaped.
    Html,
    /// An e-mail: texts stay as they are.
    Text,
}

/// HTML that this program made, or that the provider wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Html(pub String);

/// A moment, milliseconds since 1970: shown in UTC, formatted by the filter `date`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment(pub i64);

/// Texts by name, for forms: what was typed, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts(pub BTreeMap<String, String>);

/// What a template finds under a name.
#[derive(Clone, Debug)]
pub enum Shape {
    /// A text, escaped.
    Text,
    /// HTML.
    Html,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A moment in time.
    Time,
    /// Texts by name.
    Texts,
    /// Nothing, or this.
    Maybe(Box<Self>),
    /// Several of these.
    List(Box<Self>),
    /// Something with members.
    Object {
        /// What it is called in the documentation.
        name: &'static str,
        /// What it is.
        about: &'static str,
        /// What it has. A function, since drops may hold each other.
        members: fn() -> Vec<Member>,
    },
}

/// A member of a drop.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its name in templates.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// What it holds.
    pub shape: Shape,
}

/// What templates can name.
pub trait ToLiquid {
    /// Its value.
    fn to_liquid(&self, escaping: Escaping) -> Value;

    /// What the documentation says of it.
    fn shape() -> Shape;
}

/// Declares a drop: a struct, with its name in the documentation; each member with its description.
#[macro_export]
macro_rules! drop {
    (
        $(#[doc = $about:literal])*
        $vis:vis struct $name:ident as $liquid:literal {
            $($(#[doc = $doc:literal])* $member:ident: $type:ty,)*
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, Debug)]
        $vis struct $name {
            $($(#[doc = $doc])* pub $member: $type,)*
        }

        impl $crate::liquid::ToLiquid for $name {
            fn to_liquid(&self, escaping: $crate::liquid::Escaping) -> ::liquid_core::model::Value {
                let mut object = ::liquid_core::model::Object::new();
                $(object.insert(
                    stringify!($member).into(),
                    $crate::liquid::ToLiquid::to_liquid(&self.$member, escaping),
                );)*
                ::liquid_core::model::Value::Object(object)
            }

            fn shape() -> $crate::liquid::Shape {
                $crate::liquid::Shape::Object {
                    name: $liquid,
                    about: concat!($($about),*),
                    members: || vec![$($crate::liquid::Member {
                        name: stringify!($member),
                        about: concat!($($doc),*),
                        shape: <$type as $crate::liquid::ToLiquid>::shape(),
                    }),*],
                }
            }
        }
    };
}

// === impl ToLiquid ===

impl ToLiquid for String {
    fn to_liquid(&self, escaping: Escaping) -> Value {
        match escaping {
            Escaping::Html => Value::scalar(quick_xml::escape::escape(self.as_str()).into_owned()),
            Escaping::Text => Value::scalar(self.clone()),
        }
    }

    fn shape() -> Shape {
        Shape::Text
    }
}

impl ToLiquid for &'static str {
    fn to_liquid(&self, escaping: Escaping) -> Value {
        (*self).to_owned().to_liquid(escaping)
    }

    fn shape() -> Shape {
        Shape::Text
    }
}

impl ToLiquid for Html {
    fn to_liquid(&self, _escaping: Escaping) -> Value {
        Value::scalar(self.0.clone())
    }

    fn shape() -> Shape {
        Shape::Html
    }
}

impl ToLiquid for i64 {
    fn to_liquid(&self, _escaping: Escaping) -> Value {
        Value::scalar(*self)
    }

    fn shape() -> Shape {
        Shape::Number
    }
}

impl ToLiquid for f64 {
    fn to_liquid(&self, _escaping: Escaping) -> Value {
        Value::scalar(*self)
    }

    fn shape() -> Shape {
        Shape::Number
    }
}

impl ToLiquid for bool {
    fn to_liquid(&self, _escaping: Escaping) -> Value {
        Value::scalar(*self)
    }

    fn shape() -> Shape {
        Shape::Boolean
    }
}

impl ToLiquid for Moment {
    fn to_liquid(&self, _escaping: Escaping) -> Value {
        let moment = jiff::Timestamp::from_millisecond(self.0).unwrap_or_default();
        let text = moment.strftime("%Y-%m-%d %H:%M:%S +0000").to_string();
        DateTime::from_str(&text).map_or(Value::Nil, Value::scalar)
    }

    fn shape() -> Shape {
        Shape::Time
    }
}

impl ToLiquid for Texts {
    fn to_liquid(&self, escaping: Escaping) -> Value {
        let members = self.0.iter();
        Value::Object(
            members
                .map(|(name, text)| (name.clone().into(), text.to_liquid(escaping)))
                .collect::<Object>(),
        )
    }

    fn shape() -> Shape {
        Shape::Texts
    }
}

impl<T: ToLiquid> ToLiquid for Option<T> {
    fn to_liquid(&self, escaping: Escaping) -> Value {
        self.as_ref()
            .map_or(Value::Nil, |value| value.to_liquid(escaping))
    }

    fn shape() -> Shape {
        Shape::Maybe(Box::new(T::shape()))
    }
}

impl<T: ToLiquid> ToLiquid for Vec<T> {
    fn to_liquid(&self, escaping: Escaping) -> Value {
        Value::array(self.iter().map(|value| value.to_liquid(escaping)))
    }

    fn shape() -> Shape {
        Shape::List(Box::new(T::shape()))
    }
}
