//! A snapshot with everything in it.

use tallygate_core::id::{ApplicationId, BackendId, MetricId, PlanId, ProductId};
use tallygate_core::period::Period;
use tallygate_core::wire::*;

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
        referrers_required: false,
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
            on_disconnect: OnDisconnectV1::Deny,
            backends: Vec::new(),
        }),
    }
}

/// A snapshot with everything in it.
pub(super) fn snapshot() -> Snapshot {
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
            on_disconnect: OnDisconnectV1::Allow,
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
                referrers: Vec::new(),
                ending: Vec::new(),
            },
            ApplicationV1 {
                id: ApplicationId(i64::MAX),
                revision: 70_001,
                ident: [0x2d; 16],
                product: ProductId(3),
                plan: PlanId(5),
                live: false,
                keys: Vec::new(),
                referrers: Vec::new(),
                ending: Vec::new(),
            },
        ],
    })
}

/// One with what version 2 has beyond that.
pub(super) fn snapshot_v2() -> Snapshot {
    let mut page = snapshot().into_page();
    page.products[1].referrers_required = true;
    page.applications[0].referrers = vec!["*.example.com".into(), "shop.example".into()];
    let rule = |pattern: &str| RuleV1 {
        methods: vec!["ANY".into()],
        pattern: pattern.into(),
        usages: vec![(MetricId(8), 1)],
        last: false,
    };
    let upstream = |authority: &str| UpstreamV1 {
        tls: false,
        authority: authority.into(),
        path_prefix: String::new(),
        host_rewrite: None,
    };
    if let Some(config) = page.products[0].config.as_mut() {
        config.upstream = None;
        config.backends = vec![
            BackendV1 {
                id: BackendId(21),
                path: "/".into(),
                upstream: upstream("letters.internal"),
                cluster: None,
                rules: vec![rule("/"), rule("/letters/{id}$")],
            },
            BackendV1 {
                id: BackendId(22),
                path: "/parcels/v2".into(),
                upstream: upstream("parcels.internal:8080"),
                cluster: Some("parcels".into()),
                rules: Vec::new(),
            },
        ];
    }
    Snapshot::V2(page)
}

/// One with what version 3 has beyond that: of its keys one ends after this page, and one has ended.
pub(super) fn snapshot_v3() -> Snapshot {
    let mut page = snapshot_v2().into_page();
    let now_secs = page.now_ms / 1_000;
    page.applications[0].ending = vec![
        EndingKeyV1 {
            key: [0xa3; 16],
            end_secs: now_secs + 1,
        },
        EndingKeyV1 {
            key: [0xa4; 16],
            end_secs: now_secs,
        },
    ];
    Snapshot::V3(page)
}
