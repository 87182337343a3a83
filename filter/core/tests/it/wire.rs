//! The wire: bytes that were ever released decode for ever, and no bytes do harm.
//!
//! A message of each version is kept in `tests/golden`, in both forms. When a *new* version is added, its files are
//! written by running these tests with `TALLYGATE_WRITE_GOLDEN=1`; files that are there already never change.

use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use std::path::PathBuf;
use tallygate_core::id::{ApplicationId, MetricId, PlanId, ProductId};
use tallygate_core::period::Period;
use tallygate_core::wire::*;

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

fn text(status: u16, body: &str) -> ErrorTextV1 {
    ErrorTextV1 {
        status,
        content_type: "text/plain; charset=utf-8".into(),
        body: body.into(),
    }
}

fn credentials(kind: CredentialKindV1, sources: &[SourceV1]) -> CredentialsV1 {
    CredentialsV1 {
        kind,
        sources: sources.to_vec(),
        user_key: "user_key".into(),
        app_id: "api_user".into(),
        app_key: "api_key".into(),
        jwt_claim: vec!["payload".into(), "azp".into()],
        strip: true,
    }
}

fn product() -> ProductV1 {
    let limit = |(n, period): (u64, Period)| LimitV1 {
        metric: MetricId(8),
        period,
        value: 600 * n,
    };
    ProductV1 {
        id: ProductId(3),
        revision: 70_000,
        system_name: "mail".into(),
        metrics: vec![
            MetricV1 {
                id: MetricId(7),
                parent: None,
                system_name: "hits".into(),
            },
            MetricV1 {
                id: MetricId(8),
                parent: Some(MetricId(7)),
                system_name: "web_api".into(),
            },
        ],
        plans: vec![PlanV1 {
            id: PlanId(5),
            limits: (0..).zip(Period::ALL).map(limit).collect(),
        }],
        config: Some(ConfigV1 {
            version: 12,
            public_urls: vec![PublicUrlV1 {
                host: "*.example.com".into(),
                base_path: "/mail".into(),
            }],
            rules: vec![RuleV1 {
                methods: vec!["GET".into(), "POST".into()],
                pattern: "/api/{version}/mail?to={address}".into(),
                usages: vec![(MetricId(8), 1), (MetricId(7), u64::MAX)],
                last: true,
            }],
            credentials: credentials(
                CredentialKindV1::AppIdAndKey,
                &[
                    SourceV1::Query,
                    SourceV1::Headers,
                    SourceV1::Basic,
                    SourceV1::Bearer,
                    SourceV1::Form,
                    SourceV1::Jwt,
                ],
            ),
            errors: ErrorsV1::Custom {
                auth_missing: text(401, "no credentials"),
                auth_failed: text(403, "wrong credentials"),
                no_match: text(404, "no rule"),
                limits_exceeded: text(429, "zu viel \u{1f4ee}"),
            },
            upstream: Some(UpstreamV1 {
                tls: true,
                authority: "mail.internal:8443".into(),
                path_prefix: "/v3".into(),
                host_rewrite: Some("mail.example.net".into()),
            }),
            secret_token: "shared-secret".into(),
            debug_secret: Some([0xdb; 16]),
            rate_limit_headers: true,
            form_in_rules: false,
        }),
    }
}

/// A snapshot with everything in it.
fn snapshot() -> Snapshot {
    let plain = ProductV1 {
        id: ProductId(4),
        plans: Vec::new(),
        config: product().config.map(|config| ConfigV1 {
            credentials: credentials(CredentialKindV1::UserKey, &[SourceV1::Headers]),
            errors: ErrorsV1::Problem,
            upstream: None,
            debug_secret: None,
            rate_limit_headers: false,
            form_in_rules: true,
            ..config
        }),
        ..product()
    };
    let deleted = ProductV1 {
        id: ProductId(6),
        metrics: Vec::new(),
        plans: Vec::new(),
        config: None,
        ..product()
    };
    Snapshot::V1(SnapshotV1 {
        epoch: 1_795_514_400_123,
        now_ms: 1_795_514_400_456,
        next: Cursor {
            products: 70_001,
            applications: 70_001,
            application: i64::MAX,
        },
        complete: true,
        applications_total: 1_000_000,
        products: vec![product(), plain, deleted],
        applications: vec![
            ApplicationV1 {
                id: ApplicationId(11),
                revision: 70_001,
                ident: [0x1d; 16],
                product: ProductId(3),
                plan: PlanId(5),
                live: true,
                keys: vec![[0xa1; 16], [0xa2; 16]],
            },
            ApplicationV1 {
                id: ApplicationId(i64::MAX),
                revision: 70_001,
                ident: [0x2d; 16],
                product: ProductId(3),
                plan: PlanId(5),
                live: false,
                keys: Vec::new(),
            },
        ],
    })
}

fn usage_rows() -> Vec<UsageRowV1> {
    vec![
        UsageRowV1 {
            application: ApplicationId(11),
            usage: vec![
                UsageV1 {
                    metric: MetricId(7),
                    minute: 29_925_240,
                    delta: 3,
                },
                UsageV1 {
                    metric: MetricId(i64::MAX),
                    minute: u32::MAX,
                    delta: u64::MAX,
                },
            ],
            cells: vec![CellTotalsV1 {
                metric: MetricId(7),
                period: Period::Eternity,
                window: 0,
                spent: 1_000,
                returned: 24,
            }],
        },
        UsageRowV1 {
            application: ApplicationId(12),
            usage: Vec::new(),
            cells: Vec::new(),
        },
    ]
}

fn sync() -> Sync {
    Sync::V1(SyncV1 {
        instance: *b"sixteen bytes !!",
        epoch: 1_795_514_400_123,
        seq: 300,
        rows: encode(&usage_rows()),
        draining: true,
        health: HealthV1 {
            version: "0.1.0".into(),
            revision: 70_001,
            batches_waiting: 2,
            rejected_entries: 1,
        },
    })
}

fn sync_answer() -> SyncAnswer {
    SyncAnswer::V1(SyncAnswerV1 {
        now_ms: 1_795_514_400_456,
        epoch: 1_795_514_400_123,
        ack: 300,
        rejected: vec![(1, "there is no application 12".into())],
    })
}

#[test]
fn snapshot_v1() {
    check("snapshot-v1", &snapshot());
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
fn usage_rows_v1() {
    check("usage-rows-v1", &usage_rows());
}

#[test]
fn a_page_has_room_for_a_good_many_applications() {
    let Snapshot::V1(mut page) = snapshot();
    page.products.clear();
    page.applications = vec![page.applications[0].clone(); 3_000];
    page.applications
        .iter_mut()
        .for_each(|row| row.keys.truncate(1));
    assert!(encode(&Snapshot::V1(page)).len() < PAGE_BYTES);
}

/// Any bytes, or those of a real message with some changed, cut off or put in.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let real = vec![
        encode(&snapshot()),
        encode(&sync()),
        encode(&sync_answer()),
        encode(&usage_rows()),
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
        survives::<ProductV1>(&bytes);
    }
}
