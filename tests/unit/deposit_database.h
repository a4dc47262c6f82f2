/* The database of the model (deposit_model.h): versions of one balance, row locks, refusals, sessions whose
 * transactions are pending. Each thing that it does takes place at one moment. */
#ifndef TESTS_DEPOSIT_DATABASE_H
#define TESTS_DEPOSIT_DATABASE_H

#include <stdio.h>

#include "audit/audit.h"
#include "base/attr.h"
#include "base/rng.h"
#include "deposit_events.h"

enum { MAX_REQUESTS = 24, MAX_WORKERS = 5, MAX_SESSIONS = 400, MAX_ENTRIES = 64, MAX_VERSIONS = MAX_ENTRIES + 1 };

enum amounts { ALL_EQUAL, POWERS_OF_TWO, ANY_AMOUNT };

/* What may happen in a world; chances are in a thousand, for each opportunity. */
struct rules {
	size_t requests;
	uint32_t workers;
	enum amounts amounts;
	int transactions;  /* so many of a hundred requests use one */
	int locking;       /* so many of a hundred of those lock the row when they read it */
	int adding;        /* so many of a hundred add to what is there, whatever they read */
	int tries;         /* of one request, at most; 0 and 1: one */
	bool blind;        /* what broke off is tried again too */
	bool first_wins;   /* a write to what has changed since the read is refused */
	bool balance_first;
	bool rows_again;   /* the numbers of rows that were rolled back come again */
	bool dirty_reads;
	int wait_ns;       /* at most, between the sending of two requests */
	int refusals, kills, breaks, impatience, unreached;
	int hurry;         /* how likely the same worker goes on, of a hundred: less overlap */
};

enum step { STEP_BEGIN, STEP_READ, STEP_PAUSE, STEP_RECORD, STEP_WRITE, STEP_COMMIT, STEP_ROLLBACK,
           STEP_DONE };

struct model_request {
	bool tx, locking, adds, reached, impatient;
	int64_t amount;
	int64_t sent_ns, ended_ns;
	/* as it goes */
	bool taken;
	int tries, status;
	enum db_err why;
};

/* What one attempt does; the first one of request i is entry i, the others follow behind. */
struct entry {
	size_t request; /* its index */
	int64_t amount;
	bool tx;
	int64_t read_value;
	uint64_t read_content;
	size_t read_version; /* SIZE_MAX: it read nothing */
	/* the truth */
	bool recorded, written, outcome_open; /* open: its lone write had no answer */
	bool insert_open; /* the same of its lone INSERT, or of a commit where its row's number may come again */
	bool lost;        /* its client was told that nobody knows what became of it... */
	enum step lost_in; /* ...in this step */
	size_t version;
};

struct model_version {
	int64_t value;
	uint64_t content; /* whose deposits are in it: bit i is entry i */
	size_t entry;
};

struct session {
	bool tx, pending_write, pending_row;
	int64_t value, row_id;
	uint64_t content;
};

struct answer {
	enum db_err err;
	enum db_tx tx;
	int64_t result;
};

struct model_worker {
	struct scribe scribe;
	size_t session, request, entry; /* request: index; valid while busy */
	enum step steps[8];
	size_t pc;
	int phase; /* 0: between steps, 1: begun, 2: carried out, not answered */
	struct answer answer;
	bool busy, failed;
};

/* A session whose client is gone: it may finish its statement, then its transaction is rolled back. */
struct ghost {
	size_t session, entry;
	enum step step; /* STEP_DONE: none was under way */
};

struct model {
	struct rules rules;
	struct rng rng;
	int64_t now;
	struct model_request requests[MAX_REQUESTS];
	struct entry entries[MAX_ENTRIES];
	size_t n_entries;
	struct model_version versions[MAX_VERSIONS];
	size_t n_versions;
	struct session sessions[MAX_SESSIONS];
	size_t n_sessions;
	struct session *lock; /* who holds the account's row */
	struct ghost ghosts[MAX_SESSIONS];
	size_t n_ghosts;
	struct model_worker workers[MAX_WORKERS];
	int64_t last_row;
	/* what is left behind */
	struct event_list events;
	struct audit_row rows[MAX_ENTRIES + 8];
	size_t n_rows;
	struct audit_reply replies[MAX_REQUESTS];
};

static bool chance(struct model *model, int of_thousand)
{
	return rng_between(&model->rng, 0, 999) < of_thousand;
}

static void model_tick(struct model *model)
{
	model->now += rng_between(&model->rng, 1, 20);
}

/* ---- the database -------------------------------------------------------------------------------- */

static void model_roll_back(struct model *model, struct session *session)
{
	*session = (struct session){0};
	if (model->lock == session)
		model->lock = NULL;
}

