/* Any bytes as a database's address: an address that is understood is told back without its password,
 * and what is told back means the same; one that is not is an error and leaves nothing behind. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "db/db.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : text_equal(a, b);
}

static void expect(bool holds)
{
	if (!holds)
		abort();
}

static void check_taken(const struct db_target *target)
{
	const char *text = db_target_text(target);
	struct db_target again;

	expect(db_target_parse(text, &again, NULL));
	expect(again.driver == target->driver && again.port == target->port);
	expect(same(again.file, target->file) && same(again.host, target->host));
	expect(same(again.socket, target->socket) && same(again.user, target->user));
	expect(same(again.name, target->name) && same(db_target_text(&again), text));
	expect(target->password == NULL ? again.password == NULL : same(again.password, "***"));
	expect((target->file == NULL) == (target->name != NULL));
	for (const char *c = text; *c != '\0'; c++)
		expect((unsigned char)*c >= ' ' && *c != 0x7f);
	db_target_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *url = mem_text_n((const char *)data, size);
	struct db_target target;
	struct err err = {0};

	if (db_target_parse(url, &target, &err)) {
		expect(err.text == NULL);
		check_taken(&target);
		db_target_fini(&target);
	} else {
		expect(err.text != NULL && target.arena.blocks == NULL);
	}
	err_fini(&err);
	free(url);
	return 0;
}
