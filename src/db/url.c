/* Addresses of databases: read once here into a struct, and told again without the password. An
 * address that is not understood is answered with the forms there are, and never repeated, since a
 * password can stand anywhere in a text that we did not understand. */
#include <ctype.h>
#include <string.h>

#include "base/num.h"
#include "base/str.h"
#include "db/driver.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

char *db_url_decode(struct db_target *target, const char *text, size_t length, const char *what,
                    struct err *err)
{
	char *plain = arena_text_n(&target->arena, text, length);
	size_t n = 0;

	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)text[i];
		if (byte == '%') {
			int high = i + 2 < length ? hex_digit(text[i + 1]) : -1;
			int low = i + 2 < length ? hex_digit(text[i + 2]) : -1;
			if (high < 0 || low < 0) {
				err_set(err, "the %s holds a '%%' without two hexadecimal digits "
				             "(write %%25)", what);
				return NULL;
			}
			byte = (unsigned char)(high * 16 + low);
			i += 2;
		}
		if (byte < ' ' || byte == 0x7f) {
			err_set(err, "the %s holds a control character", what);
			return NULL;
		}
		plain[n++] = (char)byte;
	}
	plain[n] = '\0';
	return plain;
}

/* ---- what follows "mysql:" ------------------------------------------------------------------- */

static bool parse_user(struct db_target *target, const char *text, size_t length, struct err *err)
{
	const char *colon = memchr(text, ':', length);
	size_t user = colon != NULL ? (size_t)(colon - text) : length;

	if (user > 0) {
		target->user = db_url_decode(target, text, user, "user", err);
		if (target->user == NULL)
			return false;
	}
	if (colon != NULL && user + 1 < length) {
		target->password = db_url_decode(target, colon + 1, length - user - 1, "password", err);
		if (target->password == NULL)
			return false;
	}
	return true;
}

static bool parse_port(struct db_target *target, const char *text, size_t length, struct err *err)
{
	char *digits = arena_text_n(&target->arena, text, length);
	int64_t port;

	if (!num_parse(digits, 1, 65535, &port, NULL))
		return err_set(err, "what follows the host must be a port from 1 to 65535 (an IPv6 address "
		                    "stands in brackets)");
	target->port = (int)port;
	return true;
}

/* host, host:port, [IPv6]:port, or the path of a socket with its slashes written as %2F. */
static bool parse_host(struct db_target *target, const char *text, size_t length, struct err *err)
{
	const char *host = text, *after;

	if (length > 0 && text[0] == '[') {
		after = memchr(text, ']', length);
		if (after == NULL)
			return err_set(err, "the host's '[' has no ']'");
		host = text + 1;
		target->host = db_url_decode(target, host, (size_t)(after - host), "host", err);
		after++;
	} else {
		after = memchr(text, ':', length);
		if (after == NULL)
			after = text + length;
		target->host = db_url_decode(target, host, (size_t)(after - host), "host", err);
	}
	if (target->host == NULL)
		return false;
	size_t left = length - (size_t)(after - text);
	if (left > 0 && *after != ':')
		return err_set(err, "only a port may follow the host's ']'");
	if (left > 0 && !parse_port(target, after + 1, left - 1, err))
		return false;
	if (target->host[0] == '/') {
		target->socket = target->host;
		target->host = NULL;
	} else if (target->host[0] == '\0') {
		target->host = NULL;
	}
	if (target->host == NULL && target->port != 0)
		return err_set(err, "there is a port but no host");
	if (target->host != NULL && strpbrk(target->host, "/ @?") != NULL)
		return err_set(err, "the host holds a character that no host has");
	return true;
}

static bool parse_parameter(struct db_target *target, const char *text, size_t length, struct err *err)
{
	static const char socket[] = "socket=";

	if (length < sizeof socket - 1 || memcmp(text, socket, sizeof socket - 1) != 0)
		return err_set(err, "the only parameter that can follow '?' is socket=PATH");
	if (target->socket != NULL || target->host != NULL)
		return err_set(err, "there can be one host or one socket");
	target->socket = db_url_decode(target, text + sizeof socket - 1, length - (sizeof socket - 1),
	                               "socket", err);
	if (target->socket == NULL)
		return false;
	if (target->socket[0] != '/')
		return err_set(err, "the socket must be a path that begins with '/'");
	return true;
}

