/* Versions and readings out of the deposits, then what is sure about them: order and sources sharpen
 * each other until nothing changes. Every step only adds what must be so; stopping early would be
 * less sharp, never wrong. */
#include "audit/lineage.h"

#include "audit/added.h"
#include "audit/content.h"
#include "audit/findings.h"

static const int64_t NEVER_ENDS = INT64_MAX, BEFORE_ALL = INT64_MIN;

/* While it is solved. */
struct solving {
	struct lineage *lineage;
	int64_t *commit_from, *seen_from, *seen_to; /* those of the versions, next to each other */
	int64_t *followed; /* by base: when a later one was surely there for all to see */
	struct added added;
	uint64_t *on_top;  /* what may be on top of one that may be the last base */
	bool changed;
	struct accused conflict; /* the first two that fit in neither order */
};

/* ---- versions and readings ---------------------------------------------------------------------- */

/* Of what may not have taken place no end is known: nothing is surely after it. But a lock that was taken
 * with the read was held, if it did. */
static struct version version_of(const struct deposit *deposit, bool dirty_reads)
{
	const struct history_step *write = deposit->write;
	const struct history_step *commit = deposit->write_in_tx ? deposit->commit : write;
	const struct history_step *seen = dirty_reads ? write : commit;
	bool sure = deposit->written == FATE_YES, seen_ends = sure && seen->end_ns != 0 && seen->err == DB_OK;
	int64_t write_to = sure ? write->end_ns : NEVER_ENDS;

	return (struct version){
		.deposit = deposit, .sure = sure, .puts = deposit->puts,
		.adds = deposit->adds, .locked = deposit->locked,
		.write_from = write->begin_ns, .write_to = deposit->locked ? deposit->read->end_ns : write_to,
		.commit_from = commit->begin_ns,
		.seen_from = seen->begin_ns, .seen_to = seen_ends ? seen->end_ns : NEVER_ENDS,
	};
}

static int by_commit(const void *left, const void *right)
{
	const struct version *a = left, *b = right;

	if (a->commit_from != b->commit_from)
		return a->commit_from < b->commit_from ? -1 : 1;
	return a->deposit < b->deposit ? -1 : 1;
}

static void collect_versions(struct lineage *lineage, const struct deposits *deposits,
                             const struct audit_input *input)
{
	lineage->versions = mem_new(deposits->n + 1, sizeof *lineage->versions);
	lineage->versions[lineage->n++] = (struct version){
		.sure = true, .puts = input->start_balance, .write_from = BEFORE_ALL, .write_to = BEFORE_ALL,
		.commit_from = BEFORE_ALL, .seen_from = BEFORE_ALL, .seen_to = BEFORE_ALL,
	};
	for (size_t i = 0; i < deposits->n; i++) {
		if (deposits->list[i].written != FATE_NO)
			lineage->versions[lineage->n++] = version_of(&deposits->list[i], input->dirty_reads);
	}
	if (lineage->n > 1)
		qsort(lineage->versions + 1, lineage->n - 1, sizeof *lineage->versions, by_commit);
}

static void collect_readings(struct lineage *lineage, const struct deposits *deposits)
{
	size_t *version_of_deposit = mem_new(deposits->n, sizeof *version_of_deposit);

	for (size_t v = 1; v < lineage->n; v++)
		version_of_deposit[lineage->versions[v].deposit - deposits->list] = v;
	lineage->readings = mem_new(deposits->n, sizeof *lineage->readings);
	lineage->reading_of = mem_new(lineage->n, sizeof *lineage->reading_of);
	for (size_t i = 0; i < deposits->n; i++) {
		const struct deposit *deposit = &deposits->list[i];
		bool denied = deposit->attempt->end_ns != 0 && deposit->attempt->end == OP_DENIED;
		/* who was denied may have found no row to read */
		if (deposit->read == NULL || (denied && version_of_deposit[i] == 0))
			continue;
		lineage->reading_of[version_of_deposit[i]] = lineage->n_readings;
		lineage->readings[lineage->n_readings++] = (struct reading){
			.request = deposit->request, .value = deposit->read->value, .from = deposit->read_from_ns,
			.to = deposit->read->end_ns, .version = version_of_deposit[i],
		};
	}
	free(version_of_deposit);
}

