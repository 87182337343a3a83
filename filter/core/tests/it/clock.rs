//! How the database's clock is measured over a network that is sometimes slow, on a machine whose clock is set.

use tallygate_core::clock::Measurements;

const SENT_MS: u64 = 1_795_514_400_000;

/// Takes an answer that took so long on its way there and back, by a clock that is so far behind.
fn take(
    clock: &mut Measurements,
    known: Option<i64>,
    (there_ms, back_ms): (u64, u64),
    behind_ms: i64,
) -> Option<i64> {
    let here = |ms: u64| ms.saturating_add_signed(-behind_ms);
    let answered_ms = SENT_MS + there_ms;
    let heard_ms = here(answered_ms + back_ms);
    clock.take(known, here(SENT_MS), heard_ms, answered_ms)
}

#[test]
fn the_fastest_round_trip_tells() {
    let mut clock = Measurements::default();
    assert_eq!(take(&mut clock, None, (10, 10), 700), Some(700));
    // Half of 38 ms wrong, which it would not be told.
    assert_eq!(take(&mut clock, Some(700), (40, 2), 700), None);
    assert_eq!(take(&mut clock, Some(700), (14, 10), 700), Some(702));
    assert_eq!(take(&mut clock, Some(702), (2, 2), 700), Some(700));
    assert_eq!(take(&mut clock, Some(700), (10, 10), 700), None);
}

#[test]
fn a_network_that_has_become_slower_is_measured_again() {
    let mut clock = Measurements::default();
    assert_eq!(take(&mut clock, None, (2, 2), 0), Some(0));
    let slow = (0..40).find(|_| take(&mut clock, Some(0), (15, 15), 0).is_some());
    assert_eq!(slow, Some(20));
}

#[test]
fn a_clock_that_was_set_is_measured_at_once() {
    for behind_ms in [90_000, -150_000, 600] {
        let mut clock = Measurements::default();
        assert_eq!(take(&mut clock, None, (2, 2), 0), Some(0));
        // However slow the network is by now.
        assert_eq!(
            take(&mut clock, Some(0), (200, 200), behind_ms),
            Some(behind_ms)
        );
        assert_eq!(
            take(&mut clock, Some(behind_ms), (300, 300), behind_ms),
            None
        );
    }
    // A slow answer does not look like that.
    let mut clock = Measurements::default();
    assert_eq!(take(&mut clock, None, (2, 2), 0), Some(0));
    assert_eq!(take(&mut clock, Some(0), (2_000, 2), 0), None);
}

#[test]
fn a_clock_that_is_set_while_an_answer_is_on_its_way_measures_nothing() {
    let mut clock = Measurements::default();
    assert_eq!(take(&mut clock, None, (2, 2), 0), Some(0));
    assert_eq!(clock.take(Some(0), SENT_MS, SENT_MS - 1, SENT_MS), None);
    assert_eq!(
        clock.take(Some(0), SENT_MS, SENT_MS + 90_000, SENT_MS + 2),
        None
    );
    // The next one does.
    assert_eq!(take(&mut clock, Some(0), (20, 20), -90_000), Some(-90_000));
}
