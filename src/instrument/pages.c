/* Files that a browser gets, each with a tag of its content, so that it need not be sent twice. */
#include "instrument/pages.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

/* By the build: web/meson.build. */
extern const char web_index_html[], web_admin_js[], web_admin_css[];

enum { N_FILES = 3, TAG_SIZE = 35, MOST_BYTES = 4 * 1024 * 1024 };

struct file {
	const char *name, *type, *built_in;
	char *bytes; /* heap */
	size_t length;
	char tag[TAG_SIZE]; /* in quotes, as the header has it */
};

struct pages {
	struct file files[N_FILES];
};

static const struct file files[N_FILES] = {
	{.name = "index.html", .type = "text/html; charset=utf-8", .built_in = web_index_html},
	{.name = "admin.js", .type = "text/javascript; charset=utf-8", .built_in = web_admin_js},
	{.name = "admin.css", .type = "text/css; charset=utf-8", .built_in = web_admin_css},
};

static bool read_file(struct file *file, const char *folder, struct err *err)
{
	char *path = mem_printf("%s/%s", folder, file->name);
	FILE *stream = fopen(path, "re");
	bool ok = stream != NULL;

	if (ok) {
		file->bytes = mem_new(MOST_BYTES, 1);
		file->length = fread(file->bytes, 1, MOST_BYTES - 1, stream);
		ok = !ferror(stream) && feof(stream);
		fclose(stream);
	}
	if (!ok)
		err_set(err, "--static-dir: %s: %s", path, errno != 0 ? strerror(errno) : "too large");
	free(path);
	return ok;
}

static void tag(struct file *file)
{
	unsigned char hash[16];
	char hex[2 * sizeof hash + 1];

	crypto_generichash(hash, sizeof hash, (const unsigned char *)file->bytes, file->length, NULL, 0);
	sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
	(void)snprintf(file->tag, sizeof file->tag, "\"%s\"", hex);
}

struct pages *pages_open(const char *folder, struct err *err)
{
	struct pages *pages = mem_new(1, sizeof *pages);

	memcpy(pages->files, files, sizeof files);
	for (size_t i = 0; i < N_FILES; i++) {
		struct file *file = &pages->files[i];
		if (folder == NULL) {
			file->bytes = mem_text(file->built_in);
			file->length = strlen(file->bytes);
		} else if (!read_file(file, folder, err)) {
			pages_close(pages);
			return NULL;
		}
		tag(file);
	}
	return pages;
}

void pages_close(struct pages *pages)
{
	for (size_t i = 0; pages != NULL && i < N_FILES; i++)
		free(pages->files[i].bytes);
	free(pages);
}

static void answer(const struct file *file, const struct http_request *request, struct http_reply *reply)
{
	const char *known = http_header(request, "If-None-Match");

	http_reply_header(reply, "ETag", "%s", file->tag);
	http_reply_header(reply, "Cache-Control", "no-cache"); /* asked for again, and mostly not sent */
	if (known != NULL && text_equal(known, file->tag)) {
		reply->status = 304;
		return;
	}
	reply->status = 200;
	reply->content_type = file->type;
	reply->body = mem_text_n(file->bytes, file->length);
	reply->body_length = file->length;
}

static const struct file *file_of(const struct pages *pages, const char *path)
{
	if (text_starts_with(path, "/admin/"))
		return &pages->files[0];
	if (!text_starts_with(path, "/static/"))
		return NULL;
	for (size_t i = 1; i < N_FILES; i++)
		if (text_equal(pages->files[i].name, path + strlen("/static/")))
			return &pages->files[i];
	return NULL;
}

void pages_handle(const struct pages *pages, const struct http_request *request, struct http_reply *reply)
{
	const struct file *file = file_of(pages, request->path);
	bool to_admin = text_equal(request->path, "/") || text_equal(request->path, "/admin");

	if (!text_equal(request->method, "GET") && !text_equal(request->method, "HEAD")) {
		http_reply_text(reply, 405, "only GET and HEAD are understood here");
		http_reply_header(reply, "Allow", "GET, HEAD");
	} else if (file != NULL) {
		answer(file, request, reply);
	} else if (to_admin) {
		http_reply_text(reply, 302, "the pages are at /admin/");
		http_reply_header(reply, "Location", "/admin/");
	} else {
		http_reply_text(reply, 404, "there is nothing at this address; the pages are at /admin/");
	}
}