/* ---- order -------------------------------------------------------------------------------------- */

static bool surely_before(const struct lineage *lineage, size_t j, size_t k)
{
	return bit_get(bits_row(&lineage->after, j), k);
}

/* That k is before j already says that one of the two never was: the events lie, if both are sure. */
static void refute(struct solving *solving, size_t j, size_t k)
{
	struct version *a = &solving->lineage->versions[j], *b = &solving->lineage->versions[k];

	if (a->sure && b->sure && k != 0 && solving->conflict.n == 0) {
		accused_add(&solving->conflict, a->deposit->request);
		accused_add(&solving->conflict, b->deposit->request);
	}
	if (a->sure != b->sure) {
		struct version *other = a->sure ? b : a;
		solving->changed |= !other->never;
		other->never = true;
	}
}

static void put_before(struct solving *solving, size_t j, size_t k)
{
	struct lineage *lineage = solving->lineage;

	if (surely_before(lineage, j, k))
		return;
	if (surely_before(lineage, k, j)) {
		refute(solving, j, k);
		return;
	}
	bit_set(bits_row(&lineage->after, j), k);
	bit_set(bits_row(&lineage->before, k), j);
	solving->changed = true;
}

static void make_sure(struct solving *solving, size_t v)
{
	if (solving->lineage->versions[v].sure)
		return;
	solving->lineage->versions[v].sure = true;
	bit_set(solving->lineage->existing, v);
	solving->changed = true;
}

/* The writer of k waited for j's commit, or others saw j before k was there: j is before k. */
static void order_by_intervals(struct solving *solving)
{
	struct lineage *lineage = solving->lineage;
	size_t n = lineage->n;

	for (size_t j = n; j-- > 0;) {
		const struct version *version = &lineage->versions[j];
		const uint64_t *after = bits_row(&lineage->after, j);
		for (size_t w = 0; w < lineage->after.stride; w++) {
			if (~after[w] == 0)
				continue;
			uint64_t later = bits_from(solving->commit_from, n, w, version->write_to) |
			                 bits_from(solving->seen_from, n, w, version->seen_to);
			for BITS_IN_WORD(k, w, later & ~after[w]) {
				if (k != j && k != 0)
					put_before(solving, j, k);
			}
		}
	}
}

bool lineage_may_precede(const struct lineage *lineage, const uint64_t *between, size_t version, size_t by)
{
	const uint64_t *after = bits_row(&lineage->after, version), *before = bits_row(&lineage->before, by);

	if (version == by || surely_before(lineage, by, version))
		return false;
	size_t stride = lineage->after.stride;
	for (size_t i = 0; i < stride; i++) {
		size_t w = (version / 64 + i) % stride; /* what is between is mostly just after it */
		if ((after[w] & before[w] & lineage->existing[w] & between[w]) != 0)
			return false;
	}
	return true;
}

/* ---- who read what ------------------------------------------------------------------------------ */

static void find_followed(struct solving *solving)
{
	const struct lineage *lineage = solving->lineage;

	for BITS_EACH(j, lineage->bases, lineage->after.stride) {
		const uint64_t *after = bits_row(&lineage->after, j);
		int64_t first = NEVER_ENDS;
		for (size_t w = 0; w < lineage->after.stride; w++) {
			for BITS_IN_WORD(x, w, after[w] & lineage->bases[w])
				first = solving->seen_to[x] < first ? solving->seen_to[x] : first;
		}
		solving->followed[j] = first;
	}
}