bool db_url_parse_server(const char *rest, struct db_target *target, struct err *err)
{
	if (strncmp(rest, "//", 2) != 0)
		return err_set(err, "'//' must follow the engine");
	const char *authority = rest + 2;
	size_t length = strcspn(authority, "/?");
	const char *at = memrchr(authority, '@', length);
	const char *host = at != NULL ? at + 1 : authority;

	if (at != NULL && !parse_user(target, authority, (size_t)(at - authority), err))
		return false;
	if (!parse_host(target, host, length - (size_t)(host - authority), err))
		return false;
	if (authority[length] != '/')
		return err_set(err, "the name of the database is missing");
	const char *name = authority + length + 1;
	size_t name_length = strcspn(name, "?");
	if (name_length == 0)
		return err_set(err, "the name of the database is missing");
	if (memchr(name, '/', name_length) != NULL)
		return err_set(err, "the name of the database holds a '/' (write %%2F)");
	target->name = db_url_decode(target, name, name_length, "name of the database", err);
	if (target->name == NULL)
		return false;
	const char *parameters = name + name_length;
	return *parameters == '\0' || parse_parameter(target, parameters + 1, strlen(parameters + 1), err);
}

/* ---- told again ------------------------------------------------------------------------------ */

static void add_encoded(struct str *out, const char *text, const char *also_plain)
{
	for (; *text != '\0'; text++)
		if (isalnum((unsigned char)*text) || strchr("-._~", *text) != NULL ||
		    strchr(also_plain, *text) != NULL || (unsigned char)*text >= 0x80)
			str_add_char(out, *text);
		else
			str_printf(out, "%%%02X", (unsigned)(unsigned char)*text);
}

static void add_server(struct str *out, const struct db_target *target)
{
	str_add(out, "//");
	if (target->user != NULL)
		add_encoded(out, target->user, "");
	if (target->password != NULL)
		str_add(out, ":***");
	if (target->user != NULL || target->password != NULL)
		str_add(out, "@");
	if (target->host != NULL && strchr(target->host, ':') != NULL) {
		str_add(out, "[");
		add_encoded(out, target->host, ":");
		str_add(out, "]");
	} else if (target->host != NULL) {
		add_encoded(out, target->host, "");
	}
	if (target->port != 0)
		str_printf(out, ":%d", target->port);
	str_add(out, "/");
	add_encoded(out, target->name, "");
	if (target->socket != NULL) {
		str_add(out, "?socket=");
		add_encoded(out, target->socket, "/");
	}
}

static void tell(struct db_target *target, const char *scheme, size_t length)
{
	struct str out = {0};

	for (size_t i = 0; i < length; i++)
		str_add_char(&out, (char)tolower((unsigned char)scheme[i]));
	str_add(&out, ":");
	if (target->file != NULL)
		add_encoded(&out, target->file, "/ !\"#$&'()*+,:;<=>@[\\]^`{|}");
	else
		add_server(&out, target);
	target->text = arena_text(&target->arena, str_text(&out));
	str_fini(&out);
}

const char *db_target_text(const struct db_target *target)
{
	return target->text;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static bool with_forms(struct err *err)
{
	struct str text = {0};

	str_add(&text, err_text(err));
	str_add(&text, "; a database's address is ");
	for (size_t i = 0; db_drivers[i] != NULL; i++)
		str_printf(&text, "%s%s", i > 0 ? " | " : "", db_drivers[i]->usage);
	err_set(err, "%s", str_text(&text));
	str_fini(&text);
	return false;
}

/* The scheme is repeated only where it can be nothing else: some text before "://". */
static bool no_such_engine(const char *url, size_t length, struct err *err)
{
	bool is_scheme = length > 0 && length <= 16 && strncmp(url + length, "://", 3) == 0;

	for (size_t i = 0; i < length && is_scheme; i++)
		is_scheme = isalnum((unsigned char)url[i]) || strchr("+-.", url[i]) != NULL;
	if (is_scheme)
		err_set(err, "there is no engine '%.*s'", (int)length, url);
	else
		err_set(err, "the address does not begin with the name of an engine");
	return with_forms(err);
}

bool db_target_parse(const char *url, struct db_target *target, struct err *err)
{
	size_t scheme = strcspn(url, ":");

	*target = (struct db_target){0};
	if (url[scheme] == ':')
		target->driver = db_driver_of_scheme(url, scheme);
	if (target->driver == NULL)
		return no_such_engine(url, scheme, err);
	if (!target->driver->parse(url + scheme + 1, target, err)) {
		db_target_fini(target);
		return with_forms(err);
	}
	tell(target, url, scheme);
	return true;
}

void db_target_fini(struct db_target *target)
{
	arena_fini(&target->arena);
	*target = (struct db_target){0};
}
