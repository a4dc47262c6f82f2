/* Requests and replies, as far as they are the same for every server. */
#include "http/exchange.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

/* ---- replies ---------------------------------------------------------------------------------- */

void http_reply_header(struct http_reply *reply, const char *name, const char *format, ...)
{
	va_list args;

	assert(reply->n_headers < HTTP_MAX_REPLY_HEADERS);
	va_start(args, format);
	reply->headers[reply->n_headers].name = name;
	reply->headers[reply->n_headers].value = mem_vprintf(format, args);
	reply->n_headers++;
	va_end(args);
}

void http_reply_text(struct http_reply *reply, int status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	char *line = mem_vprintf(format, args);
	va_end(args);
	for (char *c = line; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = ' ';
	free(reply->body);
	reply->status = status;
	reply->content_type = "text/plain; charset=utf-8";
	reply->body = mem_printf("%s\n", line);
	reply->body_length = strlen(reply->body);
	free(line);
}

static void fini_reply(struct http_reply *reply)
{
	for (size_t i = 0; i < reply->n_headers; i++)
		free(reply->headers[i].value);
	free(reply->body);
	*reply = (struct http_reply){0};
}

static bool add_headers(struct MHD_Response *response, const struct exchange_rules *rules,
                        const struct http_reply *reply, bool last)
{
	bool good = !last || MHD_add_response_header(response, "Connection", "close") == MHD_YES;

	if (good && reply->content_type != NULL)
		good = MHD_add_response_header(response, "Content-Type", reply->content_type) == MHD_YES;
	for (const struct http_header_line *h = rules->headers; good && h != NULL && h->name != NULL; h++)
		good = MHD_add_response_header(response, h->name, h->value) == MHD_YES;
	for (size_t i = 0; good && i < reply->n_headers; i++)
		good = MHD_add_response_header(response, reply->headers[i].name, reply->headers[i].value) ==
		       MHD_YES;
	return good;
}

static struct MHD_Response *make_response(const struct exchange_rules *rules, struct http_reply *reply, bool last)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(reply->body_length, reply->body, MHD_RESPMEM_MUST_FREE);

	if (response == NULL)
		return NULL;
	reply->body = NULL;
	if (add_headers(response, rules, reply, last))
		return response;
	MHD_destroy_response(response);
	return NULL;
}

/* For the record. */
static void keep(struct exchange *exchange, const struct http_reply *reply)
{
	exchange->status = reply->status;
	exchange->reply_length = reply->body_length;
}

enum MHD_Result exchange_reply(struct exchange *exchange, struct MHD_Connection *connection,
                               struct http_reply *reply, bool last)
{
	struct MHD_Response *response = NULL;

	keep(exchange, reply);
	if (reply->status >= 200 && reply->status <= 599)
		response = make_response(exchange->rules, reply, last);
	if (response == NULL) {
		log_error("a reply with status %d cannot be sent as it is", reply->status);
		fini_reply(reply);
		http_reply_text(reply, MHD_HTTP_INTERNAL_SERVER_ERROR, "the reply cannot be sent");
		keep(exchange, reply);
		response = make_response(exchange->rules, reply, true);
	}
	enum MHD_Result result = MHD_NO;
	if (response != NULL) {
		result = MHD_queue_response(connection, (unsigned)reply->status, response);
		MHD_destroy_response(response);
	}
	fini_reply(reply);
	return result;
}

/* ---- a request -------------------------------------------------------------------------------- */

const char *http_header(const struct http_request *request, const char *name)
{
	return MHD_lookup_connection_value((struct MHD_Connection *)request->headers, MHD_HEADER_KIND, name);
}

struct exchange *exchange_new(const struct exchange_rules *rules, const char *target)
{
	struct exchange *exchange = mem_new(1, sizeof *exchange);

	exchange->rules = rules;
	exchange->target = mem_text(target);
	return exchange;
}

void exchange_free(struct exchange *exchange)
{
	str_fini(&exchange->body);
	free(exchange->method);
	free(exchange->version);
	free(exchange->referer);
	free(exchange->agent);
	free(exchange->path);
	free(exchange->target);
	free(exchange);
}

