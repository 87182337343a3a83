//! Records that hold nothing are forgotten once the ledger knows all of them, and no sooner.

use super::*;
use tallygate_core::forget::{QUIET_MS, Quiet as Seen};
use tallygate_core::wire::LeaseTotalsV1;

const ONE: ApplicationId = ApplicationId(1);
const NOW_MS: u64 = NOW_SECS * 1_000;
/// The mark that came with the credit is over by then.
const LATER_MS: u64 = NOW_MS + 60_000;
const LIMITS: [(i64, Period, u64); 1] = [(1, Period::Year, 10)];

/// What a record has left, and how far its last usage has come.
#[derive(Clone, Copy, Debug)]
enum Come {
    /// Some of its credit is left.
    Holding,
    /// All of it is spent, and the usage is in the record.
    Used,
    Sealed,
    Delivered,
    /// The rest was returned, and nobody knows.
    Returned,
    Told,
    /// More than all of it is spent.
    Overdrawn,
}

fn process(come: Come) -> Quiet {
    let process = Quiet::new(1);
    let spend = |delta, may_overdraw| {
        let mut charge = charge(&[(1, delta)], &LIMITS, NOW_SECS);
        let moment = Moment {
            may_overdraw,
            ..moment(NOW_SECS)
        };
        let admission = admit(&process.flush(), ONE, &mut charge, &moment);
        assert!(matches!(admission, Admission::Admitted { .. }));
    };
    let mut answer = all_of(&charge(&[(1, 1)], &LIMITS, NOW_SECS));
    answer[0].totals.granted = 8;
    answer[0].free = 2;
    process.flush().apply(ONE, &answer, NOW_MS);
    match come {
        Come::Holding | Come::Returned | Come::Told => spend(4, false),
        Come::Used | Come::Sealed | Come::Delivered => spend(8, false),
        Come::Overdrawn => spend(9, true),
    }
    if matches!(come, Come::Used) {
        return process;
    }
    process.flush().seal();
    if matches!(come, Come::Sealed) {
        return process;
    }
    process.deliver();
    if matches!(come, Come::Returned | Come::Told) {
        process.flush().recall(ONE, &[answer[0].totals], NOW_MS);
    }
    if matches!(come, Come::Told) {
        process.flush().seal();
        process.deliver();
    }
    process
}

impl Quiet {
    fn forget(&self, seen: &mut Seen, now_ms: u64) {
        self.flush().forget(seen, 0..1, now_ms);
    }

    /// Whether nothing is known of the application.
    fn has_forgotten(&self) -> bool {
        let charge = charge(&[(1, 1)], &LIMITS, NOW_SECS);
        let asked = tallygate_core::admission::asked(&self.flush(), ONE, &charge, 1);
        asked[0].totals.granted == 0
    }
}

#[test]
fn what_only_the_record_knows_is_kept() {
    let check = |come, forgets| {
        let process = process(come);
        let mut seen = Seen::default();
        for at_ms in (LATER_MS..LATER_MS + 4 * QUIET_MS).step_by(1_000) {
            process.forget(&mut seen, at_ms);
        }
        assert_eq!(process.has_forgotten(), forgets, "{come:?}");
    };
    check(Come::Holding, false);
    check(Come::Used, false);
    check(Come::Sealed, false);
    check(Come::Delivered, true);
    check(Come::Returned, false);
    check(Come::Told, true);
    check(Come::Overdrawn, false);
}

#[test]
fn a_record_is_forgotten_when_its_slot_was_left_alone_for_a_while() {
    let process = process(Come::Delivered);
    let mut seen = Seen::default();
    let mut check = |at_ms, forgets| {
        process.forget(&mut seen, at_ms);
        assert_eq!(process.has_forgotten(), forgets, "{}", at_ms - LATER_MS);
    };
    check(LATER_MS, false);
    check(LATER_MS + QUIET_MS - 1, false);
    // Somebody else's request: the time begins anew.
    process.admit(2, &[(1, 1)]);
    check(LATER_MS + QUIET_MS, false);
    check(LATER_MS + 2 * QUIET_MS - 1, false);
    // The clock was set back: nobody knows how long it was.
    check(LATER_MS, false);
    check(LATER_MS + QUIET_MS - 1, false);
    check(LATER_MS + QUIET_MS, true);
    // What the neighbour has to report is still there.
    assert_eq!(process.flush().slot(0).0.rows().len(), 1);
}

#[test]
fn a_mark_that_binds_is_kept() {
    let process = process(Come::Delivered);
    let mut seen = Seen::default();
    // Seen while the mark bound, it is not on its way to be forgotten.
    process.forget(&mut seen, NOW_MS);
    process.forget(&mut seen, NOW_MS + QUIET_MS);
    assert!(!process.has_forgotten());
    process.forget(&mut seen, NOW_MS + 2 * QUIET_MS);
    assert!(process.has_forgotten());
}

#[test]
fn whoever_writes_in_between_wins() {
    let mut seen_by_call = Vec::new();
    for at in 0.. {
        let process = process(Come::Delivered);
        let mut seen = Seen::default();
        process.forget(&mut seen, LATER_MS);
        let calls = Cell::new(0);
        let before = || {
            if calls.replace(calls.get() + 1) == at {
                process.admit(1, &[(2, 1)]);
            }
        };
        let data = Hooked::new(&process.memory, &before);
        let flush = Flush {
            data: &data,
            keys: &process.keys,
            instance: INSTANCE,
        };
        flush.forget(&mut seen, 0..1, LATER_MS + QUIET_MS);
        if calls.get() <= at {
            assert!(process.has_forgotten());
            break;
        }
        assert!(!process.has_forgotten(), "call {at}");
        seen_by_call.push(process.flush().slot(0).0.rows().len());
    }
    assert_eq!(
        seen_by_call, [1; 4],
        "the slot, the outbox, the instance, the slot"
    );
}

#[test]
fn the_next_answer_tells_what_was_forgotten() {
    let process = process(Come::Delivered);
    let mut seen = Seen::default();
    process.forget(&mut seen, LATER_MS);
    process.forget(&mut seen, LATER_MS + QUIET_MS);
    assert!(process.has_forgotten());
    let mut request = charge(&[(1, 1)], &LIMITS, NOW_SECS);
    let later = moment(NOW_SECS + 120);
    let admission = admit(&process.flush(), ONE, &mut request, &later);
    assert_eq!(admission, Admission::Dry);
    // The ledger knows that eight of ten are spent, and grants one.
    let mut answer = all_of(&request);
    answer[0].totals = LeaseTotalsV1 {
        granted: 9,
        spent: 8,
        ..answer[0].totals
    };
    process.flush().apply(ONE, &answer, later.now_ms);
    let admission = admit(&process.flush(), ONE, &mut request, &later);
    assert_eq!(admission, ADMITTED);
    let admission = admit(&process.flush(), ONE, &mut request, &later);
    assert_eq!(admission, Admission::Exceeded);
}

#[test]
fn data_of_another_instance_are_left_alone() {
    let process = process(Come::Delivered);
    let mut seen = Seen::default();
    process.forget(&mut seen, LATER_MS);
    process.memory.put(&process.keys.instance(), &[4; 16]);
    let before = process.flush().slot(0);
    process.forget(&mut seen, LATER_MS + QUIET_MS);
    assert_eq!(process.flush().slot(0), before);
}