static void model_add_version(struct model *model, size_t e, int64_t value, uint64_t content)
{
	model->entries[e].written = true;
	model->entries[e].version = model->n_versions;
	model->versions[model->n_versions++] = (struct model_version){value, content, e};
}

static void model_add_row(struct model *model, size_t e, int64_t id)
{
	model->entries[e].recorded = true;
	model->rows[model->n_rows++] = (struct audit_row){id, model->entries[e].amount};
}

static int64_t model_next_row(struct model *model)
{
	int64_t most = 0;

	if (!model->rules.rows_again)
		return ++model->last_row;
	for (size_t i = 0; i < model->n_rows; i++)
		most = model->rows[i].id > most ? model->rows[i].id : most;
	for (size_t i = 0; i < model->n_sessions; i++) {
		if (model->sessions[i].pending_row && model->sessions[i].row_id > most)
			most = model->sessions[i].row_id;
	}
	return most + 1;
}

/* False: it waits for the row. */
static bool model_take_lock(struct model *model, struct session *session, struct answer *answer)
{
	if (model->lock == NULL || model->lock == session)
		return true;
	if (!chance(model, model->rules.refusals))
		return false;
	answer->err = rng_between(&model->rng, 0, 1) == 0 ? DB_DEADLOCK : DB_TIMEOUT;
	if (answer->err == DB_DEADLOCK)
		model_roll_back(model, session);
	return true;
}

static bool model_read(struct model *model, struct session *session, size_t e, struct answer *answer)
{
	struct entry *entry = &model->entries[e];
	const struct model_version *last = &model->versions[model->n_versions - 1];

	if (model->requests[entry->request].locking) {
		if (!model_take_lock(model, session, answer))
			return false;
		if (answer->err != DB_OK)
			return true;
		model->lock = session;
	}
	entry->read_value = last->value;
	entry->read_content = last->content;
	entry->read_version = model->n_versions - 1;
	if (model->rules.dirty_reads && model->lock != NULL && model->lock->pending_write) {
		entry->read_value = model->lock->value;
		entry->read_content = model->lock->content;
	}
	answer->result = entry->read_value;
	return true;
}

static void model_record(struct model *model, struct session *session, size_t e, struct answer *answer)
{
	if (chance(model, model->rules.refusals / 2)) {
		answer->err = DB_BUSY;
		return;
	}
	answer->result = model_next_row(model);
	if (!session->tx) {
		model_add_row(model, e, answer->result);
		return;
	}
	session->pending_row = true;
	session->row_id = answer->result;
}

static bool model_write(struct model *model, struct session *session, size_t e, struct answer *answer)
{
	struct entry *entry = &model->entries[e];
	const struct model_version *last = &model->versions[model->n_versions - 1];
	bool adds = model->requests[entry->request].adds;
	bool stale = entry->read_version != SIZE_MAX && entry->read_version != model->n_versions - 1;
	int64_t value = (adds ? last->value : entry->read_value) + entry->amount;
	uint64_t content = (adds ? last->content : entry->read_content) | UINT64_C(1) << e;

	if (!model_take_lock(model, session, answer))
		return false;
	if (answer->err != DB_OK)
		return true;
	if (session->tx && model->rules.first_wins && stale) {
		answer->err = DB_SERIALIZATION;
		model_roll_back(model, session);
		return true;
	}
	if (chance(model, model->rules.refusals / 20))
		return true; /* it matched no row */
	answer->result = 1;
	if (!session->tx) {
		model_add_version(model, e, value, content);
		return true;
	}
	model->lock = session;
	session->pending_write = true;
	session->value = value;
	session->content = content;
	return true;
}

static void model_commit(struct model *model, struct session *session, size_t e, struct answer *answer)
{
	if (chance(model, model->rules.refusals / 4)) {
		answer->err = DB_SERIALIZATION;
	} else {
		if (session->pending_write)
			model_add_version(model, e, session->value, session->content);
		if (session->pending_row)
			model_add_row(model, e, session->row_id);
	}
	model_roll_back(model, session);
}

/* One moment. False: it waits. */
static bool model_carry_out(struct model *model, size_t s, size_t e, enum step step, struct answer *answer)
{
	struct session *session = &model->sessions[s];
	bool done = true;

	*answer = (struct answer){0};
	switch (step) {
	case STEP_BEGIN: session->tx = true; break;
	case STEP_READ: done = model_read(model, session, e, answer); break;
	case STEP_RECORD: model_record(model, session, e, answer); break;
	case STEP_WRITE: done = model_write(model, session, e, answer); break;
	case STEP_COMMIT: model_commit(model, session, e, answer); break;
	case STEP_ROLLBACK: model_roll_back(model, session); break;
	case STEP_PAUSE:
	case STEP_DONE: break;
	}
	answer->tx = session->tx ? DB_TX_OPEN : DB_TX_NONE;
	return done;
}

#endif
