//! Parameters as agents send them: `usage[hits]=1`, `transactions[0][usage][hits]=1`, in the query or a urlencoded body.

use super::refusal::{Failure, Refusal};
use axum::http::{HeaderMap, header};
use std::collections::HashMap;

/// What was sent, in its order: (name, value), decoded.
#[derive(Clone, Default)]
pub struct Params(Vec<(String, String)>);

/// A transaction of a report: the label it was sent under, and its own parameters.
#[derive(Clone, Debug)]
pub struct Transaction {
    /// The `0` of `transactions[0]`.
    pub label: String,
    /// Its parameters: `app_id`, `usage[hits]`, …
    pub params: Params,
}

impl std::fmt::Debug for Params {
    /// Names only: values may be keys.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

impl Params {
    /// Reads a query.
    ///
    /// # Errors
    /// When something is not UTF-8.
    pub fn of_query(query: Option<&str>) -> Result<Self, Failure> {
        Self::read(query.unwrap_or_default().as_bytes())
    }

    /// Reads a query and a body; of what is in both, the body counts.
    ///
    /// # Errors
    /// When the body is not urlencoded, or something is not UTF-8.
    pub fn of_body(query: Option<&str>, headers: &HeaderMap, body: &[u8]) -> Result<Self, Failure> {
        let content_type = headers
            .get(header::CONTENT_TYPE)
            .map_or("", |value| value.to_str().unwrap_or("?"));
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        if !media_type.is_empty()
            && !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded")
        {
            return Err(Refusal::content_type(content_type).into());
        }
        let mut params = Self::of_query(query)?;
        params.0.extend(Self::read(body)?.0);
        Ok(params)
    }

    fn read(bytes: &[u8]) -> Result<Self, Failure> {
        let mut pairs = Vec::new();
        for pair in bytes
            .split(|byte| *byte == b'&')
            .filter(|pair| !pair.is_empty())
        {
            let mut parts = pair.splitn(2, |byte| *byte == b'=');
            let name = decoded(parts.next().unwrap_or_default())?;
            let value = decoded(parts.next().unwrap_or_default())?;
            pairs.push((name, value));
        }
        Ok(Self(pairs))
    }

    /// All of them.
    #[must_use]
    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// A parameter that was sent and is not blank; the last of several.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.sent(name).filter(|value| !value.is_empty())
    }

    /// A parameter that was sent, though it may be blank.
    #[must_use]
    pub fn sent(&self, name: &str) -> Option<&str> {
        let last = self.0.iter().rev().find(|(given, _)| given == name);
        last.map(|(_, value)| value.trim())
    }

    /// `usage[metric]=value`: (metric, value) in the order they came; the last of a metric sent twice. None when there is no
    /// usage at all.
    #[must_use]
    pub fn usage(&self) -> Option<Vec<(&str, &str)>> {
        let mut found = None::<Vec<(&str, &str)>>;
        for (name, value) in &self.0 {
            let Some(metric) = name
                .strip_prefix("usage[")
                .and_then(|rest| rest.strip_suffix(']'))
            else {
                continue;
            };
            let found = found.get_or_insert_default();
            match found.iter_mut().find(|(known, _)| *known == metric) {
                Some((_, known)) => *known = value,
                None => found.push((metric, value)),
            }
        }
        found
    }

    /// `transactions[label]…`, by label in the order they came.
    ///
    /// # Errors
    /// 400 when there are none, or what is there is not a list of transactions.
    pub fn transactions(&self) -> Result<Vec<Transaction>, Failure> {
        let mut places = HashMap::new();
        let mut transactions: Vec<Transaction> = Vec::new();
        for (name, value) in &self.0 {
            let Some(rest) = name.strip_prefix("transactions") else {
                continue;
            };
            let (label, own) = rest
                .strip_prefix('[')
                .and_then(|rest| rest.split_once(']'))
                .filter(|(label, _)| !label.is_empty())
                .and_then(|(label, rest)| Some((label, own_name(rest)?)))
                .ok_or_else(Refusal::transactions_format)?;
            let place = *places.entry(label).or_insert_with(|| {
                transactions.push(Transaction {
                    label: label.to_owned(),
                    params: Self::default(),
                });
                transactions.len() - 1
            });
            if let Some(transaction) = transactions.get_mut(place) {
                transaction.params.0.push((own, value.clone()));
            }
        }
        if transactions.is_empty() {
            return Err(Refusal::transactions_blank().into());
        }
        Ok(transactions)
    }
}

/// `[usage][hits]` → `usage[hits]`, `[app_id]` → `app_id`.
fn own_name(rest: &str) -> Option<String> {
    let (first, rest) = rest.strip_prefix('[')?.split_once(']')?;
    let is_whole = rest.is_empty() || (rest.starts_with('[') && rest.ends_with(']'));
    (!first.is_empty() && is_whole).then(|| format!("{first}{rest}"))
}

fn decoded(bytes: &[u8]) -> Result<String, Failure> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        let escaped = match (first, tail) {
            (b'%', [high, low, ..]) => hex_digit(*high).zip(hex_digit(*low)),
            _ => None,
        };
        if let Some((high, low)) = escaped {
            decoded.push(high * 16 + low);
            rest = tail.get(2..).unwrap_or_default();
        } else {
            decoded.push(if *first == b'+' { b' ' } else { *first });
            rest = tail;
        }
    }
    String::from_utf8(decoded).map_err(|_| Refusal::not_valid_data().into())
}

fn hex_digit(byte: u8) -> Option<u8> {
    let digit = char::from(byte).to_digit(16)?;
    u8::try_from(digit).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transactions_are_told_apart_by_their_labels() {
        let body = b"service_id=1&transactions[0][app_id]=a&transactions[x][usage][hits]=2&transactions%5B0%5D%5Busage%5D%5Bhits%5D=1&transactions[x][usage][hits]=3";
        let params = Params::read(body).unwrap();
        let transactions = params.transactions().unwrap();
        let told: Vec<_> = transactions
            .iter()
            .map(|one| {
                (
                    one.label.as_str(),
                    one.params.text("app_id"),
                    one.params.usage(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                ("0", Some("a"), Some(vec![("hits", "1")])),
                ("x", None, Some(vec![("hits", "3")])),
            ]
        );
        assert_eq!(params.text("service_id"), Some("1"));
        assert_eq!(params.usage(), None);
    }

    #[test]
    fn what_is_no_list_of_transactions_is_refused() {
        for body in [
            "",
            "transactions=x",
            "transactions[]=x",
            "transactions[][app_id]=x",
            "transactions[0]=x",
            "transactions[0][]=x",
            "transactions[0][a]b=x",
            "transactions[0]a[b]=x",
        ] {
            let params = Params::read(body.as_bytes()).unwrap();
            assert!(params.transactions().is_err(), "{body}");
        }
        assert!(Params::read(b"a=%ff").is_err());
        assert!(Params::read(b"%ff=a").is_err());
        assert_eq!(Params::read(b"a=%4&a=%zz+").unwrap().text("a"), Some("%zz"));
    }
}
