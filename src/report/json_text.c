/* UTF-8, or else ASCII. */
#include "report/json_text.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"

json_t *json_text(const char *text)
{
	if (text == NULL)
		return json_null();
	json_t *whole = json_string(text);
	if (whole != NULL)
		return whole;
	char *plain = mem_text(text);
	for (char *c = plain; *c != '\0'; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	whole = json_string(plain);
	free(plain);
	return whole;
}

bool json_text_is(const json_t *json, const char *text)
{
	const char *told = json_is_string(json) ? json_string_value(json) : "";
	json_t *made = json_text(text);
	bool is = made != NULL && text_equal(told, json_string_value(made));

	json_decref(made);
	return is;
}
