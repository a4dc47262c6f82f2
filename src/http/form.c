/* The two encodings of a form, decoded from a body that is there as a whole.
 *
 * Multipart is walked by its delimiter lines: what stands between two of them is a part, a header
 * block, an empty line and a value. Text that is only looked at is a slice of the body or of the
 * content type; what a field keeps is copied into the form's arena. */
#include "http/form.h"

#include <string.h>
#include <strings.h>

#include "http/hex.h"

struct slice {
	const char *at;
	size_t n;
};

static struct slice slice_of(const char *text)
{
	return (struct slice){text, strlen(text)};
}

static struct slice slice_from(struct slice slice, size_t from)
{
	return (struct slice){slice.at + from, slice.n - from};
}

static struct slice slice_until(struct slice slice, const char *end)
{
	return (struct slice){slice.at, (size_t)(end - slice.at)};
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct slice slice_trim(struct slice slice)
{
	while (slice.n > 0 && is_blank(slice.at[0]))
		slice = slice_from(slice, 1);
	while (slice.n > 0 && is_blank(slice.at[slice.n - 1]))
		slice.n--;
	return slice;
}

static bool slice_is(struct slice slice, const char *text)
{
	return slice.n == strlen(text) && strncasecmp(slice.at, text, slice.n) == 0;
}

/* Where `what` begins in the slice, NULL if it does not occur. */
static const char *slice_find(struct slice slice, const char *what, size_t n)
{
	return slice.n > 0 ? memmem(slice.at, slice.n, what, n) : NULL;
}

/* ---- the form --------------------------------------------------------------------------------- */

/* The array doubles at powers of two; the outgrown ones go with the arena. */
static void add_field(struct form *form, struct slice name, struct slice value)
{
	if ((form->n & (form->n - 1)) == 0) {
		size_t room = form->n > 0 ? 2 * form->n : 1;
		struct form_field *more = arena_new(&form->arena, room, sizeof *more);
		if (form->n > 0)
			memcpy(more, form->fields, form->n * sizeof *more);
		form->fields = more;
	}
	form->fields[form->n++] = (struct form_field){name.at, value.at, name.n, value.n};
}

static struct slice keep(struct form *form, struct slice slice)
{
	return (struct slice){arena_text_n(&form->arena, slice.at, slice.n), slice.n};
}

const struct form_field *form_get(const struct form *form, const char *name)
{
	size_t length = strlen(name);

	for (size_t i = form->n; i > 0; i--) {
		const struct form_field *field = &form->fields[i - 1];
		if (field->name_length == length && memcmp(field->name, name, length) == 0)
			return field;
	}
	return NULL;
}

void form_fini(struct form *form)
{
	arena_fini(&form->arena);
	*form = (struct form){0};
}

/* ---- application/x-www-form-urlencoded -------------------------------------------------------- */

static struct slice keep_unescaped(struct form *form, struct slice text)
{
	char *to = arena_new(&form->arena, text.n + 1, 1);
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++) {
		int byte = text.at[i] == '%' ? hex_byte(text.at + i + 1, text.n - i - 1) : -1;
		if (byte >= 0) {
			to[n++] = (char)byte;
			i += 2;
		} else {
			to[n++] = text.at[i] == '+' ? ' ' : text.at[i];
		}
	}
	return (struct slice){to, n};
}

static void add_pair(struct form *form, struct slice pair)
{
	const char *equals = memchr(pair.at, '=', pair.n);
	struct slice name = equals != NULL ? slice_until(pair, equals) : pair;
	struct slice value = equals != NULL ? slice_from(pair, name.n + 1) : slice_from(pair, pair.n);

	add_field(form, keep_unescaped(form, name), keep_unescaped(form, value));
}

static enum form_result decode_urlencoded(struct form *form, struct slice body)
{
	size_t separators = 0;

	/* Django counts the empty pairs too, before it drops them. */
	for (size_t i = 0; i < body.n; i++)
		separators += body.at[i] == '&';
	if (separators + 1 > FORM_MAX_FIELDS)
		return FORM_MALFORMED;
	while (body.n > 0) {
		const char *end = memchr(body.at, '&', body.n);
		struct slice pair = end != NULL ? slice_until(body, end) : body;
		if (pair.n > 0)
			add_pair(form, pair);
		body = slice_from(body, pair.n + (end != NULL ? 1 : 0));
	}
	return FORM_OK;
}

/* ---- parameters of a header: ; name=value ; name="va\"lue" ------------------------------------ */

struct param {
	struct slice name;
	struct slice value; /* unquoted, in the arena */
};

enum param_end { PARAM_FOUND, PARAM_NONE_LEFT, PARAM_BAD };

