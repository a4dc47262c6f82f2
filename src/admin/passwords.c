/* Hashing by libsodium's own choice of algorithm and cost; judging by Django's four rules. */
#include "admin/passwords.h"

#include <ctype.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

_Static_assert(PASSWORD_HASH_SIZE == crypto_pwhash_STRBYTES, "the column has room for a hash");

enum { AT_A_TIME = 2, LEAST = 8, SIMILAR = 4 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t left = PTHREAD_COND_INITIALIZER;
static int at_work;

static void enter(void)
{
	pthread_mutex_lock(&mutex);
	while (at_work == AT_A_TIME)
		pthread_cond_wait(&left, &mutex);
	at_work++;
	pthread_mutex_unlock(&mutex);
}

static void leave(void)
{
	pthread_mutex_lock(&mutex);
	at_work--;
	pthread_cond_signal(&left);
	pthread_mutex_unlock(&mutex);
}

bool password_hash(const char *password, char hash[static PASSWORD_HASH_SIZE], struct err *err)
{
	if (sodium_init() < 0)
		return err_set(err, "libsodium finds no source of random numbers");
	enter();
	bool ok = crypto_pwhash_str(hash, password, strlen(password), crypto_pwhash_OPSLIMIT_INTERACTIVE,
	                            crypto_pwhash_MEMLIMIT_INTERACTIVE) == 0;
	leave();
	return ok || err_set(err, "there is not enough memory to hash a password (64 MiB)");
}

bool password_fits(const char *password, const char *hash)
{
	/* Of no password that anybody has: hashing it takes as long. */
	char nobody[PASSWORD_HASH_SIZE];

	if (hash == NULL) {
		struct err unheard = {0};
		(void)!password_hash(password, nobody, &unheard);
		err_fini(&unheard);
		return false;
	}
	if (sodium_init() < 0)
		return false;
	enter();
	bool fits = crypto_pwhash_str_verify(hash, password, strlen(password)) == 0;
	leave();
	return fits;
}

/* ---- weak ones -------------------------------------------------------------------------------------------- */

/* One contains the other, in any letter case, and the contained one is more than a few letters. */
static bool resembles(const char *password, const char *other)
{
	if (strlen(other) >= SIMILAR && strcasestr(password, other) != NULL)
		return true;
	return strlen(password) >= SIMILAR && strcasestr(other, password) != NULL;
}

/* An address resembles by what stands before its '@' too. */
static bool resembles_email(const char *password, const char *email)
{
	char *name = mem_text_n(email, strcspn(email, "@"));
	bool so = resembles(password, email) || resembles(password, name);

	free(name);
	return so;
}

static bool is_numeric(const char *password)
{
	return *password != '\0' && password[strspn(password, "0123456789")] == '\0';
}

bool password_is_strong(const char *password, const char *username, const char *email, struct str *reasons)
{
	size_t before = reasons->length;

	if (resembles(password, username))
		str_add(reasons, "The password is too similar to the user name.\n");
	if (*email != '\0' && resembles_email(password, email))
		str_add(reasons, "The password is too similar to the e-mail address.\n");
	if (text_columns(password) < LEAST)
		str_add(reasons, "This password is too short. It must contain at least 8 characters.\n");
	if (password_is_common(password))
		str_add(reasons, "This password is too common.\n");
	if (is_numeric(password))
		str_add(reasons, "This password is entirely numeric.\n");
	return reasons->length == before;
}