/* What was then written surely came before it, or surely not directly after it though it must have. */
static bool is_out_of_place(const struct lineage *lineage, const struct reading *reading, size_t base)
{
	const struct version *own = &lineage->versions[reading->version];

	if (reading->version == 0 || !own->sure)
		return false;
	if (base == reading->version || surely_before(lineage, reading->version, base))
		return true;
	return own->locked && !lineage_may_precede(lineage, lineage->bases, base, reading->version);
}

static bool may_have_seen(struct solving *solving, const struct reading *reading, size_t j)
{
	const struct lineage *lineage = solving->lineage;
	const struct version *version = &lineage->versions[j];

	if (solving->followed[j] <= reading->from || solving->seen_from[j] >= reading->to || version->never)
		return false;
	if (lineage->n_adders == 0 && version->puts != reading->value)
		return false;
	if (is_out_of_place(lineage, reading, j))
		return false;
	added_find(&solving->added, lineage, reading, j);
	return solving->added.possible;
}

static void seen_by(struct solving *solving, size_t v, int64_t when)
{
	if (when >= solving->seen_to[v])
		return;
	solving->lineage->versions[v].seen_to = solving->seen_to[v] = when;
	solving->changed = true;
}

static void seen_after(struct solving *solving, size_t v, int64_t when)
{
	if (when <= solving->seen_from[v])
		return;
	solving->lineage->versions[v].seen_from = solving->seen_from[v] = when;
	solving->changed = true;
}

/* What is not in what was read, neither the base nor on top of it: it was before the base if it was there
 * when the read began; else, if it is after the base, it was seen from some moment after that only. */
static void leave_out(struct solving *solving, const struct reading *reading, size_t base, size_t w, uint64_t out)
{
	struct lineage *lineage = solving->lineage;
	uint64_t before = bits_row(&lineage->before, base)[w], after = bits_row(&lineage->after, base)[w];
	uint64_t there = bits_until(solving->seen_to, lineage->n, w, reading->from);

	for BITS_IN_WORD(x, w, out & there & ~before)
		put_before(solving, x, base);
	for BITS_IN_WORD(x, w, out & after & ~there)
		seen_after(solving, x, reading->from);
}

/* Who had locked what it read wrote directly over that: what is not in there came before or after both. */
static void leave_aside(struct solving *solving, size_t own, size_t base, size_t w, uint64_t out)
{
	struct lineage *lineage = solving->lineage;
	uint64_t after = bits_row(&lineage->after, base)[w] & ~bits_row(&lineage->after, own)[w];
	uint64_t before = bits_row(&lineage->before, own)[w] & ~bits_row(&lineage->before, base)[w];

	for BITS_IN_WORD(x, w, out & after)
		put_before(solving, own, x);
	if (!lineage->versions[own].sure)
		return;
	for BITS_IN_WORD(x, w, out & before)
		put_before(solving, x, base);
}

/* The read saw this base, and `solving->added` on top of it, and nothing else. */
static void pin(struct solving *solving, const struct reading *reading, size_t base)
{
	struct lineage *lineage = solving->lineage;
	const struct added *added = &solving->added;
	size_t own = reading->version;

	make_sure(solving, base);
	seen_by(solving, base, reading->to);
	for BITS_EACH(x, added->sure, lineage->after.stride) {
		make_sure(solving, x);
		put_before(solving, base, x);
		seen_by(solving, x, reading->to);
	}
	for (size_t w = 0; w < lineage->after.stride; w++) {
		uint64_t out = lineage->bases[w] | (lineage->adders[w] & ~added->may[w]);
		if (w == base / 64)
			out &= ~(UINT64_C(1) << (base % 64));
		if (w == own / 64)
			out &= ~(UINT64_C(1) << (own % 64));
		leave_out(solving, reading, base, w, out);
		if (own != 0 && lineage->versions[own].locked)
			leave_aside(solving, own, base, w, out);
	}
}

