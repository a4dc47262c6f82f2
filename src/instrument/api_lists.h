/* Within the room: what all lists share. */
#ifndef INSTRUMENT_API_LISTS_H
#define INSTRUMENT_API_LISTS_H

#include "instrument/api.h"

enum { API_PAGE = 50, API_MOST_PAGE = 100 };

/* `limit` of the query, else API_PAGE. False: it was answered what is wrong with it. */
bool api_query_limit(struct api_call *call, int *limit) MUST_USE;
/* 200 with a page. `items` is given away; `next` NULL: there is none. */
void api_answer_page(struct api_call *call, json_t *items, const char *next, int64_t count, bool exact);
/* 400: the query's `name` is not what it may be. */
void api_refuse_query(struct api_call *call, const char *name, const char *choices);

#endif
