/* What throw-away servers keep on disk, the data directories they are copied from, and what is refused. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "servers.h"

/* ---- templates ------------------------------------------------------------------------------ */

static ino_t template_number(char path[static PATH_MAX])
{
	glob_t found = find("racy-*/*-template-*/data");
	struct stat info;

	assert_int_equal(found.gl_pathc, 1);
	(void)snprintf(path, PATH_MAX, "%s", found.gl_pathv[0]);
	globfree(&found);
	assert_int_equal(stat(path, &info), 0);
	return info.st_ino;
}

static void a_template_is_made_once(void **state)
{
	char path[PATH_MAX];

	(void)state;
	sandbox_stop(start());
	ino_t first = template_number(path);
	sandbox_stop(start());
	assert_int_equal(template_number(path), first);
}

static void half_a_template_is_made_anew(void **state)
{
	char path[PATH_MAX];

	(void)state;
	sandbox_stop(start());
	ino_t first = template_number(path);
	char *file = mem_printf("%s/%s", path, product->some_file);
	assert_int_equal(truncate(file, 100), 0);
	struct sandbox *sandbox = start();
	assert_serves(sandbox);
	sandbox_stop(sandbox);
	assert_int_not_equal(template_number(path), first);
	free(file);
}

static void two_make_a_template_at_once(void **state)
{
	pid_t children[2];
	int status;

	(void)state;
	glob_t found = find("racy-*/*-template-*");
	for (size_t i = 0; i < found.gl_pathc; i++)
		assert_true(sandbox_remove(found.gl_pathv[i], NULL));
	globfree(&found);
	for (size_t i = 0; i < 2; i++) {
		children[i] = fork_child();
		if (children[i] == 0) {
			sandbox_stop(start());
			_exit(0);
		}
	}
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(count("racy-*/*-template-*"), 1);
	assert_int_equal(count("racy-*/server-*"), 0);
}

/* ---- refusals ------------------------------------------------------------------------------- */

static void a_planted_home_is_refused(void **state)
{
	char folder[] = "/var/tmp/racy-test-XXXXXX", elsewhere[] = "/var/tmp/racy-test-XXXXXX";
	struct err err = {0};
	int fd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_non_null(mkdtemp(elsewhere));
	char *home = mem_printf("%s/racy-%u", folder, (unsigned)geteuid());
	/* It leads to a folder that would do: ours, and closed to others. */
	assert_int_equal(symlink(elsewhere, home), 0);
	assert_null(sandbox_home_open(folder, &fd, &err));
	assert_mentions(&err, home);
	assert_int_equal(unlink(home), 0);
	assert_int_equal(rmdir(elsewhere), 0);

	assert_int_equal(mkdir(home, 0700), 0);
	assert_int_equal(chmod(home, 0750), 0);
	assert_null(sandbox_home_open(folder, &fd, &err));
	assert_mentions(&err, "others may enter");

	assert_int_equal(chmod(home, 0700), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(home, 65534, 65534), 0);
		assert_null(sandbox_home_open(folder, &fd, &err));
		assert_mentions(&err, "belongs to user 65534");
		assert_int_equal(chown(home, 0, 0), 0);
	}
	char *same = sandbox_home_open(folder, &fd, &err);
	assert_string_equal(same, home);
	close(fd);
	free(same);
	free(home);
	assert_true(sandbox_remove(folder, NULL));
}

static void removing_does_not_follow_links(void **state)
{
	char folder[] = "/var/tmp/racy-test-XXXXXX", elsewhere[] = "/var/tmp/racy-test-XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_non_null(mkdtemp(elsewhere));
	char *kept = mem_printf("%s/kept", elsewhere), *link = mem_printf("%s/link", folder);
	assert_int_equal(mkdir(kept, 0700), 0);
	assert_int_equal(symlink(elsewhere, link), 0);
	assert_true(sandbox_remove(folder, NULL));
	assert_false(exists(folder));
	assert_true(exists(kept));
	assert_true(sandbox_remove(elsewhere, NULL));
	assert_true(sandbox_remove(elsewhere, NULL)); /* not there: fine */
	free(kept);
	free(link);
}

static void what_is_missing_is_told(void **state)
{
	static const char *const missing[] = {"no-such-server", NULL};
	struct sandbox_engine engine = *the_engine();
	struct sandbox_plan plan;
	struct err err = {0};

	(void)state;
	assert_false(sandbox_possible("oracle", &err));
	assert_mentions(&err, "choose from mariadb, postgres");
	engine.serve = missing;
	assert_false(sandbox_plan_init(&plan, &engine, &err));
	assert_non_null(strstr(err_text(&err), "no-such-server is not installed"));
	assert_non_null(strstr(err_text(&err), "script/bootstrap"));
	assert_non_null(strstr(err_text(&err), product->package));
	assert_mentions(&err, "apt-get install");
	if (geteuid() == 0) {
		engine = *the_engine();
		engine.user = "no-such-user";
		assert_false(sandbox_plan_init(&plan, &engine, &err));
		assert_mentions(&err, "useradd --system");
	}
}

static void a_server_that_ends_at_once_shows_its_log(void **state)
{
	struct sandbox_engine engine = *the_engine();
	struct err err = {0};

	(void)state;
	const char **words = with_bad_option(engine.serve);
	engine.serve = words;
	assert_null(try_start(&engine, &err));
	assert_non_null(strstr(err_text(&err), "the server ended at its start; its log ends"));
	assert_mentions(&err, "no-such-option");
	assert_int_equal(count("racy-*/server-*"), 0);
	free(words);
}

static void a_template_that_fails_shows_its_log(void **state)
{
	struct sandbox_engine engine = *the_engine();
	struct err err = {0};

	(void)state;
	const char **words = with_bad_option(engine.make);
	engine.make = words;
	assert_null(try_start(&engine, &err));
	assert_non_null(strstr(err_text(&err), engine.make[0]));
	assert_mentions(&err, "failed; its log ends");
	assert_int_equal(count("racy-*/server-*"), 0);
	free(words);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_template_is_made_once),
		cmocka_unit_test(half_a_template_is_made_anew),
		cmocka_unit_test(two_make_a_template_at_once),
		cmocka_unit_test(a_planted_home_is_refused),
		cmocka_unit_test(removing_does_not_follow_links),
		cmocka_unit_test(what_is_missing_is_told),
		cmocka_unit_test(a_server_that_ends_at_once_shows_its_log),
		cmocka_unit_test(a_template_that_fails_shows_its_log),
	};

	return servers_main(argc, argv, tests, COUNT_OF(tests));
}
