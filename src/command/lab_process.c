/* The instrument beside the subject. */
#include "command/lab_process.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/schema.h"
#include "admin/users.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/state.h"
#include "base/str.h"
#include "command/command.h"
#include "serve/serve.h"

enum { BACKLOG = 128, LOCK_WAIT_S = 5 };

bool lab_opt_bind(const struct opt *opt, const char *text, struct err *err)
{
	if (*text == '\0')
		return err_set(err, "an address is needed, or off");
	return opt_text(opt, text, err);
}

/* "a,b" into its parts, which point into `text`. */
static bool split(char *text, const char **parts, size_t *n, const char *option, struct err *err)
{
	for (char *at = text; at != NULL && *at != '\0';) {
		char *comma = strchr(at, ',');
		if (comma != NULL)
			*comma = '\0';
		if (*n == LAB_MOST_NAMES)
			return err_set(err, "--%s: at most %d", option, LAB_MOST_NAMES);
		at += strspn(at, " ");
		if (*at != '\0')
			parts[(*n)++] = at;
		at = comma != NULL ? comma + 1 : NULL;
	}
	return true;
}

/* As --bind names it: without it, this machine; "" is every interface. */
static char *host_of(const char *bind)
{
	const char *colon = strrchr(bind, ':');

	if (colon == NULL)
		return mem_text("127.0.0.1");
	if (colon == bind)
		return mem_text("0.0.0.0");
	if (*bind == '[' && colon[-1] == ']')
		return mem_text_n(bind + 1, (size_t)(colon - bind) - 2);
	return mem_text_n(bind, (size_t)(colon - bind));
}

static bool look_for_users(const struct database *database, bool *any, struct err *err)
{
	struct db_session *session = db_open(&database->target, &database->settings, err);
	bool ok = session != NULL && admin_migrate(session, NULL, err) && users_any(session, any, err);

	db_close(session);
	return ok;
}

static void tell(const struct lab_process *process, const struct database *database, bool any_user)
{
	const char *host = process->host;
	const char *url = database->sandbox != NULL ? sandbox_url(database->sandbox) : database_text(database);

	log_info(strchr(host, ':') != NULL ? "the instrument is at http://[%s]:%d/admin/"
	                                   : "the instrument is at http://%s:%d/admin/", host, process->port);
	if (!lab_is_loopback(host))
		log_warning("the instrument can be reached from other machines; names and passwords go there "
		            "unencrypted unless a server with TLS stands in front of it");
	if (!any_user && database->by_default)
		log_info("nobody can log in there yet: racy createsuperuser");
	else if (!any_user)
		log_info("nobody can log in there yet: racy createsuperuser --db '%s'", url);
}

static void fill(const struct lab_order *order, const struct database *database, struct logs *logs,
                 struct lab_process *process)
{
	process->settings.logs = logs;
	process->settings.bind_host = process->host;
	process->settings.static_dir = order->static_dir;
	process->settings.state_folder = process->state_folder;
	process->settings.target = &database->target;
	process->settings.db = (struct db_settings){.lock_wait_ns = LOCK_WAIT_S * NS_PER_S};
	process->companion = (struct companion){"the instrument", lab_run, &process->settings};
}

/* A port that is taken is no reason for the subject not to start. */
static bool take_port(const struct lab_order *order, struct lab_process *process, struct err *err)
{
	struct err why = {0};
	bool malformed = false;

	process->settings.listen_fd = serve_listen(order->bind, &process->port, &malformed, &why);
	if (process->settings.listen_fd >= 0)
		return true;
	if (malformed)
		err_set(err, "--lab: %s", err_text(&why));
	else
		log_warning("there is no instrument: %s (--lab names another port, or off)", err_text(&why));
	err_fini(&why);
	return !malformed;
}

bool lab_process_open(const struct lab_order *order, const struct database *database, struct logs *logs,
                      struct lab_process *process, struct err *err)
{
	bool any_user = false;

	*process = (struct lab_process){.settings.listen_fd = -1};
	if (text_equal(order->bind, "off"))
		return true;
	process->hosts = mem_text(order->hosts);
	process->proxies = mem_text(order->proxies);
	if (!split(process->hosts, process->settings.hosts, &process->settings.n_hosts, "lab-host", err) ||
	    !split(process->proxies, process->settings.proxies, &process->settings.n_proxies,
	           "forwarded-allow-ips", err) ||
	    !take_port(order, process, err))
		return false;
	if (process->settings.listen_fd < 0)
		return true;
	process->host = host_of(order->bind);
	process->state_folder = state_folder(err);
	if (process->state_folder == NULL || !look_for_users(database, &any_user, err))
		return false;
	fill(order, database, logs, process);
	tell(process, database, any_user);
	return true;
}

void lab_process_close(struct lab_process *process)
{
	if (process->settings.listen_fd >= 0)
		close(process->settings.listen_fd);
	free(process->state_folder);
	free(process->host);
	free(process->hosts);
	free(process->proxies);
}
