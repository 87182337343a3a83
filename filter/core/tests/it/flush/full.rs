//! A batch is filled to its last byte, and what finds no room waits, the totals of cells with it.

use super::*;
use tallygate_core::outbox::BATCH_BYTES;
use tallygate_core::wire::encode;

const LAST: ApplicationId = ApplicationId(i64::MAX);

/// A slot that fills a batch but for some 500 bytes.
fn nearly_full() -> Slot {
    let mut slot = Slot::read(None, &INSTANCE);
    for id in 1.. {
        let bytes: usize = slot.rows().iter().map(|row| encode(row).len()).sum();
        let metrics = (BATCH_BYTES - bytes - 500) / 25;
        let metrics = i64::try_from(metrics.min(100)).expect("small");
        if metrics == 0 {
            break;
        }
        let mut charge = charge(&big_usage(metrics), &[], NOW_SECS);
        slot.admit(ApplicationId(id), &mut charge, &moment(NOW_SECS))
            .expect("no limit");
    }
    slot
}

#[test]
fn totals_are_told_beside_the_last_of_their_usage() {
    let nearly_full = nearly_full();
    let limits = Period::ALL.map(|period| (1, period, 9));
    let moment = moment(NOW_SECS);
    let mut first_with_totals = BTreeSet::new();
    for filling in (60..84).step_by(2) {
        let mut slot = nearly_full.clone();
        let usage: Vec<_> = (1..=filling).map(|metric| (metric, 1)).collect();
        slot.admit(
            ApplicationId(-1),
            &mut charge(&usage, &[], NOW_SECS),
            &moment,
        )
        .expect("no limit");
        let mut last = charge(&[(1, 1)], &limits, NOW_SECS);
        slot.apply(LAST, &all_of(&last), moment.now_ms);
        slot.admit(LAST, &mut last, &moment).expect("room");

        let process = Quiet::new(1);
        process.memory.put(&process.keys.slot(0), slot.as_bytes());
        process.flush().enqueue(0);
        let mut told = Vec::new();
        for batch in 1.. {
            if process.flush().seal() == Sealed::Nothing {
                break;
            }
            let outbox = process.flush().outbox().0;
            let rows = &outbox.next().expect("a batch").rows;
            assert!(rows.len() <= PAGE_BYTES);
            let rows: Vec<UsageRowV1> = decode(rows).expect("rows");
            for row in rows.iter().filter(|row| row.application == LAST) {
                told.push((batch, row.usage.len(), row.cells.len()));
            }
            process.deliver();
        }
        let [(batch, 1, 7)] = told[..] else {
            unreachable!("behind {filling} usages: {told:?}");
        };
        first_with_totals.insert(batch);
    }
    assert_eq!(first_with_totals, BTreeSet::from([1, 2]));
}
