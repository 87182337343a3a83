//! The simulation sees it when the protocol is got wrong: each way of doing so is caught within so many schedules.
//!
//! They are of the kind that shows it best, and some ten times as many as it usually takes: another order of steps, as any
//! change of the code brings it about, must not make a test fail.

use tallygate_simulation::{Kind, Mutation, run};

macro_rules! caught {
    ($($test:ident: $mutation:ident within $seeds:literal $kind:ident)*) => {
        $(
            #[test]
            fn $test() {
                is_caught(Mutation::$mutation, Kind::$kind, $seeds);
            }
        )*

        #[test]
        fn every_mutation_has_its_test() {
            let tested = [$(Mutation::$mutation),*];
            for mutation in Mutation::ALL {
                assert!(tested.contains(mutation), "{}", mutation.name());
            }
        }
    };
}

fn is_caught(mutation: Mutation, kind: Kind, seeds: u64) {
    let violation = (1..=seeds).find_map(|seed| {
        let report = run(kind, seed, Some(mutation), false);
        Some((seed, report.violation?))
    });
    let Some((seed, violation)) = violation else {
        panic!("{} is not seen in {seeds} schedules", mutation.name());
    };
    println!(
        "{} is caught by seed {seed}: {violation:.200}",
        mutation.name()
    );
}

caught! {
    // The fourteen of the protocol's first model.
    drain_first: DrainFirst within 60 Hostile
    no_last_seq: NoLastSeq within 70 Busy
    no_sweep: NoSweep within 180 Busy
    spent_in_ask: SpentInAsk within 130 Hostile
    release_on_expiry: ReleaseOnExpiry within 60 CutOff
    racy_grant: RacyGrant within 20 Busy
    outbox_read_late: OutboxReadLate within 50 Busy
    no_instance_tag: NoInstanceTag within 30 Wiped
    add_grants: AddGrants within 70 Hostile
    drop_whole_queue: DropWholeQueue within 70 Hostile
    seq_unlocked: SeqUnlocked within 20 Busy
    recall_without_total: RecallWithoutTotal within 70 Busy
    clear_unseen: ClearUnseen within 180 Busy
    no_wipe_check: NoWipeCheck within 20 Wiped
    // And more.
    stale_mark_binds: StaleMarkBinds within 80 Hostile
    drop_when_sent: DropWhenSent within 20 Hostile
    answer_of_another_instance: AnswerOfAnotherInstance within 30 Wiped
    expired_credit_spent: ExpiredCreditSpent within 120 CutOff
    answers_before_commit: AnswersBeforeCommit within 20 Hostile
    cell_without_sum_lock: CellWithoutSumLock within 30 Busy
    never_recalls: NeverRecalls within 60 Hostile
    grants_any_window: GrantsAnyWindow within 20 Hostile
    no_wait_after_restore: NoWaitAfterRestore within 20 Restored
    no_declaration: NoDeclaration within 70 Restored
    returns_untold: ReturnsUntold within 60 Hostile
    forgets_too_soon: ForgetsTooSoon within 20 Hostile
    seals_unconditionally: SealsUnconditionally within 60 Busy
    admits_unconditionally: AdmitsUnconditionally within 30 Busy
    applies_unconditionally: AppliesUnconditionally within 40 Busy
    prefetch_unlocked: PrefetchUnlocked within 70 Busy
    never_catches_up: NeverCatchesUp within 500 Busy
    epochs_are_strangers: EpochsAreStrangers within 60 Restored
}
