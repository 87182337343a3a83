//! The wire: bytes that were ever released decode for ever, and no bytes do harm.
//!
//! A message of each version is kept in `tests/golden`, in both forms. When a *new* version is added, its files are
//! written by running these tests with `TALLYGATE_WRITE_GOLDEN=1`; files that are there already never change.

mod snapshot;
mod traffic;
mod usage;

use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use snapshot::{snapshot, snapshot_v2, snapshot_v3};
use std::fmt::Debug;
use std::path::PathBuf;
use tallygate_core::wire::*;
use traffic::traffic;
use usage::{ask, ask_answer, sync, sync_answer, usage_rows};

fn golden(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(file)
}

/// Compares with a file, or writes it if there is none and that was asked for.
fn same_as_file(file: &str, bytes: &[u8]) {
    let path = golden(file);
    if !path.exists() && std::env::var_os("TALLYGATE_WRITE_GOLDEN").is_some() {
        std::fs::write(&path, bytes).expect("tests/golden can be written");
    }
    let kept = std::fs::read(&path).expect("kept for ever");
    assert_eq!(
        String::from_utf8_lossy(bytes),
        String::from_utf8_lossy(&kept),
        "{file}: what was released cannot be changed; make a new version"
    );
}

fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(name: &str, message: &T) {
    same_as_file(&format!("{name}.postcard"), &encode(message));
    let json = serde_json::to_string_pretty(message).expect("plain data");
    same_as_file(&format!("{name}.json"), format!("{json}\n").as_bytes());

    let compact = std::fs::read(golden(&format!("{name}.postcard"))).expect("kept for ever");
    assert_eq!(decode::<T>(&compact).as_ref(), Ok(message), "{name}");
    let text = std::fs::read_to_string(golden(&format!("{name}.json"))).expect("kept for ever");
    assert_eq!(
        serde_json::from_str::<T>(&text).ok().as_ref(),
        Some(message),
        "{name}"
    );

    // Exactly one message: neither less nor more.
    for end in 0..compact.len() {
        assert_eq!(
            decode::<T>(&compact[..end]),
            Err(Unreadable),
            "{name} up to {end}"
        );
    }
    let longer = [&compact[..], &[0]].concat();
    assert_eq!(decode::<T>(&longer), Err(Unreadable), "{name}");
}

#[test]
fn snapshot_v1() {
    check("snapshot-v1", &snapshot());
}

#[test]
fn snapshot_v2_has_backends_and_referrers() {
    check("snapshot-v2", &snapshot_v2());
}

#[test]
fn who_reads_version_1_is_not_sent_what_it_cannot_say() {
    let whole = snapshot_v2().into_page();
    let read: Snapshot = decode(&encode(&Snapshot::V1(whole.clone()))).expect("a message");
    let read = read.into_page();
    // With backends it would go wrong: then better not at all.
    assert_eq!(read.products[0].config, None);
    // Nor can it ask where requests come from.
    assert_eq!(read.products[1].config, None);
    assert_eq!(read.products[1].plans, whole.products[1].plans);
    assert_eq!(read.products[2..], whole.products[2..]);
    let mut applications = whole.applications;
    applications[0].referrers.clear();
    assert_eq!(read.applications, applications);
    assert_eq!((read.next, read.epoch), (whole.next, whole.epoch));
}

#[test]
fn snapshot_v3_has_keys_that_end() {
    check("snapshot-v3", &snapshot_v3());
}

#[test]
fn who_reads_version_2_has_keys_until_they_end() {
    let whole = snapshot_v3().into_page();
    let read: Snapshot = decode(&encode(&Snapshot::V2(whole.clone()))).expect("a message");
    let read = read.into_page();
    assert_eq!(read.products, whole.products);
    assert_eq!(
        read.applications[0].keys,
        [[0xa1; 16], [0xa2; 16], [0xa3; 16]]
    );
    assert_eq!(
        read.applications[0].referrers,
        whole.applications[0].referrers
    );
    assert_eq!(read.applications[0].ending, []);
    assert_eq!(read.applications[1], whole.applications[1]);
}

#[test]
fn traffic_v1() {
    check("traffic-v1", &traffic());
    let answer = TrafficAnswer::V1(TrafficAnswerV1 { applied: true });
    check("traffic-answer-v1", &answer);
}

#[test]
fn sync_v1() {
    check("sync-v1", &sync());
}

#[test]
fn sync_answer_v1() {
    check("sync-answer-v1", &sync_answer());
}

#[test]
fn ask_v1() {
    check("ask-v1", &ask());
}

#[test]
fn ask_answer_v1() {
    check("ask-answer-v1", &ask_answer(OutcomeV1::Short));
}

#[test]
fn outcomes_have_their_places() {
    let granted = encode(&ask_answer(OutcomeV1::Granted));
    let short = encode(&ask_answer(OutcomeV1::Short));
    let differ: Vec<_> = granted
        .iter()
        .zip(&short)
        .filter(|(granted, short)| granted != short)
        .collect();
    assert_eq!(differ, [(&0, &1)]);
    check("ask-answer-later-v1", &ask_answer(OutcomeV1::Later));
}

#[test]
fn a_configuration_without_a_policy_keeps_serving() {
    let page = snapshot().into_page();
    let config = page.products.into_iter().find_map(|product| product.config);
    let mut json = serde_json::to_value(config).expect("plain data");
    assert_eq!(json["on_disconnect"], "deny");
    json.as_object_mut()
        .expect("an object")
        .remove("on_disconnect");
    let config: ConfigV1 = serde_json::from_value(json).expect("the policy may be missing");
    assert_eq!(config.on_disconnect, OnDisconnectV1::Allow);
}

#[test]
fn usage_rows_v1() {
    check("usage-rows-v1", &usage_rows());
}

#[test]
fn a_page_has_room_for_a_good_many_applications() {
    let mut page = snapshot().into_page();
    page.products.clear();
    page.applications = vec![page.applications[0].clone(); 3_000];
    page.applications
        .iter_mut()
        .for_each(|row| row.keys.truncate(1));
    assert!(encode(&Snapshot::V3(page)).len() < PAGE_BYTES);
}

/// Any bytes, or those of a real message with some changed, cut off or put in.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let real = vec![
        encode(&snapshot()),
        encode(&snapshot_v2()),
        encode(&snapshot_v3()),
        encode(&traffic()),
        encode(&sync()),
        encode(&sync_answer()),
        encode(&usage_rows()),
        encode(&ask()),
        encode(&ask_answer(OutcomeV1::Granted)),
    ];
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..6);
    let changed = (prop::sample::select(real), changes).prop_map(|(mut bytes, changes)| {
        for (at, byte, how) in changes {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                match how {
                    0 => bytes[at] = byte,
                    1 => bytes.insert(at, byte),
                    _ => bytes.truncate(at),
                }
            }
        }
        bytes
    });
    prop_oneof![prop::collection::vec(any::<u8>(), 0..100), changed]
}

fn survives<T: Serialize + DeserializeOwned + PartialEq + Debug>(bytes: &[u8]) {
    if let Ok(message) = decode::<T>(bytes) {
        assert_eq!(decode::<T>(&encode(&message)), Ok(message));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn no_bytes_do_harm(bytes in hostile()) {
        survives::<Snapshot>(&bytes);
        survives::<Sync>(&bytes);
        survives::<SyncAnswer>(&bytes);
        survives::<Vec<UsageRowV1>>(&bytes);
        survives::<Ask>(&bytes);
        survives::<AskAnswer>(&bytes);
        survives::<ProductV1>(&bytes);
        survives::<Traffic>(&bytes);
    }
}
