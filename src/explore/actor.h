/* One session of what is explored: it performs its part and stops before each statement until it is told to go on.
 * Everything here is called by the one thread that schedules.
 *
 * Where servers wait, a statement that the engine makes wait leaves its actor BUSY, and who waits must be asked of the
 * engine (db_who_waits). SQLite's client waits by itself: that is WAITING.
 *
 * Where nothing ever blocks it is a fiber of the scheduling thread: on SQLite, and where the hook waits for the answer
 * (db_answers_by_hook), which is looked for when the actor is asked how it is, or awaited. Else it is a thread. */
#ifndef EXPLORE_ACTOR_H
#define EXPLORE_ACTOR_H

#include <pthread.h>
#include <sched.h>

#include "explore/footprint.h"
#include "explore/play.h"
#include "trace/event.h"

enum actor_at {
	ACTOR_IDLE,    /* has no part now */
	ACTOR_READY,   /* stands before a statement */
	ACTOR_BUSY,    /* performs it, or thinks */
	ACTOR_WAITING, /* stands in its client's wait for a lock (SQLite); going on is to look again */
	ACTOR_ENDED,   /* its part is over */
};

/* A statement, and how it ended. */
struct actor_step {
	enum db_verb verb;
	char label[EVENT_TEXT], table[EVENT_TEXT];
	int64_t key, writes; /* as in struct db_call */
	unsigned traits;
	bool overwrites; /* see call_overwrites */
	struct named_rows rows; /* that it names */
	char sql[512]; /* where the play keeps it: see db_sql_text; a longer one ends in "..." */
	struct footprint touches; /* before it is known how it ends */
	uint32_t attempt; /* see struct play_end */
	bool in_client;   /* it stands in its client's wait: to be chosen is to look again, and no new step */
	/* once it ended */
	bool ended;
	enum db_err err;
	enum db_tx tx;
	int native;
	char sqlstate[6];
	char message[160]; /* the engine's own words, where it failed */
	uint64_t mark;   /* a read's: of all that it yielded, by which equal results are equal */
	char result[96]; /* a read's: "100", "(1, 10) (2, 20)", "nothing"; a long one ends in "..." */
	int64_t affected;
};

/* What all actors of a world share. */
struct stage {
	pthread_mutex_t mutex;
	pthread_cond_t changed; /* an actor stopped */
	bool closing;           /* no statement but ROLLBACK is allowed any more, and nobody stops */
	/* Free: nobody is stopped, but all meet before the first statement of each. */
	bool free;
	size_t parts;    /* that meet */
	size_t arrived;
	pthread_cond_t met;
	unsigned under_way, most_under_way; /* statements at a time */
	void (*ended)(void *context, size_t who, const struct actor_step *step); /* with the mutex held */
	void *context;
	cpu_set_t cpu;          /* where its threads run, all on one: to hand over costs 6 us there, else 77 */
};
/* On the n-th processor, from 0 and counted around. */
void stage_init(struct stage *stage, size_t n);
/* One on which `parts` actors are free: threads on any processor; `ended` is told of each statement. */
void stage_init_free(struct stage *stage, size_t parts,
                     void (*ended)(void *context, size_t who, const struct actor_step *step), void *context);
/* Before all its actors begin: they will meet once more. */
void stage_meet(struct stage *stage);
void stage_fini(struct stage *stage);

struct actor;
/* Its session is open when this returns. */
struct actor *actor_open(struct stage *stage, const struct play *play, size_t who, const struct db_target *target,
                         const struct db_settings *settings, struct err *err) MUST_USE;
/* It must be IDLE or ENDED. NULL is fine. */
void actor_close(struct actor *actor);

/* From IDLE or ENDED: begins its part; it will be READY or ENDED soon. */
void actor_begin(struct actor *actor);
/* From READY or WAITING: BUSY now. */
void actor_go_on(struct actor *actor);

enum actor_at actor_at(struct actor *actor);
/* Waits until it is not BUSY, for up to so long; how it is then. */
enum actor_at actor_await(struct actor *actor, int64_t limit_ns);

/* READY: the statement that it stands before. Valid until it goes on. */
const struct actor_step *actor_next(const struct actor *actor);
/* Not BUSY: the statement that it went on with last. Valid until it goes on. */
const struct actor_step *actor_last(const struct actor *actor);
/* ENDED: how. */
const struct play_end *actor_end(const struct actor *actor);
/* For db_who_waits and db_cancel only. It changes with actor_begin when the last part broke it; NULL: there is none,
 * since another one could not be had. */
struct db_session *actor_session(const struct actor *actor);

#endif
