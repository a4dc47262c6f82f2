/* Pages. */
#include "instrument/api_lists.h"

#include <stdlib.h>

#include "base/num.h"

void api_refuse_query(struct api_call *call, const char *name, const char *choices)
{
	api_refuse(call, 400, "malformed", "The query's `%s` must be %s.", name, choices);
}

bool api_query_limit(struct api_call *call, int *limit)
{
	char *text = api_query(call, "limit");
	int64_t number = API_PAGE;
	bool ok = text == NULL || num_parse(text, 1, API_MOST_PAGE, &number, NULL);

	free(text);
	*limit = (int)number;
	if (!ok)
		api_refuse_query(call, "limit", "a number from 1 to 100");
	return ok;
}

void api_answer_page(struct api_call *call, json_t *items, const char *next, int64_t count, bool exact)
{
	api_answer(call, 200, json_pack("{so ss? sI sb}", "items", items, "next", next, "count", (json_int_t)count,
	                                "count_exact", exact));
}
