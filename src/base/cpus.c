/* Of the processors that are there some may be withheld (taskset, a container): only those that this process
 * may use are counted and chosen from. */
#include "base/cpus.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

static bool look(cpu_set_t *allowed, struct err *err)
{
	if (sched_getaffinity(0, sizeof *allowed, allowed) == 0)
		return true;
	return err_set(err, "the processors cannot be counted: %s", strerror(errno));
}

static int began; /* where this process ran when somebody first asked for one */
static pthread_once_t looked = PTHREAD_ONCE_INIT;

static void look_where(void)
{
	began = sched_getcpu();
}

cpu_set_t cpus_nth(size_t n)
{
	cpu_set_t allowed, one;

	CPU_ZERO(&one);
	if (sched_getaffinity(0, sizeof allowed, &allowed) < 0)
		return one;
	(void)pthread_once(&looked, look_where);
	for (int i = 0; i < began; i++)
		n += CPU_ISSET((size_t)i, &allowed) != 0;
	n %= (size_t)CPU_COUNT(&allowed);
	for (size_t i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &allowed) && n-- == 0) {
			CPU_SET(i, &one);
			break;
		}
	return one;
}

int cpus_allowed(struct err *err)
{
	cpu_set_t allowed;

	return look(&allowed, err) ? CPU_COUNT(&allowed) : 0;
}

bool cpus_keep_to(int n, struct err *err)
{
	cpu_set_t allowed, chosen;
	int left = n;

	if (!look(&allowed, err))
		return false;
	CPU_ZERO(&chosen);
	for (size_t i = 0; i < CPU_SETSIZE && left > 0; i++)
		if (CPU_ISSET(i, &allowed)) {
			CPU_SET(i, &chosen);
			left--;
		}
	if (left > 0)
		return err_set(err, "%d processors are wanted and there are %d", n, n - left);
	if (sched_setaffinity(0, sizeof chosen, &chosen) < 0)
		return err_set(err, "no processor can be chosen: %s", strerror(errno));
	return true;
}
