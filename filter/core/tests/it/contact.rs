//! When the control plane was last heard of.

use crate::support::{Hooked, Memory, keys};
use std::cell::Cell;
use tallygate_core::contact::Contact;
use tallygate_core::lease::{AWAY_MS, MARGIN_MS, TTL_MS};

const NOW_MS: u64 = 1_795_514_400_000;
const EPOCH: i64 = 9;

const HEARD: Contact = Contact {
    sent_ms: NOW_MS,
    answered_ms: NOW_MS + 100,
    epoch: EPOCH,
    failed: false,
    refused: false,
};

#[test]
fn credit_is_valid_for_a_while_after_the_call_that_was_answered() {
    let check = |contact: Contact, now_ms, valid| {
        assert_eq!(contact.credit_is_valid(now_ms), valid, "at {now_ms}");
    };
    // From when it was sent: the control plane may have read its clock just then.
    let end_ms = NOW_MS + TTL_MS - MARGIN_MS;
    for (now_ms, valid) in [
        (NOW_MS, true),
        (end_ms - 1, true),
        (end_ms, false),
        (u64::MAX, false),
        // The clock was set back a little, and by an unknown time.
        (NOW_MS - MARGIN_MS, true),
        (NOW_MS - MARGIN_MS - 1, false),
        (0, false),
    ] {
        check(HEARD, now_ms, valid);
        // One that refuses its gateway lets it spend what it holds.
        let refused = Contact {
            refused: true,
            ..HEARD
        };
        check(refused, now_ms, valid);
    }
    check(Contact::default(), NOW_MS, false);
}

#[test]
fn away_is_who_answers_nobody() {
    let check = |contact: Contact, now_ms, away| {
        assert_eq!(contact.is_away(now_ms), away, "at {now_ms}");
    };
    let away_ms = HEARD.answered_ms + AWAY_MS;
    // Slow, or not called at all: nothing has failed.
    check(HEARD, u64::MAX, false);
    let failed = Contact {
        failed: true,
        ..HEARD
    };
    check(failed, HEARD.answered_ms, false);
    check(failed, away_ms - 1, false);
    check(failed, away_ms, true);
    check(failed, u64::MAX, true);
    // Who never was there has not gone away.
    check(Contact::default(), NOW_MS, false);
    let refused = Contact {
        refused: true,
        ..failed
    };
    check(refused, away_ms, false);
    check(refused, u64::MAX, false);
}

#[test]
fn the_latest_call_that_was_answered_counts() {
    let (data, keys) = (Memory::new(), keys(1));
    let check = |sent_ms, now_ms, expected: (u64, u64)| {
        Contact::answered(&data, &keys, EPOCH, sent_ms, now_ms);
        let found = Contact::read(&data, &keys);
        assert_eq!((found.sent_ms, found.answered_ms), expected);
        assert_eq!((found.epoch, found.refused), (EPOCH, false));
    };
    assert_eq!(Contact::read(&data, &keys), Contact::default());
    check(NOW_MS, NOW_MS + 50, (NOW_MS, NOW_MS + 50));
    // An answer to an earlier call that comes late, or twice.
    check(NOW_MS - 900, NOW_MS + 60, (NOW_MS, NOW_MS + 50));
    check(NOW_MS, NOW_MS + 70, (NOW_MS, NOW_MS + 50));
    check(
        NOW_MS + 1_000,
        NOW_MS + 1_050,
        (NOW_MS + 1_000, NOW_MS + 1_050),
    );
    // The clock was set back by an hour since.
    let earlier_ms = NOW_MS - 3_600_000;
    check(earlier_ms, earlier_ms + 50, (earlier_ms, earlier_ms + 50));
}

#[test]
fn a_refusal_lasts_until_an_answer() {
    let (data, keys) = (Memory::new(), keys(1));
    Contact::refused(&data, &keys);
    assert!(Contact::read(&data, &keys).refused);
    Contact::answered(&data, &keys, EPOCH, NOW_MS, NOW_MS + 100);
    assert_eq!(Contact::read(&data, &keys), HEARD);
    Contact::refused(&data, &keys);
    Contact::refused(&data, &keys);
    let refused = Contact {
        refused: true,
        ..HEARD
    };
    assert_eq!(Contact::read(&data, &keys), refused);
    // An answer to a call from before it does not lift it.
    Contact::answered(&data, &keys, EPOCH, NOW_MS, NOW_MS + 200);
    assert_eq!(Contact::read(&data, &keys), refused);
    Contact::answered(&data, &keys, EPOCH, NOW_MS + 1, NOW_MS + 300);
    assert!(!Contact::read(&data, &keys).refused);
}

#[test]
fn any_answer_tells_that_it_is_there() {
    let (data, keys) = (Memory::new(), keys(1));
    let away = |now_ms| Contact::read(&data, &keys).is_away(now_ms);
    // Of one that was never there nobody hears before the first sync.
    Contact::heard(&data, &keys, NOW_MS);
    Contact::failed(&data, &keys);
    assert!(!away(u64::MAX));
    Contact::answered(&data, &keys, EPOCH, NOW_MS, NOW_MS + 100);
    Contact::failed(&data, &keys);
    assert!(away(NOW_MS + 100 + AWAY_MS));
    Contact::heard(&data, &keys, NOW_MS + 110 + AWAY_MS);
    assert!(!away(u64::MAX), "it answers again");
    Contact::failed(&data, &keys);
    assert!(!away(NOW_MS + 109 + 2 * AWAY_MS) && away(NOW_MS + 110 + 2 * AWAY_MS));
    // Credit lasts from the last sync on, whatever else was answered.
    let end_ms = NOW_MS + TTL_MS - MARGIN_MS;
    assert!(!Contact::read(&data, &keys).credit_is_valid(end_ms));
}

#[test]
fn vms_that_meet_here_lose_nothing() {
    let (data, keys) = (Memory::new(), keys(1));
    let calls = Cell::new(0);
    let before = || {
        // Between another VM's read and its write.
        if calls.replace(calls.get() + 1) == 1 {
            Contact::answered(&data, &keys, EPOCH, NOW_MS + 500, NOW_MS + 600);
        }
    };
    let hooked = Hooked::new(&data, &before);
    Contact::answered(&hooked, &keys, EPOCH, NOW_MS, NOW_MS + 700);
    let found = Contact::read(&data, &keys);
    assert_eq!(
        (found.sent_ms, found.answered_ms),
        (NOW_MS + 500, NOW_MS + 600)
    );
}

#[test]
fn any_bytes_can_stand_there() {
    let (data, keys) = (Memory::new(), keys(1));
    for bytes in [&b""[..], b"\0", &[0xff; 64]] {
        data.put(&keys.contact(), bytes);
        assert_eq!(Contact::read(&data, &keys), Contact::default());
        Contact::answered(&data, &keys, EPOCH, NOW_MS, NOW_MS + 100);
        assert_eq!(Contact::read(&data, &keys), HEARD);
    }
}
