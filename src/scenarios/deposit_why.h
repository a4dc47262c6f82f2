/* The explanations of the ways to write a deposit, apart from their code so that both can be read. */
#ifndef SCENARIOS_DEPOSIT_WHY_H
#define SCENARIOS_DEPOSIT_WHY_H

extern const char atomic_long_delay_why[];
extern const char non_atomic_long_delay_why[];
extern const char atomic_no_delay_why[];
extern const char non_atomic_no_delay_why[];
extern const char row_locking_atomic_long_delay_why[];
extern const char atomic_update_why[];
extern const char update_first_why[];
extern const char optimistic_version_why[];
extern const char compare_and_set_why[];
extern const char serializable_why[];
extern const char advisory_lock_why[];
extern const char for_share_why[];
extern const char ledger_why[];
extern const char retry_lost_commit_why[];

#endif