/* Only a quote and a backslash can be escaped, as in Django: file names are full of other backslashes. */
static bool is_escape(struct slice text, size_t i)
{
	return text.at[i] == '\\' && i + 1 < text.n && (text.at[i + 1] == '"' || text.at[i + 1] == '\\');
}

/* `rest` begins behind the opening quote; afterwards behind the closing one. Measured before it is
 * copied: room for all of the rest, once for each of many values, would be quadratic. */
static bool take_quoted(struct form *form, struct slice *rest, struct slice *value)
{
	size_t end = 0, n = 0;

	while (end < rest->n && rest->at[end] != '"')
		end += is_escape(*rest, end) ? 2 : 1;
	if (end == rest->n)
		return false;
	char *to = arena_new(&form->arena, end + 1, 1);
	for (size_t i = 0; i < end; i++) {
		if (is_escape(*rest, i))
			i++;
		to[n++] = rest->at[i];
	}
	*value = (struct slice){to, n};
	*rest = slice_from(*rest, end + 1);
	return true;
}

static struct slice take_until_semicolon(struct slice *rest)
{
	const char *end = slice_find(*rest, ";", 1);
	struct slice taken = end != NULL ? slice_until(*rest, end) : *rest;

	*rest = slice_from(*rest, taken.n);
	return slice_trim(taken);
}

/* `rest` is what follows the header's main value: empty, or it begins with a semicolon. */
static enum param_end next_param(struct form *form, struct slice *rest, struct param *param)
{
	while (rest->n > 0 && (rest->at[0] == ';' || is_blank(rest->at[0])))
		*rest = slice_from(*rest, 1);
	if (rest->n == 0)
		return PARAM_NONE_LEFT;
	size_t i = 0;
	while (i < rest->n && rest->at[i] != '=' && rest->at[i] != ';')
		i++;
	param->name = slice_trim((struct slice){rest->at, i});
	*rest = slice_from(*rest, i);
	param->value = (struct slice){"", 0};
	if (rest->n == 0 || rest->at[0] == ';')
		return PARAM_FOUND;
	*rest = slice_from(*rest, 1);
	while (rest->n > 0 && is_blank(rest->at[0]))
		*rest = slice_from(*rest, 1);
	if (rest->n == 0 || rest->at[0] != '"') {
		param->value = keep(form, take_until_semicolon(rest));
		return PARAM_FOUND;
	}
	*rest = slice_from(*rest, 1);
	if (!take_quoted(form, rest, &param->value))
		return PARAM_BAD;
	return take_until_semicolon(rest).n == 0 ? PARAM_FOUND : PARAM_BAD;
}

/* ---- multipart/form-data ---------------------------------------------------------------------- */

enum { MAX_BOUNDARY = 70 }; /* RFC 2046, 5.1.1 */

static bool boundary_is_legal(struct slice boundary)
{
	static const char marks[] = "'()+_,-./:=? ";

	if (boundary.n == 0 || boundary.n > MAX_BOUNDARY || boundary.at[boundary.n - 1] == ' ')
		return false;
	for (size_t i = 0; i < boundary.n; i++) {
		char c = boundary.at[i];
		bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
		if (!plain && (c == '\0' || strchr(marks, c) == NULL))
			return false;
	}
	return true;
}

/* CRLF "--" boundary, in the arena. Two boundaries leave it open which one counts. */
static bool find_delimiter(struct form *form, struct slice params, struct slice *delimiter)
{
	struct param param;
	enum param_end end;

	delimiter->n = 0;
	while ((end = next_param(form, &params, &param)) == PARAM_FOUND) {
		if (!slice_is(param.name, "boundary"))
			continue;
		if (delimiter->n > 0 || !boundary_is_legal(param.value))
			return false;
		delimiter->at = arena_printf(&form->arena, "\r\n--%s", param.value.at);
		delimiter->n = strlen(delimiter->at);
	}
	return end == PARAM_NONE_LEFT && delimiter->n > 0;
}

struct mark {
	struct slice before; /* what stands before the delimiter line */
	struct slice after;  /* and what follows it */
	bool last;
};

/* `tail` follows a delimiter. A line that goes on otherwise only begins like one: it is data. */
static bool is_delimiter_line(struct slice tail, struct mark *mark)
{
	mark->last = tail.n >= 2 && tail.at[0] == '-' && tail.at[1] == '-';
	if (mark->last)
		tail = slice_from(tail, 2);
	while (tail.n > 0 && is_blank(tail.at[0]))
		tail = slice_from(tail, 1);
	mark->after = tail;
	if (mark->last && tail.n == 0)
		return true;
	if (tail.n < 2 || tail.at[0] != '\r' || tail.at[1] != '\n')
		return false;
	mark->after = slice_from(tail, 2);
	return true;
}

