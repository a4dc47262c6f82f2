/* Session settings on their way into SQL. A variable's name and value cannot be bound as values are,
 * so both are checked here before they are pasted. */
#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "db/driver.h"

static bool is_word(const char *text)
{
	if (*text == '\0' || isdigit((unsigned char)*text))
		return false;
	for (; *text != '\0'; text++)
		if (!isalnum((unsigned char)*text) && *text != '_')
			return false;
	return true;
}

static bool is_number(const char *text)
{
	if (*text == '-' || *text == '+')
		text++;
	size_t whole = strspn(text, "0123456789");
	if (whole == 0)
		return false;
	text += whole;
	if (*text == '.')
		text += 1 + strspn(text + 1, "0123456789");
	return *text == '\0';
}

/* What may stand between quotes without ending them or being an escape. */
static bool is_quotable(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (strchr("'\"\\`", text[i]) != NULL || (unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return false;
	return true;
}

static bool is_quoted(const char *text)
{
	size_t length = strlen(text);

	return length >= 2 && (text[0] == '\'' || text[0] == '"') && text[length - 1] == text[0] &&
	       is_quotable(text + 1, length - 2);
}

char *db_setting_sql(const struct db_setting *setting, struct err *err)
{
	const char *value = setting->value;

	if (!is_word(setting->name)) {
		err_set(err, "'%s' cannot be the name of a setting: letters, digits and '_' only",
		        setting->name);
		return NULL;
	}
	if (is_number(value) || is_word(value))
		return mem_text(value);
	if (is_quoted(value)) /* in single quotes: double ones may mean a name */
		return mem_printf("'%.*s'", (int)(strlen(value) - 2), value + 1);
	if (*value != '\0' && is_quotable(value, strlen(value)))
		return mem_printf("'%s'", value);
	err_set(err, "the value of setting '%s' must be a number, a word, or a text without quotes, "
	             "backslashes and control characters", setting->name);
	return NULL;
}
