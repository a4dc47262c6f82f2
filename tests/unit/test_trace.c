/* trace: rings that lose nothing silently, and events that survive the way through a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "base/err.h"
#include "trace/ndjson.h"
#include "trace/ring.h"

static void events_come_out_in_order_with_their_writer(void **state)
{
	struct ring_set *set = ring_set_new(2, 8, NULL);
	struct event_list list = {0};

	(void)state;
	struct ring_writer first = ring_open_writer(set, 0);
	struct ring_writer second = ring_open_writer(set, 1);
	struct ring_writer respawned = ring_open_writer(set, 1);
	ring_put(&first, &(struct event){.kind = EVENT_PAUSE_BEGIN, .value = 7});
	ring_put(&second, &(struct event){.kind = EVENT_PAUSE_END, .t_ns = 5});
	ring_put(&respawned, &(struct event){.kind = EVENT_WORKER_BOOT});
	ring_drain(set, &list);
	assert_int_equal(list.n, 3);
	assert_int_equal(list.missing, 0);
	assert_int_equal(list.items[0].value, 7);
	assert_true(list.items[0].t_ns > 0);
	assert_int_equal(list.items[0].seq, 1);
	assert_int_equal(list.items[1].slot, 1);
	assert_int_equal(list.items[1].t_ns, 5);
	assert_int_equal(list.items[1].generation, 1);
	assert_int_equal(list.items[2].generation, 2);
	assert_int_equal(list.items[2].seq, 2);
	event_list_fini(&list);
	ring_set_free(set);
}

static void a_full_ring_drops_and_tells(void **state)
{
	struct ring_set *set = ring_set_new(1, 4, NULL);
	struct event_list list = {0};

	(void)state;
	struct ring_writer writer = ring_open_writer(set, 0);
	for (int i = 0; i < 6; i++)
		ring_put(&writer, &(struct event){.value = i});
	ring_drain(set, &list);
	assert_int_equal(list.n, 4);
	assert_int_equal(list.missing, 2);
	ring_put(&writer, &(struct event){.value = 6});
	ring_drain(set, &list);
	assert_int_equal(list.n, 5);
	assert_int_equal(list.missing, 2);
	assert_int_equal(list.items[4].seq, 7); /* the gap shows: 4, then 7 */
	event_list_fini(&list);
	ring_set_free(set);
}

static void a_forked_writer_is_read_by_its_parent(void **state)
{
	struct ring_set *set = ring_set_new(1, 1024, NULL);
	struct event_list list = {0};
	int status = 1;

	(void)state;
	pid_t child = fork();
	if (child == 0) {
		struct ring_writer writer = ring_open_writer(set, 0);
		for (int i = 0; i < 1000; i++)
			ring_put(&writer, &(struct event){.value = i});
		_exit(0);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	ring_drain(set, &list);
	assert_int_equal(list.n, 1000);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(list.items[i].value, i);
	event_list_fini(&list);
	ring_set_free(set);
}

struct stream {
	struct ring_set *set;
	atomic_bool done;
	int64_t n;
};

static void *write_stream(void *context)
{
	struct stream *stream = context;
	struct ring_writer writer = ring_open_writer(stream->set, 0);

	for (int64_t i = 0; i < stream->n; i++)
		ring_put(&writer, &(struct event){.t_ns = 1, .value = i, .detail = -i, .key = i * 3});
	atomic_store(&stream->done, true);
	return NULL;
}

/* While one thread writes and one reads: no event is torn, doubled or out of order, and those that
 * are missing are exactly those that are counted as missing. */
static void reading_beside_the_writer(void **state)
{
	struct stream stream = {.set = ring_set_new(1, 64, NULL), .n = 200000};
	struct event_list list = {0};
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, write_stream, &stream), 0);
	while (!atomic_load(&stream.done)) {
		ring_drain(stream.set, &list);
		sched_yield();
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	ring_drain(stream.set, &list);
	assert_int_equal((int64_t)(list.n + list.missing), stream.n);
	for (size_t i = 0; i < list.n; i++) {
		const struct event *event = &list.items[i];
		assert_int_equal(event->value, (int64_t)event->seq - 1);
		assert_int_equal(event->detail, -event->value);
		assert_int_equal(event->key, event->value * 3);
		assert_true(i == 0 || event->seq > list.items[i - 1].seq);
	}
	event_list_fini(&list);
	ring_set_free(stream.set);
}

static void sorting_keeps_a_writers_own_order(void **state)
{
	struct event_list list = {0};

	(void)state;
	event_list_add(&list, &(struct event){.slot = 1, .seq = 1, .t_ns = 20});
	event_list_add(&list, &(struct event){.slot = 1, .seq = 2, .t_ns = 20});
	event_list_add(&list, &(struct event){.slot = 0, .seq = 9, .t_ns = 10});
	event_list_sort(&list);
	assert_int_equal(list.items[0].seq, 9);
	assert_int_equal(list.items[1].seq, 1);
	assert_int_equal(list.items[2].seq, 2);
	event_list_fini(&list);
}

static const struct event sample = {
	.seq = 7, .slot = 2, .generation = 3, .t_ns = INT64_C(123456789012), .kind = EVENT_CALL_END, .request = 4,
	.attempt = 1, .step = 5, .tx = 2, .native = -1213, .key = INT64_MIN, .value = INT64_MAX, .detail = 2,
	.op = "atomic_no_delay", .label = "read \"balance\"", .table = "demo_account",
};

static void events_survive_a_file(void **state)
{
	char *text = NULL;
	size_t length = 0;
	FILE *file = open_memstream(&text, &length);
	struct event back;

	(void)state;
	assert_true(ndjson_write(file, &sample));
	fclose(file);
	assert_int_equal(text[length - 1], '\n');
	assert_null(memchr(text, '\n', length - 1));
	assert_true(ndjson_read(text, length - 1, &back, NULL));
	assert_memory_equal(&back, &sample, sizeof back);
	free(text);
}

static void a_full_disk_is_noticed(void **state)
{
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(full);
	setvbuf(full, NULL, _IONBF, 0);
	assert_false(ndjson_write(full, &sample));
	fclose(full);
}

static void broken_lines_are_refused_with_a_reason(void **state)
{
	static const char *const lines[] = {
		"", "{", "[]", "7", "{\"kind\":\"no_such\"}", "{\"kind\":7}", "{\"kind\":\"call_end\"}",
		"{\"kind\":\"call_end\",\"seq\":-1}", "{\"kind\":\"call_end\",\"seq\":1,\"slot\":4294967296}",
		"{\"kind\":\"call_end\",\"seq\":1.5}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(lines); i++) {
		struct event event;
		struct err err = {0};
		assert_false(ndjson_read(lines[i], strlen(lines[i]), &event, &err));
		assert_non_null(err.text);
		err_fini(&err);
	}
}

static void every_kind_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (unsigned i = 0; i < EVENT_KINDS; i++) {
		enum event_kind kind;
		assert_true(event_kind_of_name(event_kind_name((enum event_kind)i), &kind));
		assert_int_equal(kind, i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_come_out_in_order_with_their_writer),
		cmocka_unit_test(a_full_ring_drops_and_tells),
		cmocka_unit_test(a_forked_writer_is_read_by_its_parent),
		cmocka_unit_test(reading_beside_the_writer),
		cmocka_unit_test(sorting_keeps_a_writers_own_order),
		cmocka_unit_test(events_survive_a_file),
		cmocka_unit_test(a_full_disk_is_noticed),
		cmocka_unit_test(broken_lines_are_refused_with_a_reason),
		cmocka_unit_test(every_kind_has_a_name_of_its_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
