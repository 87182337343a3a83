//! Prices: ranges that may not overlap at any moment, and that the API makes and deletes, but does not change.

use super::Executor;
use crate::admin_client::answers::id;
use crate::catalogue::diff::{Action, Change};
use crate::catalogue::kind::ranges;
use serde_json::Value;

impl Executor<'_> {
    /// Deletes the ranges that are not wanted, then makes those that are missing.
    pub(super) async fn set_prices(&self, change: &Change) -> anyhow::Result<()> {
        let list = self.list(change)?;
        let none = Value::Array(Vec::new());
        let field = change.fields.iter().find(|field| field.name == "ranges");
        let wanted = match (change.action, field) {
            (Action::Create | Action::Update, Some(field)) => &field.to,
            _ => &none,
        };
        let mut missing: Vec<&Value> = wanted.as_array().into_iter().flatten().collect();
        for item in self.client.list(&format!("{list}.json")).await? {
            let is = ranges(&Value::Array(vec![item.clone()]));
            match missing.iter().position(|range| is.get(0) == Some(*range)) {
                Some(index) => drop(missing.remove(index)),
                None => {
                    let own = format!("{list}/{}.json", id(&item)?);
                    self.client.delete(&own).await?;
                }
            }
        }
        for range in missing {
            self.client.post(&format!("{list}.json"), range).await?;
        }
        Ok(())
    }
}
