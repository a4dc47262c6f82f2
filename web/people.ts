// Logging in, one's own password, and users.

import { Child, h } from "./dom";
import { Conflict, Page, Session, User, ask, logIn, query, session } from "./api";
import { Field, field, formOf } from "./form";
import { listOf, timeOf } from "./list";
import { View, go, link, message, route, show } from "./shell";

// Only addresses of our own: what stands in a link must not lead elsewhere after log-in.
function nextOf(asked: string | null): string {
	return asked !== null && /^\/admin\/(?!\/)/.test(asked) ? asked : "/admin/";
}

route(/^\/admin\/login\/$/, (_, asked) => {
	const name = field("User name", { name: "username", autocomplete: "username", required: true, autocapitalize: "none", "data-focus": true });
	const password = field("Password", { name: "password", type: "password", autocomplete: "current-password", required: true });
	const form = formOf({ place: h("div", null), fields: { username: name, password } },
		[name.row, password.row, h("p", { class: "buttons" }, h("button", { type: "submit" }, "Log in"))], async () => {
			await logIn(name.input.value, password.input.value);
			go(nextOf(asked.get("next")));
		});
	return { title: "Log in", body: [form, h("p", { class: "help" }, "Nobody can yet? ", h("code", null, "racy createsuperuser"), " makes the first user.")] };
});

route(/^\/admin\/password_change\/$/, () => {
	const old = field("Old password", { type: "password", autocomplete: "current-password" });
	const fresh = field("New password", { type: "password", autocomplete: "new-password" }, "At least 8 characters, not only digits, not a common one, not like your name.");
	const again = field("New password (again)", { type: "password", autocomplete: "new-password" });
	const form = formOf({ place: h("div", null), fields: { old_password: old, new_password: fresh } },
		[old.row, fresh.row, again.row, h("p", { class: "buttons" }, h("button", { type: "submit" }, "Change my password"))], async () => {
			again.fault(fresh.input.value === again.input.value ? null : "The two passwords differ.");
			if (fresh.input.value !== again.input.value)
				return again.input.focus();
			Object.assign(session, await ask<Session>("PUT", "/api/session/password", { old_password: old.input.value, new_password: fresh.input.value }));
			message("Your password was changed; your other sessions have ended.");
			go("/admin/");
		});
	return { title: "Change password", body: [form] };
});

// ---- users ----

const USERS = "/admin/auth/user/";

route(/^\/admin\/auth\/user\/$/, async (_, asked) => {
	const page = await ask<Page<User>>("GET", "/api/users" + query(Object.fromEntries(asked.entries())));
	const search = field("Search names and e-mail addresses", { type: "search", value: asked.get("search") ?? "" });
	return { title: "Users", body: [
		h("p", { class: "buttons" }, link(USERS + "add/", "Add user")),
		h("form", { class: "search", role: "search", onsubmit: (event) => { event.preventDefault(); go(USERS + query({ search: search.input.value })); } },
		  search.row, h("button", { type: "submit" }, "Search")),
		listOf({ path: USERS, query: asked, caption: "Users", one: "user", many: "users", page, columns: [
			{ title: "User name", cell: (user) => link(`${USERS}${user.id}/change/`, user.username) },
			{ title: "E-mail address", cell: (user) => user.email },
			{ title: "Superuser", cell: (user) => user.superuser ? "yes" : "no" },
			{ title: "Active", cell: (user) => user.active ? "yes" : "no" },
			{ title: "Last log-in", cell: (user) => timeOf(user.last_login) },
		] }),
	] };
});

interface UserFields { username: Field; email: Field; superuser: Field; active: Field }

function userFields(user: User | null): UserFields {
	return {
		username: field("User name", { value: user?.username ?? "", autocomplete: "off", autocapitalize: "none" }, "1 to 150 letters, digits and @ . + - _"),
		email: field("E-mail address", { type: "email", value: user?.email ?? "", autocomplete: "off" }, "May be empty."),
		superuser: field("Superuser", { type: "checkbox", checked: user?.superuser ?? false }, "May change users too."),
		active: field("Active", { type: "checkbox", checked: user?.active ?? true }, "Who is not cannot log in. Better than deleting."),
	};
}

function valuesOf(fields: UserFields): Pick<User, "username" | "email" | "superuser" | "active"> {
	return { username: fields.username.input.value, email: fields.email.input.value,
	         superuser: fields.superuser.input.checked, active: fields.active.input.checked };
}

function rows(fields: UserFields): Child[] {
	return [fields.username.row, fields.email.row, fields.superuser.row, fields.active.row];
}

route(/^\/admin\/auth\/user\/add\/$/, () => {
	const fields = userFields(null);
	const password = field("Password", { type: "password", autocomplete: "new-password" }, "At least 8 characters, not only digits, not a common one, not like the name.");
	const form = formOf({ place: h("div", null), fields: { ...fields, password } },
		[...rows(fields), password.row, h("p", { class: "buttons" }, h("button", { type: "submit" }, "Save"))], async () => {
			const user = await ask<User>("POST", "/api/users", { ...valuesOf(fields), password: password.input.value });
			message(`The user ${user.username} was added.`);
			go(USERS);
		});
	return { title: "Add user", body: [form] };
});

function passwordForm(user: User): HTMLFormElement {
	const password = field("New password", { type: "password", autocomplete: "new-password" }, "The user is logged out everywhere.");
	return formOf({ place: h("div", null), fields: { password } },
		[h("h2", null, "Password"), password.row, h("p", { class: "buttons" }, h("button", { type: "submit" }, "Set password"))], async () => {
			await ask("PUT", `/api/users/${user.id}/password`, { password: password.input.value });
			message(`The password of ${user.username} was changed.`);
			go(USERS);
		});
}

route(/^\/admin\/auth\/user\/(\d+)\/change\/$/, async (match): Promise<View> => {
	const user = await ask<User>("GET", `/api/users/${match[1]}`);
	const fields = userFields(user);
	const loaded: Record<string, unknown> = { username: user.username, email: user.email, superuser: user.superuser, active: user.active };
	const form = formOf({ place: h("div", null), fields: { ...fields }, reload: () => { void show(); },
	                      accept: (conflicts: Conflict[]) => { for (const one of conflicts) loaded[one.field ?? ""] = one.now; } },
		[...rows(fields), h("p", { class: "buttons" }, h("button", { type: "submit" }, "Save"), link(`${USERS}${user.id}/history/`, "History"),
		                    link(`${USERS}${user.id}/delete/`, "Delete"))], async () => {
			const saved = await ask<User>("PUT", `/api/users/${user.id}`, { loaded, ...valuesOf(fields) });
			message(`The user ${saved.username} was changed.`);
			go(USERS);
		});
	return { title: `Change user ${user.username}`, body: [
		h("p", { class: "help" }, "Joined ", timeOf(user.joined), ", last log-in ", timeOf(user.last_login)), form, passwordForm(user)] };
});

route(/^\/admin\/auth\/user\/(\d+)\/delete\/$/, async (match) => {
	const user = await ask<User>("GET", `/api/users/${match[1]}`);
	const form = formOf({ place: h("div", null), fields: {} },
		[h("p", null, `The user ${user.username} is deleted and logged out. What the history says of this user stays.`),
		 h("p", { class: "buttons" }, h("button", { type: "submit", class: "danger" }, "Yes, delete"), link(`${USERS}${user.id}/change/`, "No, back"))], async () => {
			await ask("DELETE", `/api/users/${user.id}`);
			message(`The user ${user.username} was deleted.`);
			go(USERS);
		});
	return { title: `Delete user ${user.username}?`, body: [form] };
});
