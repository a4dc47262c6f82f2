// Accounts: the list in which a lost update is seen at once, and what is done to many.

import { Child, h } from "./dom";
import { Account, Page, ask, query } from "./api";
import { field, formOf } from "./form";
import { listOf } from "./list";
import { go, link, message, route } from "./shell";

export const ACCOUNTS = "/admin/demo/account/";

/** What is recorded and not in the balance is lost; the other way round, more is there than was recorded. */
export function difference(account: Account): Child {
	if (account.difference === 0)
		return "0";
	const words = account.difference > 0 ? `${account.difference} lost` : `${-account.difference} not recorded`;
	return h("strong", { class: account.difference > 0 ? "lost" : "extra" }, words);
}

route(/^\/admin\/demo\/account\/$/, async (_, asked) => {
	const page = await ask<Page<Account>>("GET", "/api/accounts" + query(Object.fromEntries(asked.entries())));
	const search = field("Search by id", { type: "search", inputmode: "numeric", value: asked.get("search") ?? "" });
	return { title: "Accounts", body: [
		h("p", { class: "buttons" }, link(ACCOUNTS + "add/", "Add account")),
		h("form", { class: "search", role: "search", onsubmit: (event) => {
			event.preventDefault();
			go(ACCOUNTS + query({ search: search.input.value.trim() }));
		} }, search.row, h("button", { type: "submit" }, "Search"), asked.get("search") !== null && link(ACCOUNTS, "All")),
		listOf({ path: ACCOUNTS, query: asked, caption: "Accounts, and what is recorded of each", one: "account", many: "accounts", page,
			defaultSort: "id", keyOf: (account) => account.id,
			actions: [{ name: "reset", label: "Reset: balance 0, transactions deleted" }, { name: "delete", label: "Delete" }],
			act: (action, ids) => { go(`${ACCOUNTS}${action}/${query({ ids: ids.join(",") })}`); },
			columns: [
				{ title: "Id", sort: "id", number: true, cell: (account) => link(`${ACCOUNTS}${account.id}/change/`, account.id) },
				{ title: "Balance", sort: "balance", number: true, cell: (account) => account.balance },
				{ title: "Transactions", number: true, cell: (account) => account.transactions },
				{ title: "Recorded sum", number: true, cell: (account) => account.recorded_sum },
				{ title: "Difference", number: true, cell: difference },
			] }),
	] };
});

function idsOf(asked: URLSearchParams): number[] {
	return (asked.get("ids") ?? "").split(",").map(Number).filter((id) => Number.isSafeInteger(id) && id > 0);
}

function naming(ids: number[]): string {
	return ids.length === 1 ? `the account ${ids[0]}` : `${ids.length} accounts (${ids.slice(0, 20).join(", ")}${ids.length > 20 ? ", ..." : ""})`;
}

function keepOrDelete(): [HTMLElement, () => string] {
	const keep = field("They stay, without an account", { type: "radio", name: "transactions", value: "keep", checked: true });
	const remove = field("They are deleted too", { type: "radio", name: "transactions", value: "delete" });
	for (const one of [keep, remove])
		one.row.className = "field box";
	keep.row.prepend(keep.input);
	remove.row.prepend(remove.input);
	return [h("fieldset", null, h("legend", null, "What becomes of the transactions?"), keep.row, remove.row), () => remove.input.checked ? "delete" : "keep"];
}

interface Done { accounts: number; transactions: number }

route(/^\/admin\/demo\/account\/reset\/$/, (_, asked) => {
	const ids = idsOf(asked);
	const form = formOf({ place: h("div", null), fields: {} },
		[h("p", null, `The balance of ${naming(ids)} becomes 0, and all transactions of ${ids.length === 1 ? "it" : "them"} are deleted.`),
		 h("p", { class: "buttons" }, h("button", { type: "submit", class: "danger" }, "Yes, reset"), link(ACCOUNTS, "No, back"))], async () => {
			const done = await ask<Done>("POST", "/api/accounts/actions", { action: "reset", ids });
			message(`Reset: ${done.accounts} accounts; ${done.transactions} transactions were deleted.`);
			go(ACCOUNTS);
		});
	return { title: "Reset accounts?", body: [form] };
});

route(/^\/admin\/demo\/account\/delete\/$/, (_, asked) => {
	const ids = idsOf(asked), [choice, chosen] = keepOrDelete();
	const form = formOf({ place: h("div", null), fields: {} },
		[h("p", null, `This deletes ${naming(ids)}.`), choice,
		 h("p", { class: "buttons" }, h("button", { type: "submit", class: "danger" }, "Yes, delete"), link(ACCOUNTS, "No, back"))], async () => {
			const done = await ask<Done>("POST", "/api/accounts/actions", { action: "delete", ids, transactions: chosen() });
			message(`Deleted: ${done.accounts} accounts and ${done.transactions} transactions.`);
			go(ACCOUNTS);
		});
	return { title: "Delete accounts?", body: [form] };
});

route(/^\/admin\/demo\/account\/(\d+)\/delete\/$/, async (match) => {
	const account = await ask<Account>("GET", `/api/accounts/${match[1]}`), [choice, chosen] = keepOrDelete();
	const form = formOf({ place: h("div", null), fields: {} },
		[h("p", null, `The account ${account.id} has a balance of ${account.balance} and ${account.transactions} transactions.`), choice,
		 h("p", { class: "buttons" }, h("button", { type: "submit", class: "danger" }, "Yes, delete"), link(`${ACCOUNTS}${account.id}/change/`, "No, back"))], async () => {
			await ask("DELETE", `/api/accounts/${account.id}?transactions=${chosen()}`);
			message(`The account ${account.id} was deleted.`);
			go(ACCOUNTS);
		});
	return { title: `Delete account ${account.id}?`, body: [form] };
});
