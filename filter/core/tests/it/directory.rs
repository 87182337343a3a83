//! Buckets of applications, against a map by ident.

use proptest::prelude::*;
use std::collections::BTreeMap;
use tallygate_core::directory::{self, Application, bucket_bits, bucket_of, updated};
use tallygate_core::id::{ApplicationId, PlanId, ProductId};
use tallygate_core::wire::{ApplicationV1, Digest, EndingKeyV1};

fn application(id: i64, revision: i64, ident: Digest, keys: usize) -> ApplicationV1 {
    ApplicationV1 {
        id: ApplicationId(id),
        revision,
        ident,
        product: ProductId(1),
        plan: PlanId(revision / 2),
        live: revision % 3 != 0,
        keys: (0..keys)
            .map(|n| [u8::try_from(n % 256).expect("a byte"); 16])
            .collect(),
        // Some have filters, whatever else they have.
        referrers: (0..id.max(2) - 2)
            .map(|n| format!("*.{n}.example"))
            .collect(),
        // And some have keys that end.
        ending: (0..u64::try_from(revision % 4).unwrap_or_default())
            .map(|n| EndingKeyV1 {
                key: [u8::try_from(100 + n).expect("a byte"); 16],
                end_secs: n * 1_000_000_007,
            })
            .collect(),
    }
}

/// What the edge should know of it.
fn known(wire: &ApplicationV1) -> Application {
    Application {
        id: wire.id,
        plan: wire.plan,
        revision: wire.revision,
        live: wire.live,
        keys: wire.keys.iter().copied().take(255).collect(),
        referrers: wire.referrers.clone(),
        ending: wire.ending.clone(),
    }
}

#[test]
fn the_number_of_buckets_follows_the_number_of_applications() {
    let check = |applications, bits| assert_eq!(bucket_bits(applications), bits, "{applications}");
    check(0, 6);
    check(2_048, 6);
    check(2_049, 7);
    check(1_000_000, 15);
    check(1_048_576, 15);
    check(1_048_577, 16);
    check(u64::MAX, 20);
}

#[test]
fn idents_are_spread_over_all_buckets() {
    for bits in 0..=32 {
        assert_eq!(bucket_of(&[0; 16], bits), 0, "{bits}");
        let last = bucket_of(&[0xff; 16], bits);
        let expected = (1_u64 << bits.max(1)) - 1;
        assert_eq!(u64::from(last), expected, "{bits}");
    }
    assert_eq!(bucket_of(&[0x80; 16], 6), 0b10_0000);
}

#[test]
fn an_application_with_one_key_takes_58_bytes() {
    let applications: Vec<_> = (0..32_u8).map(|n| application(1, 4, [n; 16], 1)).collect();
    let bucket = updated(b"", &applications.iter().collect::<Vec<_>>());
    assert_eq!(directory::len(&bucket), 32);
    assert_eq!(bucket.len(), 32 * 58);
}

#[test]
fn more_keys_than_fit_are_left_out() {
    let many = application(1, 1, [1; 16], 300);
    let next = application(2, 1, [2; 16], 0);
    let bucket = updated(b"", &[&many, &next]);
    assert_eq!(directory::find(&bucket, &[1; 16]), Some(known(&many)));
    assert_eq!(directory::find(&bucket, &[2; 16]), Some(known(&next)));
}

#[test]
fn a_key_ends_at_its_second() {
    let ending = |key, end_secs| EndingKeyV1 {
        key: [key; 16],
        end_secs,
    };
    let wire = ApplicationV1 {
        keys: vec![[1; 16]],
        ending: vec![ending(2, 100), ending(3, u64::MAX)],
        ..application(1, 4, [9; 16], 0)
    };
    let known = directory::find(&updated(b"", &[&wire]), &[9; 16]).expect("it was written");
    for (key, now_secs, expected) in [
        (1, u64::MAX, true),
        (2, 99, true),
        (2, 100, false),
        (3, 100, true),
        (4, 0, false),
    ] {
        assert_eq!(
            known.has_key(&[key; 16], now_secs),
            expected,
            "{key} {now_secs}"
        );
    }
    assert_eq!(wire.keys_at(99), [[1; 16], [2; 16], [3; 16]]);
    assert_eq!(wire.keys_at(100), [[1; 16], [3; 16]]);
}

fn changes() -> impl Strategy<Value = Vec<ApplicationV1>> {
    let change = (1_i64..5, 1_i64..9, 0_u8..5, 0_usize..3)
        .prop_map(|(id, revision, ident, keys)| application(id, revision, [ident; 16], keys));
    prop::collection::vec(change, 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_newest_revision_of_each_ident_is_kept(pages in prop::collection::vec(changes(), 0..8)) {
        let mut bucket = Vec::new();
        let mut model: BTreeMap<Digest, ApplicationV1> = BTreeMap::new();
        for page in &pages {
            bucket = updated(&bucket, &page.iter().collect::<Vec<_>>());
            for change in page {
                let newer = model.get(&change.ident).is_some_and(|known| known.revision > change.revision);
                if !newer {
                    model.insert(change.ident, change.clone());
                }
            }
            prop_assert_eq!(directory::len(&bucket), model.len());
            for ident in (0..6).map(|n| [n; 16]) {
                let expected = model.get(&ident).map(known);
                prop_assert_eq!(directory::find(&bucket, &ident), expected);
            }
            // Once more changes nothing but the order.
            let again = updated(&bucket, &page.iter().collect::<Vec<_>>());
            prop_assert_eq!(again.len(), bucket.len());
        }
    }

    #[test]
    fn any_bytes_are_a_bucket(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let one = application(1, i64::MAX, [7; 16], 1);
        let bucket = updated(&bytes, &[&one]);
        prop_assert_eq!(directory::find(&bucket, &[7; 16]), Some(known(&one)));
        prop_assert!(directory::len(&bucket) <= directory::len(&bytes) + 1);
    }
}
