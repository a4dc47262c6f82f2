/* The pages: one file of HTML for every address under /admin/, and the static files that it asks for. They are part of
 * the program, or read from a folder. */
#ifndef INSTRUMENT_PAGES_H
#define INSTRUMENT_PAGES_H

#include "base/err.h"
#include "http/server.h"

struct pages;
/* `folder` NULL: those in the program. What is missing in a folder is an error. */
struct pages *pages_open(const char *folder, struct err *err) MUST_USE;
void pages_close(struct pages *pages);
void pages_handle(const struct pages *pages, const struct http_request *request, struct http_reply *reply);

#endif
