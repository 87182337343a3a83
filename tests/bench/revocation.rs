//! How long a deleted key still works.

use crate::installation::{HOST, Installation, id};
use crate::targets;
use anyhow::{Context as _, Result};
use serde_json::json;
use std::net::SocketAddr;
use std::time::Duration;
use tallygate_tests::http::{Connection, request};
use tallygate_tests::wait;

const TIMES: u32 = 30;
const LIMIT: Duration = Duration::from_secs(10);

/// The longest of many times, from the API's answer to the first refused request.
pub(crate) async fn measure(installation: &Installation, gateway: SocketAddr) -> Result<Duration> {
    let account = format!("/admin/api/accounts/{}/applications", installation.account);
    let all = installation.api.get(&format!("{account}.json")).await?;
    let application = all["applications"]
        .get(0)
        .context("the account has no application")?;
    let app_id = application["application"]["application_id"]
        .as_str()
        .context("an application without an id")?;
    let keys = format!("{account}/{}/keys", id(application)?);
    let mut connection = Connection::open(gateway).await?;
    let mut longest = Duration::ZERO;
    for n in 0..TIMES {
        let key = format!("a-key-for-a-moment-{n:04}");
        let target = targets::with_credentials(0, app_id, &key);
        let ask = request("GET", &target, &[("host", HOST)], b"");
        let mut becomes = async |status: u16| {
            let probe = async || Ok(connection.send(&ask).await?.status);
            wait::until("the key", LIMIT, probe, |now| *now == status).await
        };
        installation
            .api
            .post(&format!("{keys}.json"), &json!({"key": key}))
            .await?;
        becomes(200).await?;
        installation
            .api
            .delete(&format!("{keys}/{key}.json"))
            .await?;
        let (_, took) = becomes(403).await?;
        longest = longest.max(took);
    }
    Ok(longest)
}
