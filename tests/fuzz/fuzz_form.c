/* Forms out of any bytes: the first line is the content type, the rest the body. Whatever comes, the
 * fields are whole texts, no more than allowed, and no larger than the input that they came from. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct form *form, size_t length)
{
	size_t sum = 0;

	if (form->n > FORM_MAX_FIELDS)
		abort();
	for (size_t i = 0; i < form->n; i++) {
		const struct form_field *field = &form->fields[i];
		if (field->name[field->name_length] != '\0' || field->value[field->value_length] != '\0')
			abort();
		sum += field->name_length + field->value_length;
		const struct form_field *last = form_get(form, field->name);
		if (strlen(field->name) == field->name_length && (last == NULL || last < field))
			abort();
	}
	if (sum > length)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
	size_t type_length = end != NULL ? (size_t)(end - data) : size;
	size_t length = end != NULL ? size - type_length - 1 : 0;
	char *type = malloc(type_length + 1), *body = malloc(length > 0 ? length : 1);
	struct form form = {0};

	if (type == NULL || body == NULL)
		abort();
	if (type_length > 0)
		memcpy(type, data, type_length);
	type[type_length] = '\0';
	if (length > 0)
		memcpy(body, end + 1, length);
	if (form_decode(type, body, length, &form) == FORM_OK)
		check(&form, length);
	form_fini(&form);
	free(body);
	free(type);
	return 0;
}