static bool next_mark(struct slice rest, struct slice delimiter, struct mark *mark)
{
	struct slice from = rest;
	const char *found;

	while ((found = slice_find(from, delimiter.at, delimiter.n)) != NULL) {
		mark->before = slice_until(rest, found);
		from = slice_from(rest, mark->before.n + delimiter.n);
		if (is_delimiter_line(from, mark))
			return true;
	}
	return false;
}

/* The first delimiter needs no line end before it when nothing stands before it. */
static bool first_mark(struct slice body, struct slice delimiter, struct mark *mark)
{
	struct slice bare = slice_from(delimiter, 2);

	mark->before = slice_until(body, body.at);
	if (body.n >= bare.n && memcmp(body.at, bare.at, bare.n) == 0 &&
	    is_delimiter_line(slice_from(body, bare.n), mark))
		return true;
	return next_mark(body, delimiter, mark);
}

struct part {
	bool has_disposition, is_named, is_file;
	struct slice name;
};

static bool read_disposition(struct form *form, struct slice text, struct part *part)
{
	struct param param;
	enum param_end end;

	if (part->has_disposition)
		return false;
	part->has_disposition = true;
	(void)take_until_semicolon(&text); /* "form-data": Django does not ask either */
	while ((end = next_param(form, &text, &param)) == PARAM_FOUND) {
		if (slice_is(param.name, "name")) {
			part->is_named = true;
			part->name = keep(form, slice_trim(param.value));
		} else if (slice_is(param.name, "filename") || slice_is(param.name, "filename*")) {
			part->is_file = part->is_file || param.value.n > 0;
		}
	}
	return end == PARAM_NONE_LEFT;
}

/* One header, continuation lines included, is taken off the front of `block`. */
static struct slice take_header(struct form *form, struct slice *block)
{
	size_t n = 0;
	const char *end;

	for (;;) {
		end = slice_find(slice_from(*block, n), "\r\n", 2);
		if (end == NULL) {
			n = block->n;
			break;
		}
		n = (size_t)(end - block->at);
		if (n + 2 == block->n || !is_blank(block->at[n + 2]))
			break;
		n += 2;
	}
	char *line = arena_text_n(&form->arena, block->at, n);
	for (size_t i = 0; i < n; i++)
		if (line[i] == '\r' || line[i] == '\n')
			line[i] = ' ';
	*block = slice_from(*block, end != NULL ? n + 2 : n);
	return (struct slice){line, n};
}

static bool read_part_header(struct form *form, struct slice block, struct part *part)
{
	while (block.n > 0) {
		struct slice line = take_header(form, &block);
		const char *colon = slice_find(line, ":", 1);
		if (colon == NULL)
			return false;
		struct slice name = slice_trim(slice_until(line, colon));
		if (slice_is(name, "content-disposition") &&
		    !read_disposition(form, slice_from(line, (size_t)(colon + 1 - line.at)), part))
			return false;
	}
	return true;
}

static bool add_part(struct form *form, struct slice text)
{
	struct part part = {0};
	struct slice block = {text.at, 0}, value;

	if (text.n >= 2 && memcmp(text.at, "\r\n", 2) == 0) {
		value = slice_from(text, 2);
	} else {
		const char *end = slice_find(text, "\r\n\r\n", 4);
		if (end == NULL)
			return false;
		block = slice_until(text, end);
		value = slice_from(text, block.n + 4);
	}
	if (!read_part_header(form, block, &part))
		return false;
	if (part.is_named && !part.is_file)
		add_field(form, part.name, keep(form, value));
	return true;
}

static enum form_result decode_multipart(struct form *form, struct slice params, struct slice body)
{
	struct slice delimiter = {0};
	struct mark mark;

	if (!find_delimiter(form, params, &delimiter) || !first_mark(body, delimiter, &mark))
		return FORM_MALFORMED;
	for (size_t parts = 0; !mark.last; parts++) {
		if (parts == FORM_MAX_FIELDS || !next_mark(mark.after, delimiter, &mark) ||
		    !add_part(form, mark.before))
			return FORM_MALFORMED;
	}
	return FORM_OK;
}

enum form_result form_decode(const char *content_type, const char *body, size_t length, struct form *form)
{
	if (content_type == NULL)
		return FORM_NOT_A_FORM;
	struct slice params = slice_of(content_type);
	struct slice type = take_until_semicolon(&params);
	struct slice bytes = {length > 0 ? body : "", length};

	if (slice_is(type, "application/x-www-form-urlencoded"))
		return decode_urlencoded(form, bytes);
	if (slice_is(type, "multipart/form-data"))
		return decode_multipart(form, params, bytes);
	return FORM_NOT_A_FORM;
}
