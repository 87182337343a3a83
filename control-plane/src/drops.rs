//! What templates see of the database: pages and e-mails alike.
//!
//! Each drop is made from rows by the function beside it. Names are 3scale's, where it has one.

mod account;
mod alert;
mod application;
mod field;
mod message;
mod plan;
mod provider;
mod service;
mod utilization;

pub use account::{AccountDrop, UserDrop};
pub use alert::AlertDrop;
pub use application::ApplicationDrop;
pub use field::FieldDrop;
pub use message::MessageDrop;
pub use plan::{FeatureDrop, LimitDrop, PlanDrop, PriceDrop, grouped, plan};
pub use provider::{ProviderDrop, provider};
pub use service::ServiceDrop;
pub use utilization::{UtilizationDrop, utilization};
