// One account with its transactions inline: all of it in one save.

import { Child, add, h, replace } from "./dom";
import { Account, Conflict, Page, Transaction, ask, query } from "./api";
import { ACCOUNTS, difference } from "./accounts";
import { Field, field, formOf, numberOrText } from "./form";
import { go, link, message, route, show } from "./shell";

function buttons(...more: Child[]): HTMLElement {
	return h("p", { class: "buttons" }, h("button", { type: "submit", value: "save" }, "Save"),
	         h("button", { type: "submit", value: "continue" }, "Save and continue editing"),
	         h("button", { type: "submit", value: "another" }, "Save and add another"), ...more);
}

function goOn(by: string, id: number): void {
	go(by === "continue" ? `${ACCOUNTS}${id}/change/` : by === "another" ? ACCOUNTS + "add/" : ACCOUNTS);
}

route(/^\/admin\/demo\/account\/add\/$/, () => {
	const balance = field("Balance", { inputmode: "numeric", value: "0", "data-focus": true }, "A whole number from 0 to 2147483647.");
	const form = formOf({ place: h("div", null), fields: { balance } }, [balance.row, buttons()], async (by) => {
		const account = await ask<Account>("POST", "/api/accounts", { balance: numberOrText(balance.input.value) });
		message(`The account ${account.id} was added.`);
		goOn(by, account.id);
	});
	return { title: "Add account", body: [form] };
});

// ---- rows of transactions ----

interface Row {
	loaded: Transaction | null; // null: a new one
	amount: HTMLInputElement;
	time: HTMLInputElement;
	remove: HTMLInputElement;
	line: HTMLElement;
}

function cell(name: string, value: string, props: Record<string, string> = {}): HTMLInputElement {
	return h("input", { "aria-label": name, value, ...props });
}

function rowOf(loaded: Transaction | null, number: number, onremove: (row: Row) => void): Row {
	const name = loaded ? `transaction ${loaded.id}` : `new transaction ${number}`;
	const amount = cell(`Amount of ${name}`, loaded ? String(loaded.amount) : "", { inputmode: "numeric" });
	const time = cell(`Time of ${name}, UTC`, loaded?.timestamp ?? "", { placeholder: "now", size: "28" });
	const remove = h("input", { type: "checkbox", "aria-label": `Delete ${name}` });
	const row: Row = { loaded, amount, time, remove, line: h("tr", null,
		h("td", { class: "number" }, loaded ? link(`/admin/demo/transaction/${loaded.id}/change/`, loaded.id) : "new"),
		h("td", null, amount), h("td", null, time),
		h("td", { class: "box" }, loaded ? remove : h("button", { type: "button", "aria-label": `Take away ${name}`, onclick: () => { onremove(row); } }, "Take away"))) };
	return row;
}

function isChanged(row: Row): boolean {
	return row.loaded !== null && (row.amount.value !== String(row.loaded.amount) || row.time.value !== row.loaded.timestamp);
}

function valuesOf(row: Row): { amount: number | string; timestamp?: string } {
	const amount = numberOrText(row.amount.value);
	return row.time.value === "" ? { amount } : { amount, timestamp: row.time.value };
}

/** What the server wants to hear of the rows: only those that are touched. */
function changesOf(rows: Row[]): object {
	const before = (row: Row): object => ({ amount: row.loaded?.amount, timestamp: row.loaded?.timestamp });
	return {
		add: rows.filter((row) => row.loaded === null && row.amount.value !== "").map(valuesOf),
		change: rows.filter((row) => isChanged(row) && !row.remove.checked).map((row) => ({ id: row.loaded?.id, loaded: before(row), ...valuesOf(row) })),
		delete: rows.filter((row) => row.remove.checked && row.loaded !== null).map((row) => ({ id: row.loaded?.id, loaded: before(row) })),
	};
}

class Rows {
	readonly all: Row[] = [];
	private fresh = 0;
	private next: string | null;
	private readonly body = h("tbody", null);
	private readonly more = h("p", null);

	constructor(private readonly account: number, first: Page<Transaction>) {
		this.next = null;
		this.take(first);
	}

	private take(page: Page<Transaction>): void {
		for (const transaction of page.items)
			this.put(rowOf(transaction, 0, () => undefined));
		this.next = page.next;
		replace(this.more, this.next !== null && h("button", { type: "button", onclick: () => { void this.load(); } }, "Show more transactions"));
	}

	private put(row: Row): void {
		this.all.push(row);
		this.body.append(row.line);
	}

	private async load(): Promise<void> {
		this.take(await ask<Page<Transaction>>("GET", `/api/accounts/${this.account}/transactions` + query({ after: this.next, limit: "100" })));
	}

	private addOne(): void {
		const row = rowOf(null, ++this.fresh, (gone) => {
			this.all.splice(this.all.indexOf(gone), 1);
			gone.line.remove();
		});
		this.put(row);
		row.amount.focus();
	}

	draw(count: number): HTMLElement {
		const part = h("fieldset", { class: "inline" }, h("legend", null, `Transactions (${count})`));
		add(part, [h("div", { class: "scroll" }, h("table", null, h("thead", null, h("tr", null, h("th", { scope: "col", class: "number" }, "Id"), h("th", { scope: "col" }, "Amount"),
			h("th", { scope: "col" }, "Time (UTC)"), h("th", { scope: "col" }, "Delete?"))), this.body)), this.more,
			h("p", null, h("button", { type: "button", onclick: () => { this.addOne(); } }, "Add another transaction"))]);
		return part;
	}

	accept(conflict: Conflict): void {
		const row = this.all.find((one) => one.loaded?.id === conflict.id);
		if (row?.loaded && conflict.field)
			row.loaded = { ...row.loaded, [conflict.field]: conflict.now };
	}
}

// ---- the page ----

function summary(account: Account): HTMLElement {
	return h("dl", { class: "facts" }, h("div", null, h("dt", null, "Recorded sum"), h("dd", null, account.recorded_sum)),
	         h("div", null, h("dt", null, "Difference"), h("dd", null, difference(account))));
}

route(/^\/admin\/demo\/account\/(\d+)\/change\/$/, async (match) => {
	const id = Number(match[1]);
	const account = await ask<Account>("GET", `/api/accounts/${id}`);
	const rows = new Rows(id, await ask<Page<Transaction>>("GET", `/api/accounts/${id}/transactions`));
	const balance: Field = field("Balance", { inputmode: "numeric", value: account.balance });
	const loaded = { balance: account.balance };
	const form = formOf({ place: h("div", null), fields: { balance }, reload: () => { void show(); }, accept: (conflicts) => {
		for (const one of conflicts)
			if (one.object === "account")
				loaded.balance = Number(one.now);
			else
				rows.accept(one);
	} }, [balance.row, rows.draw(account.transactions),
	      buttons(link(`${ACCOUNTS}${id}/history/`, "History"), link(`${ACCOUNTS}${id}/delete/`, "Delete"))], async (by) => {
		await ask<Account>("PUT", `/api/accounts/${id}`, { loaded, balance: numberOrText(balance.input.value), transactions: changesOf(rows.all) });
		message(`The account ${id} was changed.`);
		goOn(by, id);
	});
	return { title: `Change account ${id}`, body: [summary(account), form] };
});
