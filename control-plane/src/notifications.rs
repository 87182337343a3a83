//! What the provider's users are told of, and what each of them wants to be told.

use serde_json::{Map, Value};

/// Every notification, by name, with whether it is sent until somebody chooses.
pub const ALL: &[(&str, bool)] = &[
    ("account_created", true),
    ("account_deleted", true),
    ("account_plan_change_requested", true),
    ("application_created", true),
    ("application_plan_change_requested", true),
    ("cinstance_cancellation", true),
    ("cinstance_expired_trial", true),
    ("cinstance_plan_changed", true),
    ("credit_card_unstore_failed", true),
    ("csv_data_export", true),
    ("daily_report", false),
    ("expired_credit_card_provider", true),
    ("invoices_to_review", true),
    ("limit_alert_reached_provider", true),
    ("limit_violation_reached_provider", true),
    ("message_received", true),
    ("plan_downgraded", true),
    ("service_contract_cancellation", true),
    ("service_contract_created", true),
    ("service_contract_plan_changed", true),
    ("service_deleted", true),
    ("service_plan_change_requested", true),
    ("unsuccessfully_charged_invoice_final_provider", true),
    ("unsuccessfully_charged_invoice_provider", true),
    ("weekly_report", false),
];

/// Somebody's choices: what differs from the defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preferences(Map<String, Value>);

impl Preferences {
    /// From a JSON object as the database has it.
    #[must_use]
    pub fn read(json: &str) -> Self {
        Self(serde_json::from_str(json).unwrap_or_default())
    }

    /// As the database has it.
    #[must_use]
    pub fn to_json(&self) -> String {
        Value::Object(self.0.clone()).to_string()
    }

    /// Whether a notification is wanted.
    #[must_use]
    pub fn wants(&self, name: &str) -> bool {
        let default = ALL
            .iter()
            .any(|(known, default)| *known == name && *default);
        self.0.get(name).and_then(Value::as_bool).unwrap_or(default)
    }

    /// Chooses.
    pub fn set(&mut self, name: &str, wanted: bool) {
        self.0.insert(name.into(), wanted.into());
    }
}
