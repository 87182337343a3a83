//! Whatever an agent sends: 4xx or an answer, never 5xx, and no XML that cannot be read.

use super::world::world;
use crate::support::client::send;
use crate::support::{Test, both_databases};
use quick_xml::events::Event;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use reqwest::Method;

const NAMES: &[&str] = &[
    "service_token",
    "service_id",
    "provider_key",
    "app_id",
    "app_key",
    "user_key",
    "redirect_uri",
    "referrer",
    "timestamp",
    "usage[hits]",
    "usage[send]",
    "usage[]",
    "usage",
    "usage[hits][x]",
    "usage[",
    "transactions",
    "transactions[0]",
    "transactions[0][app_id]",
    "transactions[0][usage][hits]",
    "transactions[0][usage]",
    "transactions[0][timestamp]",
    "transactions[][usage][hits]",
    "transactions[0][log][code]",
    "transactions[0",
    "x",
];

const VALUES: &[&str] = &[
    "",
    "0",
    "1",
    "-1",
    "#1",
    "9007199254740991",
    "9007199254740992",
    "99999999999999999999",
    "1.5",
    "%00",
    "%ff",
    "%",
    "%zz",
    "<&\">",
    "日本",
    "%01%0b",
    "%ef%bf%be",
    "hits",
    "2026-01-01 00:00:00",
    "9223372036854775807",
    "-9223372036854775808",
];

both_databases! {
    async fn nothing_breaks(t: &Test) {
        let w = world(t, "2", &[("hits", "minute", 1000), ("send", "eternity", 5)]).await;
        let mut random = StdRng::seed_from_u64(4);
        for n in 0..250 {
            let mut pairs = Vec::new();
            if n % 4 > 0 {
                pairs.extend(w.credentials().iter().map(|(name, value)| format!("{name}={value}")));
            }
            for _ in 0..random.random_range(0..5) {
                let name = NAMES[random.random_range(0..NAMES.len())];
                let value = match random.random_range(0..20) {
                    0 => "x".repeat(3_000),
                    1 => w.app_id.clone(),
                    _ => VALUES[random.random_range(0..VALUES.len())].to_owned(),
                };
                pairs.push(format!("{name}={value}"));
            }
            let text = pairs.join("&");
            let verb = ["authorize", "authrep", "oauth_authorize", "oauth_authrep"][random.random_range(0..4)];
            let options = ["", "no_body=1", "limit_headers=1&rejection_reason_header=1", "hierarchy=1&list_app_keys=1&flat_usage=1", "%ff=&&=1"];
            let request = match random.random_range(0..3) {
                0 => t.request(Method::POST, "/transactions.xml").header("content-type", "application/x-www-form-urlencoded").body(text.clone()),
                _ => t.request(Method::GET, &format!("/transactions/{verb}.xml?{text}")),
            };
            let request = request.header("3scale-options", options[random.random_range(0..options.len())]);
            let reply = send(request).await;
            assert!(!reply.status.is_server_error(), "{verb} {text}: {} {}", reply.status, reply.text);
            let mut reader = quick_xml::Reader::from_str(&reply.text);
            while !matches!(reader.read_event().unwrap_or_else(|error| panic!("{error}: {}", reply.text)), Event::Eof) {}
            assert!(!reply.text.contains(['\u{1}', '\u{b}', '\u{fffe}', '\0']), "{}", reply.text);
        }
    }
}
