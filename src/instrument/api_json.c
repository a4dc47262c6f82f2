/* Fields out of bodies: taken one by one, faults collected, so that a form hears of all of them at once. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "instrument/api_private.h"

void api_fault(struct api_call *call, const char *name, const char *format, ...)
{
	va_list args;

	if (call->faults == NULL)
		call->faults = json_object();
	va_start(args, format);
	char *sentence = mem_vprintf(format, args);
	va_end(args);
	/* The first fault of a field is the one to mend. */
	if (json_object_get(call->faults, name) == NULL)
		json_object_set_new(call->faults, name, json_string(sentence));
	free(sentence);
}

/* The value, kept as long as the call; NULL and a fault where it is missing and needed. */
static json_t *take(struct api_call *call, json_t *object, const char *name, bool needed)
{
	json_t *value = json_object_get(object, name);

	if (value == NULL) {
		if (needed)
			api_fault(call, name, "This field is required.");
		return NULL;
	}
	json_array_append(api_inner(call)->kept, value);
	json_object_del(object, name);
	return value;
}

bool api_take_integer(struct api_call *call, json_t *object, const char *name, int64_t min, int64_t max,
                      int64_t *value)
{
	json_t *found = take(call, object, name, true);

	if (found == NULL)
		return false;
	if (!json_is_integer(found)) {
		api_fault(call, name, "Enter a whole number.");
		return false;
	}
	*value = json_integer_value(found);
	if (*value >= min && *value <= max)
		return true;
	api_fault(call, name, "Enter a number from %lld to %lld.", (long long)min, (long long)max);
	return false;
}

bool api_take_boolean(struct api_call *call, json_t *object, const char *name, bool *value)
{
	json_t *found = take(call, object, name, true);

	if (found == NULL)
		return false;
	*value = json_is_true(found);
	if (json_is_boolean(found))
		return true;
	api_fault(call, name, "This is true or false.");
	return false;
}

/* Codes below a space, DEL, and those of C1 (in UTF-8: C2 80 to C2 9F). */
static bool has_controls(const char *text)
{
	for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++)
		if (*c < ' ' || *c == 127 || (*c == 0xC2 && c[1] < 0xA0))
			return true;
	return false;
}

bool api_take_text(struct api_call *call, json_t *object, const char *name, size_t min, size_t max,
                   const char **value)
{
	json_t *found = take(call, object, name, true);

	if (found == NULL)
		return false;
	*value = json_string_value(found);
	if (*value == NULL)
		api_fault(call, name, "This must be a text.");
	else if (has_controls(*value))
		api_fault(call, name, "Control characters are not allowed.");
	else if (text_columns(*value) < min)
		api_fault(call, name, min == 1 ? "This field cannot be blank." : "This is too short.");
	else if (text_columns(*value) > max)
		api_fault(call, name, "This has at most %zu characters.", max);
	else
		return true;
	return false;
}

json_t *api_take_object(struct api_call *call, json_t *object, const char *name, bool needed)
{
	json_t *found = take(call, object, name, needed);

	if (found == NULL || json_is_object(found))
		return found;
	api_fault(call, name, "This must be an object.");
	return NULL;
}

json_t *api_take_array(struct api_call *call, json_t *object, const char *name, size_t max, bool needed)
{
	json_t *found = take(call, object, name, needed);

	if (found == NULL)
		return NULL;
	if (!json_is_array(found))
		api_fault(call, name, "This must be a list.");
	else if (json_array_size(found) > max)
		api_fault(call, name, "This has at most %zu entries.", max);
	else
		return found;
	return NULL;
}

void api_nothing_else(struct api_call *call, json_t *object)
{
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value)
		api_fault(call, name, "There is no such field.");
}

bool api_sound(struct api_call *call)
{
	if (call->faults == NULL)
		return true;
	api_refuse_with(call, 422, "invalid", "fields", json_incref(call->faults), "Please correct the fields below.");
	return false;
}
