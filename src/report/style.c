/* What the place where a report goes can show (width, colour, UTF-8), and the few ways in which
 * reports use it. The environment is asked here and nowhere else in the room. */
#include "report/style.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/num.h"

enum { COLUMNS_ELSE = 80, COLUMNS_LEAST = 20, COLUMNS_MOST = 1000 };

/* COLUMNS wins, as it does for curses: who sets it wants that width. */
static int columns_of(int fd, bool terminal)
{
	const char *wish = getenv("COLUMNS");
	struct winsize size = {0};
	int64_t columns;

	if (wish != NULL && num_parse(wish, COLUMNS_LEAST, COLUMNS_MOST, &columns, NULL))
		return (int)columns;
	if (terminal && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col < COLUMNS_MOST ? size.ws_col : COLUMNS_MOST;
	return COLUMNS_ELSE;
}

static const char *locale_wish(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		const char *value = getenv(names[i]);
		if (value != NULL && value[0] != '\0')
			return value;
	}
	return "";
}

/* Asks a locale of its own: neither needs setlocale elsewhere nor changes what others see. Where
 * the named locale is not installed, as in small containers, its name still tells what is meant. */
static bool utf8_shows(void)
{
	locale_t locale = newlocale(LC_CTYPE_MASK, "", NULL);

	if (locale == NULL) {
		const char *dot = strchr(locale_wish(), '.');
		return dot != NULL && (strcasecmp(dot, ".UTF-8") == 0 || strcasecmp(dot, ".utf8") == 0);
	}
	bool utf8 = text_equal(nl_langinfo_l(CODESET, locale), "UTF-8");
	freelocale(locale);
	return utf8;
}

struct report_style report_style_of(FILE *to)
{
	int fd = fileno(to);
	bool terminal = fd >= 0 && isatty(fd) == 1;
	const char *no_colour = getenv("NO_COLOR"), *kind = getenv("TERM");

	return (struct report_style){
		.columns = columns_of(fd, terminal),
		.wrap = terminal,
		.colour = terminal && (no_colour == NULL || no_colour[0] == '\0') &&
		          (kind == NULL || !text_equal(kind, "dumb")),
		.utf8 = utf8_shows(),
	};
}

const char *ink_on(const struct report_style *style, enum ink ink)
{
	static const char *const codes[] = {
		[INK_PLAIN] = "", [INK_QUIET] = "\033[2m", [INK_STRONG] = "\033[1m",
		[INK_LOSS] = "\033[1;31m", [INK_REFUSAL] = "\033[33m",
	};

	return style->colour ? codes[ink] : "";
}

const char *ink_off(const struct report_style *style, enum ink ink)
{
	return style->colour && ink != INK_PLAIN ? "\033[0m" : "";
}

void str_ink(struct str *str, const struct report_style *style, enum ink ink, const char *text)
{
	str_add(str, ink_on(style, ink));
	str_add(str, text);
	str_add(str, ink_off(style, ink));
}

void str_count(struct str *str, size_t n, const char *noun)
{
	str_printf(str, "%zu %s%s", n, noun, n == 1 ? "" : "s");
}

/* Bytes of the longest beginning of `text` that ends before a space and fits; of its first word at
 * least. */
static size_t line_length(const char *text, size_t columns)
{
	size_t used = 0, best = 0;

	for (size_t i = 0;; i++) {
		if (text[i] == ' ' || text[i] == '\0') {
			if (best > 0 && used > columns)
				return best;
			best = i;
		}
		if (text[i] == '\0')
			return best;
		if (((unsigned char)text[i] & 0xC0) != 0x80)
			used++;
	}
}

void str_paragraph(struct str *str, const struct report_style *style, const char *indent, const char *text)
{
	size_t columns = style->columns > 40 ? (size_t)style->columns : 40;
	size_t hang = strlen(indent) > 0 ? 2 : 0, taken = strlen(indent);

	str_add(str, indent);
	while (style->wrap && taken + text_columns(text) > columns) {
		size_t length = line_length(text, columns - taken);
		if (text[length] == '\0')
			break;
		str_add_n(str, text, length);
		str_printf(str, "\n%s%*s", indent, (int)hang, "");
		text += length + 1;
		taken = strlen(indent) + hang;
	}
	str_add(str, text);
	str_add_char(str, '\n');
}

void str_write(struct str *str, FILE *to)
{
	/* Whether it arrived is asked once, at the end, by the command: ferror(to). */
	(void)fwrite(str_text(str), 1, str->length, to);
	str_fini(str);
}

void report_paragraph(FILE *to, const struct report_style *style, const char *indent, const char *text)
{
	struct str str = {0};

	str_paragraph(&str, style, indent, text);
	str_write(&str, to);
}
