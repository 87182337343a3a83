//! A report of traffic with everything in it.

use tallygate_core::id::ApplicationId;
use tallygate_core::wire::*;

pub(super) fn traffic() -> Traffic {
    let outcomes = (1..).step_by(1_000);
    Traffic::V1(TrafficV1 {
        instance: [0x1a; 16],
        number: 70_000,
        rows: vec![
            TrafficRowV1 {
                application: ApplicationId(11),
                quarter: 1_995_016,
                outcomes: TrafficOutcomeV1::ALL.into_iter().zip(outcomes).collect(),
                durations: vec![(0, 3), (12, u64::MAX)],
                keys: vec![[0xa1; 16], [0xa2; 16]],
            },
            TrafficRowV1 {
                application: ApplicationId(i64::MAX),
                quarter: u32::MAX,
                outcomes: Vec::new(),
                durations: Vec::new(),
                keys: Vec::new(),
            },
        ],
    })
}
