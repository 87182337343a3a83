//! The simulation sees it when the protocol is got wrong: each way of doing so is caught within so many schedules.

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
    drain_first: DrainFirst within 200 Hostile
    no_last_seq: NoLastSeq within 200 Hostile
    no_sweep: NoSweep within 200 Hostile
    spent_in_ask: SpentInAsk within 200 Hostile
    release_on_expiry: ReleaseOnExpiry within 200 Hostile
    racy_grant: RacyGrant within 200 Hostile
    outbox_read_late: OutboxReadLate within 200 Hostile
    no_instance_tag: NoInstanceTag within 300 Hostile
    add_grants: AddGrants within 200 Hostile
    drop_whole_queue: DropWholeQueue within 200 Hostile
    seq_unlocked: SeqUnlocked within 200 Hostile
    recall_without_total: RecallWithoutTotal within 200 Hostile
    clear_unseen: ClearUnseen within 200 Hostile
    no_wipe_check: NoWipeCheck within 200 Hostile
    // And more.
    stale_mark_binds: StaleMarkBinds within 200 Hostile
    drop_when_sent: DropWhenSent within 200 Hostile
    answer_of_another_instance: AnswerOfAnotherInstance within 200 Hostile
    expired_credit_spent: ExpiredCreditSpent within 200 Hostile
    answers_before_commit: AnswersBeforeCommit within 200 Hostile
    cell_without_sum_lock: CellWithoutSumLock within 2300 Hostile
    never_recalls: NeverRecalls within 200 Hostile
    grants_any_window: GrantsAnyWindow within 800 Hostile
    no_wait_after_restore: NoWaitAfterRestore within 200 Restored
    no_declaration: NoDeclaration within 3300 Restored
    returns_untold: ReturnsUntold within 200 Hostile
    forgets_too_soon: ForgetsTooSoon within 200 Hostile
    seals_unconditionally: SealsUnconditionally within 3400 Hostile
    admits_unconditionally: AdmitsUnconditionally within 200 Hostile
    applies_unconditionally: AppliesUnconditionally within 200 Hostile
    prefetch_unlocked: PrefetchUnlocked within 900 Hostile
    only_cells_of_plan: OnlyCellsOfPlan within 200 Hostile
    epochs_are_strangers: EpochsAreStrangers within 2300 Restored
}
