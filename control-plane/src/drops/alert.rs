//! Alerts: a limit came close, or was reached.

use crate::drop;
use crate::liquid::Moment;
use crate::store::alerts::Alert;

drop! {
    /// A limit came close, or was reached.
    pub struct AlertDrop as "alert" {
        /// Its id.
        id: i64,
        /// The id of the application whose limit it is.
        application_id: i64,
        /// Percent of the limit, as in `80`.
        level: i64,
        /// In words, as in `hits per minute: 81/100`.
        message: String,
        /// What is limited: the metric's stable slug.
        metric_name: String,
        /// The limit's period, as in `minute`.
        period: String,
        /// What was used when it was raised.
        used: i64,
        /// The limit.
        limit: i64,
        /// Whether the limit was reached.
        is_violation: bool,
        /// Whether nobody has read it.
        is_unread: bool,
        /// When it was raised.
        timestamp: Moment,
    }
}

impl From<&Alert> for AlertDrop {
    fn from(row: &Alert) -> Self {
        let Alert {
            metric_name,
            period,
            used,
            limit_value,
            ..
        } = row;
        Self {
            id: row.id,
            application_id: row.application_id,
            level: row.level,
            message: format!("{metric_name} per {period}: {used}/{limit_value}"),
            metric_name: metric_name.clone(),
            period: period.clone(),
            used: *used,
            limit: *limit_value,
            is_violation: row.level >= 100,
            is_unread: row.read_at.is_none(),
            timestamp: Moment(row.created_at),
        }
    }
}
