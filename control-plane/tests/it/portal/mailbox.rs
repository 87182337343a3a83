//! What waits to be mailed, read as its reader will: the links in it are nowhere else.

use crate::support::Test;
use serde_json::Value;
use tallygate::on;
use tallygate::secrets::MAIL_TEXTS;

type Waiting = (Option<i64>, Option<String>, Option<Vec<u8>>);

/// A mail that waits.
#[derive(Debug)]
pub(super) struct Waits {
    /// The user it is to.
    pub(super) user_id: Option<i64>,
    /// The address it is to, when it is to no user.
    pub(super) address: Option<String>,
    texts: Value,
}

impl Waits {
    /// The path of the portal that its link leads to.
    #[track_caller]
    pub(super) fn link(&self, t: &Test) -> String {
        let url = self.texts["url"].as_str().unwrap();
        url.strip_prefix(&t.portal).unwrap().to_owned()
    }
}

/// All that wait and are of this kind, the newest last.
pub(super) async fn waiting(t: &Test, kind: &str) -> Vec<Waits> {
    let rows: Vec<Waiting> = on!(t.app.db, |c| sqlx::query_as(
        "select to_user_id, to_address, texts from mail where kind = $1 order by id"
    )
    .bind(kind)
    .fetch_all(c))
    .unwrap();
    let waits = rows.into_iter().map(|(user_id, address, texts)| Waits {
        user_id,
        address,
        texts: texts.map_or(Value::Null, |texts| {
            let texts = t.app.secrets.open(MAIL_TEXTS, &texts).unwrap();
            serde_json::from_str(texts.reveal()).unwrap()
        }),
    });
    waits.collect()
}

/// The link of the only one that waits.
#[track_caller]
pub(super) fn only_link(t: &Test, mails: &[Waits]) -> String {
    let [mail] = mails else {
        panic!("{mails:?}");
    };
    mail.link(t)
}