static void remember_head(struct exchange *exchange, const struct head *head)
{
	exchange->method = mem_text(head->method);
	exchange->version = mem_text(head->version);
	exchange->referer =
		mem_text(MHD_lookup_connection_value(head->connection, MHD_HEADER_KIND, "Referer"));
	exchange->agent =
		mem_text(MHD_lookup_connection_value(head->connection, MHD_HEADER_KIND, "User-Agent"));
}

static const struct sockaddr *peer_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	return info != NULL ? info->client_addr : NULL;
}

struct http_record exchange_record(const struct exchange *exchange, struct MHD_Connection *connection)
{
	return (struct http_record){
		.peer = peer_of(connection),
		.method = exchange->method,
		.target = exchange->target,
		.version = exchange->version,
		.referer = exchange->referer,
		.agent = exchange->agent,
		.status = exchange->status,
		.body_length = exchange->reply_length,
	};
}

static void refuse(struct exchange *exchange, int status, const char *why, bool unframed)
{
	exchange->refusal = (struct head_judgement){status, why, unframed};
	str_fini(&exchange->body);
}

enum MHD_Result exchange_refuse(struct exchange *exchange, struct MHD_Connection *connection)
{
	struct http_reply reply = {0};

	log_line(LOG_DEBUG, "refused with %d: %s", exchange->refusal.status, exchange->refusal.why);
	http_reply_text(&reply, exchange->refusal.status, "%s", exchange->refusal.why);
	return exchange_reply(exchange, connection, &reply, true);
}

static const char *field(const struct head *head, const char *name)
{
	return MHD_lookup_connection_value(head->connection, MHD_HEADER_KIND, name);
}

static void judge(struct exchange *exchange, const struct head *head)
{
	static const char too_large[] = "the body is too large";

	exchange->judged = true;
	exchange->refusal = head_judge(head);
	if (exchange->refusal.status != 0)
		return;
	exchange->path = head_path(exchange->target, &exchange->query);
	if (exchange->path == NULL) {
		refuse(exchange, MHD_HTTP_BAD_REQUEST, "the path is malformed", false);
		return;
	}
	if (exchange->rules->refuse_chunks && field(head, "Transfer-Encoding") != NULL) {
		refuse(exchange, MHD_HTTP_LENGTH_REQUIRED, "a body needs a Content-Length here", true);
		return;
	}
	/* Digits only: the library has refused anything else. */
	const char *length = field(head, "Content-Length");
	uint64_t n = length != NULL ? strtoull(length, NULL, 10) : 0;
	if (n > exchange->rules->max_body)
		refuse(exchange, MHD_HTTP_CONTENT_TOO_LARGE, too_large, n > HTTP_MAX_DROPPED);
}

/* False: so much that the connection is cut. */
static bool take_body(struct exchange *exchange, const char *bytes, size_t n)
{
	exchange->received += n;
	if (exchange->received > HTTP_MAX_DROPPED)
		return false;
	if (exchange->refusal.status != 0)
		return true;
	if (exchange->received > exchange->rules->max_body)
		refuse(exchange, MHD_HTTP_CONTENT_TOO_LARGE, "the body is too large", false);
	else
		str_add_n(&exchange->body, bytes, n);
	return true;
}

enum exchange_turn exchange_step(struct exchange *exchange, struct MHD_Connection *connection, const char *method,
                                 const char *version, const char *bytes, size_t *n)
{
	if (!exchange->judged) {
		const struct head head = {connection, method, version, exchange->target};
		if (exchange->rules->remember)
			remember_head(exchange, &head);
		judge(exchange, &head);
		return exchange->refusal.unframed ? EXCHANGE_REFUSED : EXCHANGE_GOES_ON;
	}
	if (*n > 0) {
		bool good = take_body(exchange, bytes, *n);
		*n = 0;
		return good ? EXCHANGE_GOES_ON : EXCHANGE_CUT;
	}
	return exchange->refusal.status != 0 ? EXCHANGE_REFUSED : EXCHANGE_ARRIVED;
}

struct http_request exchange_request(const struct exchange *exchange, struct MHD_Connection *connection,
                                     const char *method)
{
	struct http_request request = {
		.method = method,
		.path = exchange->path,
		.query = exchange->query,
		.body = str_text(&exchange->body),
		.body_length = exchange->body.length,
		.peer = peer_of(connection),
		.headers = connection,
	};

	request.content_type = http_header(&request, "Content-Type");
	return request;
}
