/* Events as JSON lines. One table of members serves writing and reading, so that they agree. */
#include "trace/ndjson.h"

#include <jansson.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

enum member_type { MEMBER_U64, MEMBER_U32, MEMBER_I32, MEMBER_I64, MEMBER_TEXT };

static const struct member {
	const char *key;
	enum member_type type;
	size_t offset;
} members[] = {
	{"seq", MEMBER_U64, offsetof(struct event, seq)},
	{"slot", MEMBER_U32, offsetof(struct event, slot)},
	{"generation", MEMBER_U32, offsetof(struct event, generation)},
	{"t_ns", MEMBER_I64, offsetof(struct event, t_ns)},
	{"request", MEMBER_U32, offsetof(struct event, request)},
	{"attempt", MEMBER_U32, offsetof(struct event, attempt)},
	{"step", MEMBER_U32, offsetof(struct event, step)},
	{"tx", MEMBER_U32, offsetof(struct event, tx)},
	{"native", MEMBER_I32, offsetof(struct event, native)},
	{"traits", MEMBER_U32, offsetof(struct event, traits)},
	{"key", MEMBER_I64, offsetof(struct event, key)},
	{"value", MEMBER_I64, offsetof(struct event, value)},
	{"detail", MEMBER_I64, offsetof(struct event, detail)},
	{"op", MEMBER_TEXT, offsetof(struct event, op)},
	{"label", MEMBER_TEXT, offsetof(struct event, label)},
	{"table", MEMBER_TEXT, offsetof(struct event, table)},
};

static json_t *to_json(const struct event *event, const struct member *member)
{
	const char *at = (const char *)event + member->offset;
	uint64_t u64;
	uint32_t u32;
	int64_t i64;
	int32_t i32;

	switch (member->type) {
	case MEMBER_U64:
		memcpy(&u64, at, sizeof u64);
		return json_integer((json_int_t)u64);
	case MEMBER_U32:
		memcpy(&u32, at, sizeof u32);
		return json_integer(u32);
	case MEMBER_I32:
		memcpy(&i32, at, sizeof i32);
		return json_integer(i32);
	case MEMBER_I64:
		memcpy(&i64, at, sizeof i64);
		return json_integer(i64);
	case MEMBER_TEXT:
		return json_string(at);
	}
	return NULL;
}

bool ndjson_write(FILE *file, const struct event *event)
{
	json_t *object = json_object();

	json_object_set_new(object, "kind", json_string(event_kind_name(event->kind)));
	for (size_t i = 0; i < COUNT_OF(members); i++)
		json_object_set_new(object, members[i].key, to_json(event, &members[i]));
	char *line = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	bool ok = line != NULL && fputs(line, file) != EOF && fputc('\n', file) != EOF;
	free(line);
	return ok;
}

static bool from_text(char *at, const json_t *value, const char *key, struct err *err)
{
	if (!json_is_string(value) || json_string_length(value) >= EVENT_TEXT ||
	    strlen(json_string_value(value)) != json_string_length(value))
		return err_set(err, "\"%s\" is not a text of at most %d bytes", key, EVENT_TEXT - 1);
	event_text(at, json_string_value(value));
	return true;
}

static bool from_json(struct event *event, const struct member *member, const json_t *value, struct err *err)
{
	char *at = (char *)event + member->offset;

	if (member->type == MEMBER_TEXT)
		return from_text(at, value, member->key, err);
	int64_t number = json_integer_value(value);
	bool is_signed = member->type == MEMBER_I64 || member->type == MEMBER_I32;
	int64_t max = member->type == MEMBER_U32 ? UINT32_MAX : member->type == MEMBER_I32 ? INT32_MAX : INT64_MAX;
	int64_t min = !is_signed ? 0 : member->type == MEMBER_I32 ? INT32_MIN : INT64_MIN;
	if (!json_is_integer(value) || number < min || number > max)
		return err_set(err, "\"%s\" is not a whole number within its limits", member->key);
	uint32_t u32 = (uint32_t)number;
	if (member->type == MEMBER_U32 || member->type == MEMBER_I32)
		memcpy(at, &u32, sizeof u32);
	else
		memcpy(at, &number, sizeof number);
	return true;
}

static bool read_object(const json_t *object, struct event *event, struct err *err)
{
	const char *kind = json_string_value(json_object_get(object, "kind"));

	if (!json_is_object(object) || kind == NULL || !event_kind_of_name(kind, &event->kind))
		return err_set(err, "not an event: \"kind\" is missing or unknown");
	for (size_t i = 0; i < COUNT_OF(members); i++) {
		const json_t *value = json_object_get(object, members[i].key);
		if (value == NULL)
			return err_set(err, "\"%s\" is missing", members[i].key);
		if (!from_json(event, &members[i], value, err))
			return false;
	}
	return true;
}

bool ndjson_read(const char *line, size_t length, struct event *event, struct err *err)
{
	json_error_t why;
	json_t *object = json_loadb(line, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);

	*event = (struct event){0};
	if (object == NULL)
		return err_set(err, "not JSON: %s", why.text);
	bool ok = read_object(object, event, err);
	json_decref(object);
	return ok;
}
