/* The list of engines: the one place above the drivers that names them. */
#include <string.h>
#include <strings.h>

#include "db/driver.h"

const struct db_driver *const db_drivers[] = {&db_driver_sqlite, &db_driver_mariadb,
                                             &db_driver_postgres, NULL};

const struct db_driver *db_driver_of_scheme(const char *scheme, size_t length)
{
	for (size_t i = 0; db_drivers[i] != NULL; i++)
		for (const char *const *name = db_drivers[i]->schemes; *name != NULL; name++)
			if (strlen(*name) == length && strncasecmp(*name, scheme, length) == 0)
				return db_drivers[i];
	return NULL;
}
