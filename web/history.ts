// The start page, and who changed what when.

import { Child, h } from "./dom";
import { Entry, Page, ask, query, session } from "./api";
import { listOf, timeOf } from "./list";
import { View, link, route } from "./shell";

const actions: Record<string, string> = { add: "added", change: "changed", delete: "deleted", reset: "reset", password: "set the password of", login: "logged in as" };
const places: Record<string, string> = { account: "/admin/demo/account/", transaction: "/admin/demo/transaction/", user: "/admin/auth/user/" };

function shown(value: unknown): string {
	return value === null ? "none" : typeof value === "object" ? JSON.stringify(value) : String(value);
}

function changesOf(entry: Entry): string {
	return Object.entries(entry.changes).map(([name, [before, after]]) => `${name}: ${shown(before)} → ${shown(after)}`).join(", ");
}

function objectOf(entry: Entry): Child {
	return entry.action === "delete" ? `${entry.object} ${entry.object_id}`
	                                 : link(`${places[entry.object] ?? "/admin/"}${entry.object_id}/change/`, `${entry.object} ${entry.object_id}`);
}

async function historyView(title: string, path: string, asked: URLSearchParams, filter: Record<string, string>): Promise<View> {
	const page = await ask<Page<Entry>>("GET", "/api/history" + query({ ...Object.fromEntries(asked.entries()), ...filter }));
	return { title, body: [listOf({ path, query: asked, caption: title, one: "entry", many: "entries", page, columns: [
		{ title: "Time", cell: (entry) => timeOf(entry.at) },
		{ title: "User", cell: (entry) => entry.user },
		{ title: "What", cell: (entry) => actions[entry.action] ?? entry.action },
		{ title: "Object", cell: objectOf },
		{ title: "Changes", cell: changesOf },
	] })] };
}

route(/^\/admin\/history\/$/, (_, asked) => historyView("History", "/admin/history/", asked, {}));
route(/^\/admin\/demo\/(account|transaction)\/(\d+)\/history\/$/, (match, asked) =>
	historyView(`History of ${match[1]} ${match[2]}`, match[0], asked, { object: match[1] ?? "", id: match[2] ?? "" }));
route(/^\/admin\/auth\/user\/(\d+)\/history\/$/, (match, asked) =>
	historyView(`History of user ${match[1]}`, match[0], asked, { object: "user", id: match[1] ?? "" }));

function card(title: string, path: string): HTMLElement {
	return h("li", null, h("h2", null, link(path, title)), h("p", { class: "buttons" }, link(path, "Change"), link(path + "add/", "Add")));
}

route(/^\/admin\/$/, async () => {
	const recent = await ask<Page<Entry>>("GET", "/api/history?limit=10");
	return { title: "Site administration", body: [
		h("ul", { class: "cards" }, card("Accounts", "/admin/demo/account/"), card("Transactions", "/admin/demo/transaction/"),
		  session.user?.superuser === true && card("Users", "/admin/auth/user/")),
		h("h2", null, "Recent actions"),
		recent.items.length === 0 ? h("p", null, "None yet.")
			: h("ol", { class: "recent" }, ...recent.items.map((entry) => h("li", null, entry.user, " ", actions[entry.action] ?? entry.action, " ", objectOf(entry), ", ", timeOf(entry.at)))),
	] };
});
