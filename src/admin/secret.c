/* A key is written to a file of another name and linked into place, so that nobody ever reads half of one. */
#include "admin/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

static bool write_key(const char *path, const struct secret *secret, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_set(err, "%s: %s", path, strerror(errno));
	bool ok = write(fd, secret->key, SECRET_SIZE) == SECRET_SIZE && fsync(fd) == 0;
	if (!ok)
		err_set(err, "%s: %s", path, strerror(errno));
	close(fd);
	return ok;
}

/* Ours, unless somebody was quicker: then theirs. */
static bool make_key(const char *path, struct err *err)
{
	struct secret fresh;
	char *draft = mem_printf("%s.%ld", path, (long)getpid());

	randombytes_buf(fresh.key, SECRET_SIZE);
	bool ok = write_key(draft, &fresh, err);
	if (ok && link(draft, path) < 0 && errno != EEXIST)
		ok = err_set(err, "%s: %s", path, strerror(errno));
	unlink(draft);
	free(draft);
	sodium_memzero(&fresh, sizeof fresh);
	return ok;
}

static bool read_key(int fd, const char *path, struct secret *secret, struct err *err)
{
	struct stat stat;

	if (fstat(fd, &stat) < 0)
		return err_set(err, "%s: %s", path, strerror(errno));
	if ((stat.st_mode & 077) != 0)
		return err_set(err, "%s can be read by others; take that right away (chmod 600), or remove the file: "
		                    "another key is made then, and everybody is logged out", path);
	if (read(fd, secret->key, SECRET_SIZE) != SECRET_SIZE)
		return err_set(err, "%s is no key of 32 bytes; remove the file: another one is made then, and "
		                    "everybody is logged out", path);
	return true;
}

bool secret_load(const char *folder, struct secret *secret, struct err *err)
{
	char *path = mem_printf("%s/secret", folder);
	bool ok = sodium_init() >= 0 || err_set(err, "libsodium finds no source of random numbers");
	int fd = -1;

	if (ok)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (ok && fd < 0 && errno == ENOENT) {
		ok = make_key(path, err);
		if (ok)
			fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (ok && fd < 0)
		ok = err_set(err, "%s: %s", path, strerror(errno));
	ok = ok && read_key(fd, path, secret, err);
	if (fd >= 0)
		close(fd);
	free(path);
	return ok;
}

void token_draw(char token[static TOKEN_SIZE])
{
	unsigned char bytes[32];

	randombytes_buf(bytes, sizeof bytes);
	sodium_bin2base64(token, TOKEN_SIZE, bytes, sizeof bytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

void secret_mark(const struct secret *secret, const char *purpose, const char *text,
                 char mark[static SECRET_MARK_SIZE])
{
	unsigned char hash[32];
	crypto_generichash_state state;

	crypto_generichash_init(&state, secret->key, SECRET_SIZE, sizeof hash);
	crypto_generichash_update(&state, (const unsigned char *)purpose, strlen(purpose) + 1);
	crypto_generichash_update(&state, (const unsigned char *)text, strlen(text));
	crypto_generichash_final(&state, hash, sizeof hash);
	sodium_bin2hex(mark, SECRET_MARK_SIZE, hash, sizeof hash);
}

bool secret_same(const char *a, const char *b)
{
	size_t length = strlen(a);

	return strlen(b) == length && sodium_memcmp(a, b, length) == 0;
}
