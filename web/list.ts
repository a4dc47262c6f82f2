// Lists: a table with its caption, sortable headings, check boxes and what can be done with what is checked, pages.

import { Child, freshId, h } from "./dom";
import { Page } from "./api";
import { address, link } from "./shell";

export interface Column<T> { title: string; sort?: string; number?: boolean; cell: (item: T) => Child }

export interface Action { name: string; label: string }

export interface Listing<T> {
	path: string;
	query: URLSearchParams;
	caption: string;
	/** In words, for the line below: "account", "accounts". */
	one: string;
	many: string;
	columns: Column<T>[];
	page: Page<T>;
	keyOf?: (item: T) => number;
	actions?: Action[];
	act?: (action: string, ids: number[]) => void;
	defaultSort?: string;
}

function values(query: URLSearchParams, changes: Record<string, string | null>): Record<string, string | null> {
	return { ...Object.fromEntries(query.entries()), ...changes };
}

function heading<T>(listing: Listing<T>, column: Column<T>): HTMLElement {
	const now = listing.query.get("sort") ?? listing.defaultSort ?? "";
	if (!column.sort)
		return h("th", { scope: "col", class: column.number ? "number" : null }, column.title);
	const up = now === column.sort, down = now === "-" + column.sort;
	const next = up ? "-" + column.sort : column.sort;
	return h("th", { scope: "col", class: column.number ? "number" : null,
	                 "aria-sort": up ? "ascending" : down ? "descending" : "none" },
	         link(address(listing.path, values(listing.query, { sort: next, after: null, page: null })), column.title,
	              h("span", { "aria-hidden": "true" }, up ? " ▲" : down ? " ▼" : " ↕")));
}

function countLine<T>(listing: Listing<T>): string {
	const { count, count_exact } = listing.page;
	if (!count_exact)
		return `more than ${count.toLocaleString("en")} ${listing.many}`;
	return `${count.toLocaleString("en")} ${count === 1 ? listing.one : listing.many}`;
}

/** Back is the browser's own: each page is an address. */
function pager<T>(listing: Listing<T>): HTMLElement {
	const { path, query, page } = listing;
	return h("nav", { class: "pager", "aria-label": "Pages" }, h("span", null, countLine(listing)),
		query.get("after") !== null && link(address(path, values(query, { after: null })), "First page"),
		page.next !== null && link(address(path, values(query, { after: page.next })), "Next page"));
}

export function listOf<T>(listing: Listing<T>): HTMLElement {
	const { columns, page, keyOf, actions, act } = listing;
	const boxes: [HTMLInputElement, number][] = [];
	const all = h("input", { type: "checkbox", "aria-label": "All on this page", onchange: () => {
		for (const [box] of boxes)
			box.checked = all.checked;
	} });
	const rows = page.items.map((item) => {
		const box = h("input", { type: "checkbox", "aria-label": keyOf ? `Select ${listing.one} ${keyOf(item)}` : null });
		if (keyOf)
			boxes.push([box, keyOf(item)]);
		return h("tr", null, act && h("td", { class: "box" }, box),
		         ...columns.map((column) => h("td", { class: column.number ? "number" : null }, column.cell(item))));
	});
	const table = h("table", null, h("caption", null, listing.caption),
		h("thead", null, h("tr", null, act && h("td", { class: "box" }, all), ...columns.map((column) => heading(listing, column)))),
		h("tbody", null, ...rows, rows.length === 0 && h("tr", null, h("td", { colspan: columns.length + 1 }, "There is none."))));
	const bar = act && actions ? actionBar(actions, () => {
		return boxes.filter(([box]) => box.checked).map(([, id]) => id);
	}, act, listing.one) : null;
	return h("div", { class: "list" }, bar, h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": listing.caption }, table), pager(listing));
}

function actionBar(actions: Action[], checked: () => number[], act: (action: string, ids: number[]) => void, one: string): HTMLElement {
	const id = freshId();
	const choice = h("select", { id }, h("option", { value: "" }, "Choose ..."),
	                 ...actions.map((action) => h("option", { value: action.name }, action.label)));
	const fault = h("span", { class: "fault", role: "status" });
	return h("form", { class: "actions", onsubmit: (event) => {
		event.preventDefault();
		const ids = checked();
		fault.textContent = choice.value === "" ? "Choose an action first." : ids.length === 0 ? `Select at least one ${one} first.` : "";
		if (fault.textContent === "")
			act(choice.value, ids);
	} }, h("label", { for: id }, "With those selected:"), choice, h("button", { type: "submit" }, "Go"), fault);
}

/** "2026-11-24 09:30:00 UTC" */
export function timeOf(text: string | null): Child {
	if (text === null)
		return "never";
	return h("time", { datetime: text, title: text }, text.slice(0, 19).replace("T", " ") + " UTC");
}
