/* Within the room: what logging in and the routes of users share. */
#ifndef INSTRUMENT_API_USERS_H
#define INSTRUMENT_API_USERS_H

#include "admin/users.h"
#include "instrument/api.h"

/* USER of docs/api.md. */
json_t *api_user_json(const struct admin_user *user);
/* Faults of the field where it is weak. */
void api_judge_password(struct api_call *call, const char *field, const char *password, const char *username,
                        const char *email);
/* Hashes and stores it; all sessions of the user end. False: it was answered why not. */
bool api_store_password(struct api_call *call, int64_t user, const char *password) MUST_USE;

#endif