static void find_sources(struct solving *solving, size_t r)
{
	struct lineage *lineage = solving->lineage;
	const struct reading *reading = &lineage->readings[r];
	uint64_t *sources = bits_row(&lineage->sources, r);
	size_t n = 0, last = 0;

	bits_clear(sources, lineage->sources.stride);
	for BITS_EACH(j, lineage->bases, lineage->after.stride) {
		if (may_have_seen(solving, reading, j)) {
			bit_set(sources, j);
			last = j;
			n++;
		}
	}
	if (n != 1)
		return;
	added_find(&solving->added, lineage, reading, last);
	pin(solving, reading, last);
}

/* ---- what stands at the end --------------------------------------------------------------------- */

static bool surely_followed(const struct lineage *lineage, size_t v)
{
	const uint64_t *after = bits_row(&lineage->after, v);

	for (size_t w = 0; w < lineage->after.stride; w++) {
		if ((after[w] & lineage->existing[w] & lineage->bases[w]) != 0)
			return true;
	}
	return false;
}

static bool may_be_last(struct solving *solving, size_t v)
{
	const struct lineage *lineage = solving->lineage;
	const struct version *version = &lineage->versions[v];

	if (version->never || (lineage->n_adders == 0 && version->puts != lineage->end.value))
		return false;
	if (surely_followed(lineage, v))
		return false;
	added_find(&solving->added, lineage, &lineage->end, v);
	return solving->added.possible;
}

static void find_finals(struct solving *solving)
{
	struct lineage *lineage = solving->lineage;
	size_t stride = lineage->after.stride, n = 0, last = 0;

	bits_clear(lineage->finals, stride);
	bits_clear(solving->on_top, stride);
	for BITS_EACH(v, lineage->bases, stride) {
		if (!may_be_last(solving, v))
			continue;
		bit_set(lineage->finals, v);
		bits_or(solving->on_top, solving->added.may, stride);
		last = v;
		n++;
	}
	if (n != 1)
		return;
	added_find(&solving->added, lineage, &lineage->end, last);
	pin(solving, &lineage->end, last); /* all that was ever there was so before the end */
}

/* What is not the last base, nor on top of it, was written over by another: where nobody can have done that,
 * it never was. */
static void rule_out(struct solving *solving, size_t v)
{
	struct lineage *lineage = solving->lineage;
	const uint64_t *in_the_end = lineage->versions[v].adds ? solving->on_top : lineage->finals;

	if (lineage->versions[v].sure || lineage->versions[v].never || bit_get(in_the_end, v))
		return;
	for BITS_EACH(k, lineage->bases, lineage->after.stride) {
		if (k != v && !lineage->versions[k].never && !surely_before(lineage, k, v))
			return;
	}
	lineage->versions[v].never = true;
}

static struct solving solving_new(struct lineage *lineage)
{
	struct solving solving = {.lineage = lineage, .added = added_new(lineage), .changed = true};
	size_t n = lineage->n;

	solving.commit_from = mem_new(n * 4, sizeof *solving.commit_from);
	solving.seen_from = solving.commit_from + n;
	solving.seen_to = solving.seen_from + n;
	solving.followed = solving.seen_to + n;
	solving.on_top = mem_new(lineage->after.stride, sizeof *solving.on_top);
	for (size_t v = 0; v < n; v++) {
		solving.commit_from[v] = lineage->versions[v].commit_from;
		solving.seen_from[v] = lineage->versions[v].seen_from;
		solving.seen_to[v] = lineage->versions[v].seen_to;
	}
	return solving;
}

static void solve(struct lineage *lineage, struct findings *findings)
{
	struct solving solving = solving_new(lineage);

	for (int round = 0; solving.changed && round < 32; round++) {
		solving.changed = false;
		order_by_intervals(&solving);
		find_followed(&solving);
		for (size_t r = 0; r < lineage->n_readings; r++)
			find_sources(&solving, r);
		find_finals(&solving);
		for (size_t v = 1; v < lineage->n; v++)
			rule_out(&solving, v);
	}
	findings_doubt_about(findings, &solving.conflict, "",
	                     "wrote balances that can have been there in neither order");
	added_fini(&solving.added);
	free(solving.commit_from);
	free(solving.on_top);
}

