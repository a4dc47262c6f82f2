/* A reply, parsed from pieces of any size: a state machine over lines and counted bytes.
 *
 * Strict where two readers could differ about where a reply ends (two lengths, a length beside
 * chunks, an unknown coding): such a reply is BAD rather than guessed at. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "http/client.h"
#include "http/hex.h"

enum {
	AT_STATUS, /* where a response of all zeros is */
	AT_HEADER,
	IN_BODY, /* `remaining` bytes of it, or until the end */
	AT_CHUNK_SIZE,
	IN_CHUNK,
	AT_CHUNK_END,
	AT_TRAILER,
	AT_DONE,
	AT_BAD,
};

struct field {
	const char *name, *value;
	size_t name_length, value_length;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* A header line without its end; false if it is none. */
static bool split_field(const char *line, size_t n, struct field *field)
{
	const char *colon = n > 0 ? memchr(line, ':', n) : NULL;

	if (colon == NULL || colon == line)
		return false;
	*field = (struct field){line, colon + 1, (size_t)(colon - line), n - (size_t)(colon + 1 - line)};
	for (size_t i = 0; i < field->name_length; i++)
		if (line[i] <= ' ' || line[i] > '~')
			return false;
	for (size_t i = 0; i < field->value_length; i++) {
		unsigned char c = (unsigned char)field->value[i];
		if ((c < ' ' && c != '\t') || c == 127)
			return false;
	}
	while (field->value_length > 0 && is_blank(field->value[0])) {
		field->value++;
		field->value_length--;
	}
	while (field->value_length > 0 && is_blank(field->value[field->value_length - 1]))
		field->value_length--;
	return true;
}

/* The field of the head that begins at *at, which moves on to the next one. */
static bool next_field(const struct http_response *response, size_t *at, struct field *field)
{
	if (*at >= response->head.length)
		return false;
	const char *line = response->head.text + *at;
	size_t n = strcspn(line, "\n");

	*at += n + 1;
	return split_field(line, n, field);
}

static bool field_is(const struct field *field, const char *name)
{
	return field->name_length == strlen(name) && strncasecmp(field->name, name, field->name_length) == 0;
}

static bool value_is(const struct field *field, const char *value)
{
	return field->value_length == strlen(value) &&
	       strncasecmp(field->value, value, field->value_length) == 0;
}

char *http_response_header(const struct http_response *response, const char *name)
{
	struct field field;

	for (size_t at = 0; next_field(response, &at, &field);)
		if (field_is(&field, name))
			return mem_text_n(field.value, field.value_length);
	return NULL;
}

void http_response_fini(struct http_response *response)
{
	str_fini(&response->head);
	str_fini(&response->body);
	str_fini(&response->line);
	*response = (struct http_response){0};
}

/* ---- the head --------------------------------------------------------------------------------- */

/* "HTTP/1.1 200 OK"; the reason may be missing. */
static int read_status(struct http_response *response)
{
	const char *line = str_text(&response->line);

	if (response->line.length < 12 || strncmp(line, "HTTP/1.", 7) != 0 || line[7] < '0' ||
	    line[7] > '9' || line[8] != ' ' || (line[12] != ' ' && line[12] != '\0'))
		return AT_BAD;
	response->status = 0;
	for (size_t i = 9; i < 12; i++) {
		if (line[i] < '0' || line[i] > '9')
			return AT_BAD;
		response->status = response->status * 10 + (line[i] - '0');
	}
	return response->status >= 100 && response->status <= 599 ? AT_HEADER : AT_BAD;
}

static bool read_length(const struct field *field, uint64_t *length)
{
	*length = 0;
	for (size_t i = 0; i < field->value_length; i++) {
		if (field->value[i] < '0' || field->value[i] > '9' || *length > UINT64_MAX / 10 - 1)
			return false;
		*length = *length * 10 + (uint64_t)(field->value[i] - '0');
	}
	return field->value_length > 0;
}

/* Which bytes are the body. */
static int frame_body(struct http_response *response)
{
	struct field field;
	bool has_length = false;

	for (size_t at = 0; next_field(response, &at, &field);) {
		if (field_is(&field, "Content-Length")) {
			if (has_length || !read_length(&field, &response->remaining))
				return AT_BAD;
			has_length = true;
		} else if (field_is(&field, "Transfer-Encoding")) {
			if (response->chunked || !value_is(&field, "chunked"))
				return AT_BAD;
			response->chunked = true;
		}
	}
	if (has_length && response->chunked)
		return AT_BAD;
	if (response->status == 204 || response->status == 304)
		return AT_DONE;
	response->head_length = 0;
	if (response->chunked)
		return AT_CHUNK_SIZE;
	response->until_close = !has_length;
	return has_length && response->remaining == 0 ? AT_DONE : IN_BODY;
}

static int end_head(struct http_response *response)
{
	if (response->status >= 200)
		return frame_body(response);
	if (response->status == 101)
		return AT_BAD; /* nobody asked for another protocol */
	response->status = 0;
	str_clear(&response->head);
	return AT_STATUS;
}

/* Whatever is kept of a header was once looked at by split_field. */
static int read_header(struct http_response *response)
{
	struct field field;

	if (response->line.length == 0)
		return end_head(response);
	if (!split_field(response->line.text, response->line.length, &field))
		return AT_BAD;
	str_add_n(&response->head, response->line.text, response->line.length);
	str_add_char(&response->head, '\n');
	return AT_HEADER;
}

/* ---- the body --------------------------------------------------------------------------------- */

/* "1a2b ;extension" */
static int read_chunk_size(struct http_response *response)
{
	const char *line = str_text(&response->line);
	size_t n = 0;

	for (response->remaining = 0; hex_digit(line[n]) >= 0; n++) {
		if (response->remaining > UINT64_MAX >> 5)
			return AT_BAD;
		response->remaining = response->remaining * 16 + (uint64_t)hex_digit(line[n]);
	}
	size_t blanks = strspn(line + n, " \t");
	if (n == 0 || (line[n + blanks] != ';' && n + blanks != response->line.length))
		return AT_BAD;
	response->head_length = 0; /* the limit is for one such line, then for all trailers together */
	return response->remaining > 0 ? IN_CHUNK : AT_TRAILER;
}

static int read_trailer(struct http_response *response)
{
	struct field field;

	if (response->line.length == 0)
		return AT_DONE;
	return split_field(response->line.text, response->line.length, &field) ? AT_TRAILER : AT_BAD;
}

/* Takes what it may of the body from the front of `bytes`; returns how much that was. */
static size_t take_body(struct http_response *response, const char *bytes, size_t n)
{
	size_t take = !response->until_close && response->remaining < n ? (size_t)response->remaining : n;
	size_t room = HTTP_MAX_RESPONSE_BODY - response->body.length;

	str_add_n(&response->body, bytes, take < room ? take : room);
	response->body_length += take;
	if (response->until_close)
		return take;
	response->remaining -= take;
	if (response->remaining == 0)
		response->state = response->state == IN_CHUNK ? AT_CHUNK_END : AT_DONE;
	return take;
}

/* ---- feeding ---------------------------------------------------------------------------------- */

static int read_line(struct http_response *response)
{
	switch (response->state) {
	case AT_STATUS: return read_status(response);
	case AT_HEADER: return read_header(response);
	case AT_CHUNK_SIZE: return read_chunk_size(response);
	case AT_CHUNK_END: return response->line.length == 0 ? AT_CHUNK_SIZE : AT_BAD;
	case AT_TRAILER: return read_trailer(response);
	default: return AT_BAD;
	}
}

/* Takes up to the end of a line and reads the line once it is whole. */
static size_t take_line(struct http_response *response, const char *bytes, size_t n)
{
	const char *end = memchr(bytes, '\n', n);
	size_t take = end != NULL ? (size_t)(end - bytes) + 1 : n;
	struct str *line = &response->line;

	if (take > HTTP_MAX_RESPONSE_HEAD - response->head_length) {
		response->state = AT_BAD;
		return take;
	}
	response->head_length += take;
	str_add_n(line, bytes, take);
	if (end == NULL)
		return take;
	line->text[--line->length] = '\0';
	if (line->length > 0 && line->text[line->length - 1] == '\r')
		line->text[--line->length] = '\0';
	response->state = memchr(line->text, '\0', line->length) == NULL ? read_line(response) : AT_BAD;
	str_clear(line);
	return take;
}

enum http_parse http_response_feed(struct http_response *response, const char *bytes, size_t n, bool end)
{
	while (n > 0 && response->state != AT_DONE && response->state != AT_BAD) {
		bool in_body = response->state == IN_BODY || response->state == IN_CHUNK;
		size_t taken = in_body ? take_body(response, bytes, n) : take_line(response, bytes, n);
		bytes += taken;
		n -= taken;
	}
	if (end && response->state == IN_BODY && response->until_close)
		response->state = AT_DONE;
	if (response->state == AT_BAD)
		return HTTP_PARSE_BAD;
	return response->state == AT_DONE ? HTTP_PARSE_DONE : HTTP_PARSE_MORE;
}
