/* Every byte of the head must be accounted for, then every field is looked at once. */
#include "http/head.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "http/hex.h"

/* Releases before the parser was rewritten end a value at a NUL, append a folded line to the *name*
 * of its field and take a bare LF for a line end, all without a word. Each of these leaves bytes
 * between the texts that they hand over, so the sum tells. Later releases refuse them. */
enum { LIBRARY_HIDES_BYTES = MHD_VERSION < 0x00097701 };

struct fields {
	size_t n;
	size_t bytes; /* of all field lines, as far as the library tells of them */
	size_t lengths, codings, hosts;
	bool bad_name, bad_value, too_large, odd_coding;
};

static bool is_token(const char *text, size_t n)
{
	static const char marks[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < n; i++) {
		char c = text[i];
		bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
		if (!plain && (c == '\0' || strchr(marks, c) == NULL))
			return false;
	}
	return n > 0;
}

static bool has_control(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (((unsigned char)text[i] < ' ' && text[i] != '\t') || text[i] == 127)
			return true;
	return false;
}

static enum MHD_Result look_at_field(void *context, enum MHD_ValueKind kind, const char *name,
                                     size_t name_length, const char *value, size_t value_length)
{
	struct fields *fields = context;
	/* The colon and white space; absurd where the library moved one of the texts elsewhere. */
	size_t gap = (size_t)((uintptr_t)value - (uintptr_t)name) - name_length;

	(void)kind;
	fields->n++;
	if (value == NULL) {
		fields->bad_name = true;
		return MHD_YES;
	}
	size_t length = name_length + (LIBRARY_HIDES_BYTES ? gap : 2) + value_length + 2;
	fields->bytes += length;
	fields->too_large = fields->too_large || length > HEAD_MAX_FIELD;
	fields->bad_name = fields->bad_name || !is_token(name, name_length);
	fields->bad_value = fields->bad_value || has_control(value, value_length);
	if (strcasecmp(name, "Content-Length") == 0)
		fields->lengths++;
	if (strcasecmp(name, "Host") == 0)
		fields->hosts++;
	if (strcasecmp(name, "Transfer-Encoding") == 0) {
		fields->codings++;
		fields->odd_coding = fields->odd_coding || strcasecmp(value, "chunked") != 0;
	}
	return MHD_YES;
}

static size_t line_length(const struct head *head)
{
	return strlen(head->method) + 1 + strlen(head->target) + 1 + strlen(head->version);
}

static bool is_accounted_for(const struct head *head, const struct fields *fields)
{
	if (!LIBRARY_HIDES_BYTES)
		return true;
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(head->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	return info != NULL && info->header_size == line_length(head) + 2 + fields->bytes + 2;
}

/* Why nobody can tell where this request ends; NULL if one can. */
static const char *framing_fault(const struct head *head, const struct fields *fields)
{
	if (fields->bad_name || !is_accounted_for(head, fields))
		return "the head is malformed";
	if (fields->lengths > 1)
		return "more than one Content-Length";
	if (fields->lengths > 0 && fields->codings > 0)
		return "both Content-Length and Transfer-Encoding";
	if (fields->codings > 1 || fields->odd_coding)
		return "the only Transfer-Encoding here is chunked";
	if (fields->codings > 0 && strcmp(head->version, "HTTP/1.0") == 0)
		return "HTTP/1.0 has no Transfer-Encoding";
	return NULL;
}

static const char *fault(const struct head *head, const struct fields *fields)
{
	if (line_length(head) > HEAD_MAX_LINE)
		return "the request line is too long";
	if (fields->n > HEAD_MAX_FIELDS)
		return "too many header fields";
	if (fields->too_large)
		return "a header field is too large";
	if (fields->bad_value)
		return "a control character in a header field";
	if (!is_token(head->method, strlen(head->method)))
		return "the method is malformed";
	if (fields->hosts > 1)
		return "more than one Host";
	if (fields->hosts == 0 && strcmp(head->version, "HTTP/1.0") != 0)
		return "no Host";
	return NULL;
}

struct head_judgement head_judge(const struct head *head)
{
	struct fields fields = {0};

	(void)MHD_get_connection_values_n(head->connection, MHD_HEADER_KIND, look_at_field, &fields);
	const char *why = framing_fault(head, &fields);
	if (why != NULL)
		return (struct head_judgement){400, why, true};
	why = fault(head, &fields);
	return (struct head_judgement){why != NULL ? 400 : 0, why, false};
}

/* "/path?query" is usual; servers must understand "http://authority/path?query" too. */
static const char *skip_authority(const char *target)
{
	if (strncasecmp(target, "http://", 7) != 0)
		return target;
	return target + 7 + strcspn(target + 7, "/?");
}

char *head_path(const char *target, const char **query)
{
	const char *raw = skip_authority(target);
	size_t length = strcspn(raw, "?"), n = 0;
	bool good = *raw == '/' || raw != target;

	for (const char *c = target; *c != '\0'; c++)
		good = good && *c != ' ' && *c != '\t' && !has_control(c, 1);
	/* A query is not decoded here, but whoever does so might stop at a NUL. */
	if (!good || strstr(target, "%00") != NULL)
		return NULL;
	char *path = mem_new(length + 2, 1);
	if (length == 0)
		path[n++] = '/';
	for (size_t i = 0; i < length; i++) {
		int byte = raw[i] == '%' ? hex_byte(raw + i + 1, length - i - 1) : (unsigned char)raw[i];
		if (byte <= 0) {
			free(path);
			return NULL;
		}
		path[n++] = (char)byte;
		i += raw[i] == '%' ? 2 : 0;
	}
	*query = raw[length] == '?' ? raw + length + 1 : raw + length;
	return path;
}
