/* The one error that a function hands to a person. */
#include "base/err.h"

#include <stdlib.h>

#include "base/mem.h"

bool err_set(struct err *err, const char *format, ...)
{
	va_list args;

	if (err == NULL)
		return false;
	va_start(args, format);
	char *text = mem_vprintf(format, args);
	va_end(args);
	free(err->text);
	err->text = text;
	return false;
}

void err_prefix(struct err *err, const char *format, ...)
{
	va_list args;

	if (err == NULL)
		return;
	va_start(args, format);
	char *what = mem_vprintf(format, args);
	va_end(args);
	char *both = mem_printf("%s: %s", what, err_text(err));
	free(what);
	free(err->text);
	err->text = both;
}

const char *err_text(const struct err *err)
{
	return err != NULL && err->text != NULL ? err->text : "unknown error";
}

void err_fini(struct err *err)
{
	free(err->text);
	err->text = NULL;
}
