//! What Envoy's admin interface says of a gateway, and does with it.

use super::Gateway;
use crate::histogram::Histogram;
use crate::http;
use anyhow::Result;

impl Gateway {
    /// A number among Envoy's statistics; 0 when it has no such name (yet).
    ///
    /// # Errors
    /// When Envoy does not answer.
    pub async fn stat(&self, name: &str) -> Result<u64> {
        Ok(self
            .stats(name)
            .await?
            .iter()
            .filter(|(known, _)| known == name)
            .map(|(_, value)| value)
            .sum())
    }

    /// The numbers whose names contain `part`.
    ///
    /// # Errors
    /// When Envoy does not answer.
    pub async fn stats(&self, part: &str) -> Result<Vec<(String, u64)>> {
        let answer = http::get(self.bootstrap.admin, "/stats", &[]).await?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let pairs = text.lines().filter_map(|line| line.split_once(": "));
        let numbers =
            pairs.filter_map(|(name, value)| Some((name.to_owned(), value.trim().parse().ok()?)));
        Ok(numbers.filter(|(name, _)| name.contains(part)).collect())
    }

    /// One of Envoy's histograms, as of its last flush of statistics (every 5 s); empty when it has no such name (yet).
    ///
    /// # Errors
    /// When Envoy does not answer.
    pub async fn histogram(&self, name: &str) -> Result<Histogram> {
        let target = format!("/stats?format=json&histogram_buckets=detailed&filter={name}");
        let answer = http::get(self.bootstrap.admin, &target, &[]).await?;
        Histogram::read(&answer.json()?, name)
    }

    /// Sends a POST to Envoy's admin interface.
    ///
    /// # Errors
    /// When Envoy does not answer.
    pub async fn admin_post(&self, path: &str) -> Result<http::Answer> {
        http::send_once(
            self.bootstrap.admin,
            &http::request("POST", path, &[("content-length", "0")], b""),
        )
        .await
    }
}
