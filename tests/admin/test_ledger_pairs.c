/* Two admins who save the same account at the same time, a thousand times: one wins, one is asked, and nothing is lost;
 * also while a subject deposits into it. test_ledger_pairs ENGINE. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "books.h"

#include "base/clock.h"
#include "lab/op.h"
#include "lab/registry.h"
#include "lab/retry.h"
#include "scenarios/scenarios.h"

/* What is saved is so far apart that no deposit leads from one value to another, which an edit would take for the one
 * that it was made from. */
enum { PAIRS = 1000, AMOUNT = 3, STEP = 1000000 };

struct meeting {
	const struct world *world;
	pthread_barrier_t gate;
	int64_t account;
	_Atomic bool over;
	const char *variant; /* what the subject does; NULL: there is none */
};

struct admin {
	struct meeting *meeting;
	int number;
	enum ledger_end ends[PAIRS];
	int64_t gained; /* by the edits that were made */
};

struct subject {
	struct meeting *meeting;
	int64_t done, failed;
};

/* Each of them has loaded the form before either saves it. */
static void *save(void *context)
{
	struct admin *admin = context;
	struct meeting *meeting = admin->meeting;
	struct db_session *session = books_open(meeting->world);
	const struct ledger_who who = {session, admin->number == 0 ? "ann" : "bob"};

	for (int i = 0; i < PAIRS; i++) {
		struct account loaded = {0};
		admin->ends[i] = ledger_account(session, meeting->account, &loaded, NULL);
		struct ledger_account_edit edit = {.id = meeting->account, .loaded_balance = loaded.balance,
		                                   .balance = STEP * (2 * i + admin->number + 1)};
		pthread_barrier_wait(&meeting->gate);
		if (admin->ends[i] == LEDGER_OK)
			admin->ends[i] = ledger_account_change(&who, &edit, NULL, NULL);
		if (admin->ends[i] == LEDGER_OK)
			admin->gained += edit.balance - edit.loaded_balance;
		pthread_barrier_wait(&meeting->gate);
	}
	db_close(session);
	return NULL;
}

static void rest(void *context, int64_t ns)
{
	(void)context;
	clock_pause_ns(ns);
}

static void *deposit(void *context)
{
	struct subject *subject = context;
	struct meeting *meeting = subject->meeting;
	struct db_session *session = books_open(meeting->world);
	struct registry_entry entry;
	const int64_t params[] = {meeting->account, AMOUNT};
	const struct retry_policy policy = {100, NS_PER_MS, 10 * NS_PER_MS};
	struct op_host host = {.session = session, .rest = rest};
	struct op_result result;
	struct rng waits;

	rng_init(&waits, 5);
	if (!registry_find(meeting->variant, &entry, NULL))
		abort();
	while (!atomic_load(&meeting->over)) {
		retry_run(&host, &(struct op_request){.operation = entry.operation, .variant = entry.variant,
		                                      .params = params, .attempt = 1, .wall_us = clock_wall_us()},
		          &policy, &waits, &result);
		*(result.end == OP_DONE ? &subject->done : &subject->failed) += 1;
	}
	db_close(session);
	return NULL;
}

/* Returns how many of the edits were made. */
static int64_t meet(void **state, const char *variant)
{
	static struct admin admins[2];
	struct meeting meeting = {.world = *state, .variant = variant};
	struct subject subject = {.meeting = &meeting};
	pthread_t threads[3];
	struct db_session *session = books_open(*state);
	int64_t won = 0;

	meeting.account = add_account(session, 0);
	db_close(session);
	pthread_barrier_init(&meeting.gate, NULL, 2);
	for (int i = 0; i < 2; i++) {
		admins[i] = (struct admin){.meeting = &meeting, .number = i};
		assert_int_equal(pthread_create(&threads[i], NULL, save, &admins[i]), 0);
	}
	if (variant != NULL)
		assert_int_equal(pthread_create(&threads[2], NULL, deposit, &subject), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	atomic_store(&meeting.over, true);
	if (variant != NULL)
		pthread_join(threads[2], NULL);
	session = books_open(*state);
	for (int i = 0; i < PAIRS; i++) {
		int wins = (admins[0].ends[i] == LEDGER_OK) + (admins[1].ends[i] == LEDGER_OK);
		int asked = (admins[0].ends[i] == LEDGER_CHANGED) + (admins[1].ends[i] == LEDGER_CHANGED);
		assert_int_equal(wins + asked, 2);
		/* A deposit may come between a form's loading and its saving, and before both. */
		assert_true(variant == NULL ? wins == 1 : wins <= 1);
		won += wins;
	}
	/* Nothing is lost: what each of them added is in the balance, and each edit is in the history. */
	struct account now = account_of(session, meeting.account);
	assert_int_equal(subject.failed, 0);
	assert_int_equal(now.transactions, subject.done);
	assert_int_equal(now.balance, admins[0].gained + admins[1].gained + AMOUNT * subject.done);
	assert_int_equal(notes(session, "change", "account", meeting.account, NULL), won);
	db_close(session);
	pthread_barrier_destroy(&meeting.gate);
	return won;
}

static void one_wins_and_one_is_asked(void **state)
{
	assert_int_equal(meet(state, NULL), PAIRS);
}

static void deposits_that_lock_lose_nothing(void **state)
{
	(void)meet(state, "deposit/row_locking_atomic_long_delay");
}

/* They see by the version that somebody edited the balance. */
static void deposits_with_a_version_lose_nothing(void **state)
{
	(void)meet(state, "deposit/optimistic_version");
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		CASE(one_wins_and_one_is_asked),
		CASE(deposits_that_lock_lose_nothing),
		CASE(deposits_with_a_version_lose_nothing),
	};

	registry_set(scenarios, scenarios_count);
	return books_main(argc, argv, tests, COUNT_OF(tests));
}