static void doubt_unexplained(const struct lineage *lineage, const struct audit_input *input,
                              struct findings *findings)
{
	struct accused strange = {0};

	for (size_t r = 0; r < lineage->n_readings; r++) {
		if (bits_count(bits_row(&lineage->sources, r), lineage->sources.stride) == 0)
			accused_add(&strange, lineage->readings[r].request);
	}
	findings_doubt_about(findings, &strange, "read a balance that no request of this run had put there",
	                     "read balances that no request of this run had put there");
	if (bits_count(lineage->finals, lineage->after.stride) == 0)
		findings_doubt(findings,
		               "the balance is %lld, which no request of this run can have put there last",
		               (long long)input->actual_balance);
}

/* Where reads see what is not committed, one may have seen what was then taken back. */
static bool may_be_taken_back(const struct deposit *deposit, const struct reading *reading)
{
	const struct history_step *write = deposit->write;
	bool wrote = write != NULL && write->err == DB_OK && write->result > 0; /* a condition may match no row */
	bool tried = write != NULL && (write->end_ns == 0 || wrote || write->err == DB_LOST);

	return tried && deposit->write_in_tx && deposit->transaction != FATE_YES &&
	       (deposit->adds || deposit->puts == reading->value) && write->begin_ns < reading->to &&
	       (deposit->attempt->end_ns == 0 || deposit->attempt->err == DB_LOST ||
	        deposit->attempt->end_ns > reading->from);
}

static void doubt_taken_back(const struct lineage *lineage, const struct deposits *deposits,
                             struct findings *findings)
{
	struct accused readers = {0};

	for (size_t r = 0; r < lineage->n_readings; r++) {
		bool possible = false;
		for (size_t i = 0; i < deposits->n && !possible; i++)
			possible = may_be_taken_back(&deposits->list[i], &lineage->readings[r]);
		if (possible)
			accused_add(&readers, lineage->readings[r].request);
	}
	findings_doubt_about(findings, &readers, "may have read what was never committed",
	                     "may have read what was never committed");
}

void lineage_build(struct lineage *lineage, const struct deposits *deposits, const struct audit_input *input,
                   struct findings *findings)
{
	*lineage = (struct lineage){0};
	collect_versions(lineage, deposits, input);
	collect_readings(lineage, deposits);
	size_t n = lineage->n;
	lineage->before = bits_new(n, n);
	lineage->after = bits_new(n, n);
	lineage->sources = bits_new(lineage->n_readings, n);
	lineage->existing = mem_new(lineage->after.stride, sizeof *lineage->existing);
	lineage->finals = mem_new(lineage->after.stride, sizeof *lineage->finals);
	lineage->bases = mem_new(lineage->after.stride, sizeof *lineage->bases);
	lineage->adders = mem_new(lineage->after.stride, sizeof *lineage->adders);
	for (size_t v = 0; v < n; v++) {
		if (lineage->versions[v].sure)
			bit_set(lineage->existing, v);
		bit_set(lineage->versions[v].adds ? lineage->adders : lineage->bases, v);
		lineage->n_adders += lineage->versions[v].adds;
	}
	lineage->end = (struct reading){.value = input->actual_balance, .from = NEVER_ENDS, .to = NEVER_ENDS};
	solve(lineage, findings);
	doubt_unexplained(lineage, input, findings);
	if (input->dirty_reads)
		doubt_taken_back(lineage, deposits, findings);
	content_build(lineage);
}

void lineage_fini(struct lineage *lineage)
{
	free(lineage->versions);
	free(lineage->readings);
	free(lineage->reading_of);
	free(lineage->existing);
	free(lineage->bases);
	free(lineage->adders);
	free(lineage->finals);
	bits_fini(&lineage->before);
	bits_fini(&lineage->after);
	bits_fini(&lineage->sources);
	bits_fini(&lineage->must);
	bits_fini(&lineage->may);
	free(lineage->must_final);
	free(lineage->may_final);
	*lineage = (struct lineage){0};
}
