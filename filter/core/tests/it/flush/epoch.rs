//! The ledger's epoch: batches count anew in each, and what was told in another does not.

use super::*;

#[test]
fn nothing_is_sealed_before_the_ledger_has_named_its_epoch() {
    let process = Quiet {
        memory: Memory::new(),
        keys: keys(4),
    };
    process.memory.put(&process.keys.instance(), &INSTANCE);
    process.admit(1, &[(1, 1)]);
    assert_eq!(process.flush().seal(), Sealed::Full);
    let sent = Sent::of(&process.flush().outbox().0);
    process.flush().acknowledge(sent, EPOCH, 0, 0);
    assert_eq!(process.flush().seal(), Sealed::Batch { more: false });
    assert_eq!(process.flush().seal(), Sealed::Nothing);
}

#[test]
fn batches_of_a_new_epoch_count_from_1_again() {
    let process = Quiet::new(4);
    for application in 1..=3 {
        process.admit(application, &[(1, 1)]);
        process.flush().seal();
    }
    process.deliver();
    // The database was restored.
    let sent = Sent::of(&process.flush().outbox().0);
    process.flush().acknowledge(sent, 8, 0, 0);
    (1..=4).for_each(|application| process.admit(application, &[(1, 1)]));
    process.flush().seal();
    let outbox = process.flush().outbox().0;
    let numbers: Vec<_> = outbox.batches.iter().map(|batch| batch.seq).collect();
    assert_eq!((outbox.epoch, numbers), (8, vec![1, 2, 3]));
    assert_eq!(
        (0..4)
            .map(|slot| process.flush().slot(slot).0.rows().len())
            .sum::<usize>(),
        0,
        "records know a batch of the new epoch from one of the old"
    );
}

#[test]
fn what_a_restored_backup_has_is_not_sent_again() {
    let process = Quiet::new(4);
    for application in 1..=3 {
        process.admit(application, &[(1, 1)]);
        process.flush().seal();
    }
    // The backup was made when two of them had been taken, and none of that had been heard of here.
    let sent = Sent::of(&process.flush().outbox().0);
    let third = process.flush().outbox().0.batches[2].rows.clone();
    assert!(process.flush().acknowledge(sent, EPOCH + 1, 2, 0));
    let outbox = process.flush().outbox().0;
    assert_eq!((outbox.epoch, outbox.batches.len()), (EPOCH + 1, 1));
    assert_eq!(
        (outbox.batches[0].seq, &outbox.batches[0].rows),
        (1, &third)
    );
}

#[test]
fn a_late_answer_changes_nothing() {
    let process = Quiet::new(4);
    process.admit(1, &[(1, 1)]);
    process.flush().seal();
    let now = Sent::of(&process.flush().outbox().0);
    let before = process.flush().outbox().0;
    let elsewhere = Sent {
        instance: [9; 16],
        ..now
    };
    let earlier = Sent { epoch: 6, ..now };
    assert!(!process.flush().acknowledge(elsewhere, EPOCH, 1, 0));
    assert!(!process.flush().acknowledge(earlier, 6, 1, 0));
    assert!(!process.flush().acknowledge(earlier, EPOCH, 1, 0));
    assert_eq!(process.flush().outbox().0, before);
    assert!(process.flush().acknowledge(now, EPOCH, 1, 0));
    assert!(
        !process.flush().acknowledge(now, EPOCH, 1, 0),
        "once is enough"
    );
}

#[test]
fn what_is_held_is_declared_in_a_new_epoch_once() {
    let process = Quiet::new(4);
    let declared = || process.flush().outbox().0.declared;
    let acknowledge = |epoch, told| {
        let sent = Sent::of(&process.flush().outbox().0);
        process.flush().acknowledge(sent, epoch, 0, told);
        declared()
    };
    // Before the first epoch nothing was granted.
    assert_eq!(declared(), u32::MAX);
    assert_eq!(acknowledge(EPOCH, 0), u32::MAX);
    // After a restore all of it is told anew, slot by slot.
    assert_eq!(acknowledge(EPOCH + 1, 9), 0);
    assert_eq!(acknowledge(EPOCH + 1, 2), 2);
    assert_eq!(acknowledge(EPOCH + 1, 1), 2);
    assert_eq!(acknowledge(EPOCH + 1, 4), 4);
    assert_eq!(acknowledge(EPOCH + 2, 4), 0);
    // An answer to what was sent in an earlier epoch tells nothing of this one.
    let before = Sent {
        instance: INSTANCE,
        epoch: EPOCH + 1,
    };
    process.flush().acknowledge(before, EPOCH + 2, 0, 4);
    assert_eq!(declared(), 0);
}

#[test]
fn a_batch_that_is_not_debited_waits_for_the_epoch() {
    let process = Quiet::new(4);
    process.admit(1, &[(1, 1)]);
    let mut outbox = process.flush().outbox().0;
    outbox.seal(Vec::new());
    let before = outbox.clone();
    assert!(!outbox.acknowledge(EPOCH + 1, 1, 0), "nothing yet");
    assert_eq!(outbox, before);
    outbox.debited = true;
    assert!(outbox.acknowledge(EPOCH + 1, 1, 0));
    assert_eq!(
        (outbox.epoch, outbox.seq, outbox.batches.len()),
        (EPOCH + 1, 0, 0)
    );
}

#[test]
fn batches_are_acknowledged_by_their_number_among_all() {
    let process = Quiet::new(4);
    let mut outbox = process.flush().outbox().0;
    let acknowledged = |outbox: &Outbox| -> Vec<bool> {
        (0..5)
            .map(|sealed| outbox.is_acknowledged(sealed))
            .collect()
    };
    assert_eq!(acknowledged(&outbox), [true, false, false, false, false]);
    for _ in 0..3 {
        outbox.seal(Vec::new());
        outbox.debited = true;
    }
    assert_eq!(acknowledged(&outbox), [true, false, false, false, false]);
    outbox.acknowledge(EPOCH, 1, 0);
    assert_eq!(acknowledged(&outbox), [true, true, false, false, false]);
    // Another epoch numbers those that wait anew, but not among all.
    outbox.acknowledge(EPOCH + 1, 1, 0);
    assert_eq!(acknowledged(&outbox), [true, true, false, false, false]);
    outbox.acknowledge(EPOCH + 1, 2, 0);
    assert_eq!(acknowledged(&outbox), [true, true, true, true, false]);
}
