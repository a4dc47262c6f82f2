// Transactions by themselves: list, filters, one of them, deleting.

import { Child, h } from "./dom";
import { Page, Transaction, ask, query } from "./api";
import { ACCOUNTS } from "./accounts";
import { Field, field, formOf, numberOrText } from "./form";
import { listOf, timeOf } from "./list";
import { go, link, message, route, show } from "./shell";

const TRANSACTIONS = "/admin/demo/transaction/";

function accountLink(id: number | null): Child {
	return id === null ? "none" : link(`${ACCOUNTS}${id}/change/`, id);
}

route(/^\/admin\/demo\/transaction\/$/, async (_, asked) => {
	const page = await ask<Page<Transaction>>("GET", "/api/transactions" + query(Object.fromEntries(asked.entries())));
	const account = field("Account (an id, or none)", { type: "search", value: asked.get("account") ?? "" });
	const day = field("Day (UTC)", { type: "date", value: asked.get("day") ?? "" });
	return { title: "Transactions", body: [
		h("p", { class: "buttons" }, link(TRANSACTIONS + "add/", "Add transaction")),
		h("form", { class: "search", role: "search", onsubmit: (event) => {
			event.preventDefault();
			go(TRANSACTIONS + query({ account: account.input.value.trim(), day: day.input.value }));
		} }, account.row, day.row, h("button", { type: "submit" }, "Filter"), asked.size > 0 && link(TRANSACTIONS, "All")),
		listOf({ path: TRANSACTIONS, query: asked, caption: "Transactions", one: "transaction", many: "transactions", page,
			defaultSort: "-id", keyOf: (one) => one.id, actions: [{ name: "delete", label: "Delete" }],
			act: (_action, ids) => { go(`${TRANSACTIONS}delete/${query({ ids: ids.join(",") })}`); },
			columns: [
				{ title: "Id", sort: "id", number: true, cell: (one) => link(`${TRANSACTIONS}${one.id}/change/`, one.id) },
				{ title: "Amount", number: true, cell: (one) => one.amount },
				{ title: "Account", number: true, cell: (one) => accountLink(one.account) },
				{ title: "Time", cell: (one) => timeOf(one.timestamp) },
			] }),
	] };
});

route(/^\/admin\/demo\/transaction\/delete\/$/, (_, asked) => {
	const ids = (asked.get("ids") ?? "").split(",").map(Number).filter((id) => Number.isSafeInteger(id) && id > 0);
	const form = formOf({ place: h("div", null), fields: {} },
		[h("p", null, `This deletes ${ids.length} transaction${ids.length === 1 ? "" : "s"}. No balance changes.`),
		 h("p", { class: "buttons" }, h("button", { type: "submit", class: "danger" }, "Yes, delete"), link(TRANSACTIONS, "No, back"))], async () => {
			const done = await ask<{ transactions: number }>("POST", "/api/transactions/actions", { action: "delete", ids });
			message(`Deleted: ${done.transactions} transactions.`);
			go(TRANSACTIONS);
		});
	return { title: "Delete transactions?", body: [form] };
});

interface Fields { amount: Field; account: Field; timestamp: Field }

function fieldsOf(one: Transaction | null): Fields {
	return {
		amount: field("Amount", { inputmode: "numeric", value: one?.amount ?? "" }, "A whole number. No balance changes with it."),
		account: field("Account", { inputmode: "numeric", value: one?.account ?? "" }, "An id; empty: none."),
		timestamp: field("Time (UTC)", { value: one?.timestamp ?? "" }, "2026-11-24T09:30:00Z; empty: now."),
	};
}

function valuesOf(fields: Fields): { amount: number | string; account: number | string | null; timestamp?: string } {
	const account = fields.account.input.value.trim(), timestamp = fields.timestamp.input.value.trim();
	const values = { amount: numberOrText(fields.amount.input.value), account: account === "" ? null : numberOrText(account) };
	return timestamp === "" ? values : { ...values, timestamp };
}

route(/^\/admin\/demo\/transaction\/add\/$/, () => {
	const fields = fieldsOf(null);
	const form = formOf({ place: h("div", null), fields: { ...fields } },
		[fields.amount.row, fields.account.row, fields.timestamp.row, h("p", { class: "buttons" }, h("button", { type: "submit" }, "Save"))], async () => {
			const one = await ask<Transaction>("POST", "/api/transactions", valuesOf(fields));
			message(`The transaction ${one.id} was added.`);
			go(TRANSACTIONS);
		});
	return { title: "Add transaction", body: [form] };
});

route(/^\/admin\/demo\/transaction\/(\d+)\/change\/$/, async (match) => {
	const one = await ask<Transaction>("GET", `/api/transactions/${match[1]}`);
	const fields = fieldsOf(one);
	const loaded: Record<string, unknown> = { amount: one.amount, account: one.account, timestamp: one.timestamp };
	const form = formOf({ place: h("div", null), fields: { ...fields }, reload: () => { void show(); },
	                      accept: (conflicts) => { for (const conflict of conflicts) loaded[conflict.field ?? ""] = conflict.now; } },
		[fields.amount.row, fields.account.row, fields.timestamp.row,
		 h("p", { class: "buttons" }, h("button", { type: "submit" }, "Save"), link(`${TRANSACTIONS}${one.id}/history/`, "History"),
		   link(`${TRANSACTIONS}delete/?ids=${one.id}`, "Delete"))], async () => {
			await ask<Transaction>("PUT", `/api/transactions/${one.id}`, { loaded, ...valuesOf(fields) });
			message(`The transaction ${one.id} was changed.`);
			go(TRANSACTIONS);
		});
	return { title: `Change transaction ${one.id}`, body: [form] };
});
