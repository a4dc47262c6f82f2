/* A look at what a client has sent, before anybody reads it: whether a small buffer will do for it. */
#ifndef HTTP_PEEK_H
#define HTTP_PEEK_H

#include <stdbool.h>
#include <stddef.h>

/* A head of more bytes is not modest, nor is one with more of the marks that separate fields, arguments and
 * cookies: of each of these the library keeps a record of 64 bytes. */
enum { PEEK_MAX_BYTES = 2048, PEEK_MAX_MARKS = 96 };

/* Are these bytes a whole head, with or without some of its body, that is within the above and whose body has a
 * length rather than chunks? */
bool peek_is_modest(const char *bytes, size_t n);

/* The same of what waits in a connection's socket, where it stays. Nothing there yet: a millisecond's patience. */
bool peek_socket_is_modest(int fd);

#endif
