/* Texts that grow, and questions about texts. */
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void str_add_n(struct str *str, const char *bytes, size_t length)
{
	str->text = mem_grow(str->text, &str->capacity, str->length + length + 1, 1);
	if (length > 0)
		memcpy(str->text + str->length, bytes, length);
	str->length += length;
	str->text[str->length] = '\0';
}

void str_add(struct str *str, const char *text)
{
	str_add_n(str, text, strlen(text));
}

void str_add_char(struct str *str, char c)
{
	str_add_n(str, &c, 1);
}

void str_repeat(struct str *str, const char *text, size_t times)
{
	for (size_t i = 0; i < times; i++)
		str_add(str, text);
}

void str_printf(struct str *str, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	char *text = mem_vprintf(format, args);
	va_end(args);
	str_add(str, text);
	free(text);
}

const char *str_text(const struct str *str)
{
	return str->text != NULL ? str->text : "";
}

void str_clear(struct str *str)
{
	str->length = 0;
	if (str->text != NULL)
		str->text[0] = '\0';
}

char *str_take(struct str *str)
{
	char *text = str->text != NULL ? str->text : mem_text("");

	*str = (struct str){0};
	return text;
}

void str_fini(struct str *str)
{
	free(str->text);
	*str = (struct str){0};
}

bool text_equal(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

bool text_starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

size_t text_columns(const char *text)
{
	size_t columns = 0;

	for (; *text != '\0'; text++)
		if (((unsigned char)*text & 0xC0) != 0x80)
			columns++;
	return columns;
}
