//! Typed ids. They are the database's BIGINTs, are never reused, and never 0 or negative.

use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

ids! {
    /// A product (3scale: service).
    ProductId
    /// A backend: an API of the provider's own that products are made of.
    BackendId
    /// A metric, or a method: a metric whose parent is `hits`.
    MetricId
    /// An application plan.
    PlanId
    /// An application: an account's contract for one product on one plan.
    ApplicationId
}
