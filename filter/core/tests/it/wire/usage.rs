//! Usage and credit on their way, with everything in them.

use tallygate_core::id::{ApplicationId, MetricId, ProductId};
use tallygate_core::period::Period;
use tallygate_core::wire::*;

const INSTANCE: Instance = *b"sixteen bytes !!";
const EPOCH: i64 = 1_795_514_400_123;
const NOW_MS: u64 = 1_795_514_400_456;

/// Rows of a batch.
pub(super) fn usage_rows() -> Vec<UsageRowV1> {
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

/// A lease of a cell, in numbers that grow with `n`.
fn totals(n: u64, period: Period, window: u64) -> LeaseTotalsV1 {
    LeaseTotalsV1 {
        metric: MetricId(7),
        period,
        window,
        granted: 300 * n,
        spent: 200 * n,
        returned: 10 * n,
    }
}

fn leases() -> Vec<LeasesV1> {
    vec![
        LeasesV1 {
            application: ApplicationId(11),
            cells: vec![
                totals(1, Period::Minute, 1_795_514_400),
                totals(1_000, Period::Month, 1_793_491_200),
            ],
        },
        LeasesV1 {
            application: ApplicationId(i64::MAX),
            cells: vec![LeaseTotalsV1 {
                granted: u64::MAX,
                ..totals(0, Period::Eternity, 0)
            }],
        },
    ]
}

fn credits() -> Vec<CreditV1> {
    vec![
        CreditV1 {
            totals: totals(1, Period::Minute, 1_795_514_400),
            version: 70,
            free: 0,
            elsewhere: true,
            limits_rev: 70_001,
        },
        CreditV1 {
            totals: totals(2, Period::Week, 1_795_392_000),
            version: u64::MAX,
            free: u64::MAX,
            elsewhere: false,
            limits_rev: i64::MAX,
        },
    ]
}

/// A sync with a batch.
pub(super) fn sync() -> Sync {
    Sync::V1(SyncV1 {
        instance: INSTANCE,
        epoch: EPOCH,
        seq: 300,
        rows: encode(&usage_rows()),
        declared: leases(),
        draining: true,
        health: HealthV1 {
            version: "0.1.0".into(),
            revision: 70_001,
            batches_waiting: 2,
            rejected_entries: 1,
            products: vec![ProductHealthV1 {
                product: ProductId(3),
                admitted: 1_000_000,
                waited: 3_000,
                callouts: 200,
                overdraft: 10,
            }],
        },
    })
}

/// The answer to it.
pub(super) fn sync_answer() -> SyncAnswer {
    SyncAnswer::V1(SyncAnswerV1 {
        now_ms: NOW_MS,
        epoch: EPOCH,
        ack: 300,
        rejected: vec![(1, "there is no application 12".into())],
        credits: vec![CreditsV1 {
            application: ApplicationId(11),
            cells: credits(),
        }],
        recalls: leases(),
    })
}

/// A request waits for credit.
pub(super) fn ask() -> Ask {
    Ask::V1(AskV1 {
        instance: INSTANCE,
        epoch: EPOCH,
        application: ApplicationId(11),
        cells: vec![
            AskedCellV1 {
                totals: totals(1, Period::Minute, 1_795_514_400),
                need: 1,
                want: 300,
            },
            AskedCellV1 {
                totals: totals(2, Period::Week, 1_795_392_000),
                need: u64::MAX,
                want: u64::MAX,
            },
        ],
    })
}

/// The answer to it.
pub(super) fn ask_answer(outcome: OutcomeV1) -> AskAnswer {
    AskAnswer::V1(AskAnswerV1 {
        now_ms: NOW_MS,
        epoch: EPOCH,
        outcome,
        cells: match outcome {
            OutcomeV1::Later => Vec::new(),
            OutcomeV1::Granted | OutcomeV1::Short => credits(),
        },
    })
}
