// What is around every page: header, navigation, messages, and moving from one address to another without a reload.

import { Child, add, h, replace } from "./dom";
import { Refusal, loadSession, logOut, session } from "./api";

export interface View { title: string; body: Child[] }
export type Route = (match: RegExpMatchArray, query: URLSearchParams) => Promise<View> | View;

const routes: [RegExp, Route][] = [];
const main = h("main", { id: "content", tabindex: -1 });
const header = h("header", { class: "top" });
// One that is there from the start is read out when something is put into it.
const messages = h("div", { class: "messages", role: "status", "aria-live": "polite" });
let pending: [string, "good" | "bad"][] = [];

export function route(pattern: RegExp, view: Route): void {
	routes.push([pattern, view]);
}

/** Told on the page that is shown next. */
export function message(text: string, kind: "good" | "bad" = "good"): void {
	pending.push([text, kind]);
}

/** Told at once. */
export function tell(text: string, kind: "good" | "bad" = "good"): void {
	replace(messages, h("p", { class: kind }, text));
}

export function link(href: string, ...children: Child[]): HTMLAnchorElement {
	return h("a", { href }, ...children);
}

export function go(address: string): void {
	history.pushState(null, "", address);
	void show();
}

/** The same address with another state, as sorting and filtering do. */
export function address(path: string, values: Record<string, string | null>): string {
	const query = new URLSearchParams();
	for (const [name, value] of Object.entries(values))
		if (value)
			query.set(name, value);
	return path + (query.size > 0 ? "?" + query.toString() : "");
}

async function leave(): Promise<void> {
	await logOut();
	message("You are logged out.");
	go("/admin/login/");
}

function drawHeader(): void {
	const user = session.user;
	replace(header, h("a", { class: "skip", href: "#content" }, "Skip to the content"),
	        h("p", { class: "brand" }, link("/admin/", "racy")));
	if (user === null)
		return;
	add(header, [
		h("nav", { "aria-label": "Objects" }, h("ul", null,
			h("li", null, link("/admin/demo/account/", "Accounts")),
			h("li", null, link("/admin/demo/transaction/", "Transactions")),
			user.superuser && h("li", null, link("/admin/auth/user/", "Users")),
			h("li", null, link("/admin/history/", "History")))),
		h("div", { class: "who" }, h("span", null, user.username), link("/admin/password_change/", "Change password"),
		  h("button", { type: "button", onclick: () => { void leave(); } }, "Log out")),
	]);
}

function viewOf(refusal: Refusal): View {
	return { title: refusal.status === 404 ? "Not found" : "This did not work",
	         body: [h("p", { class: "bad" }, refusal.message), h("p", null, link("/admin/", "To the start"))] };
}

async function find(path: string, query: URLSearchParams): Promise<View> {
	for (const [pattern, view] of routes) {
		const match = path.match(pattern);
		if (match)
			return view(match, query);
	}
	return { title: "Not found", body: [h("p", null, "There is no page at this address. ", link("/admin/", "To the start"))] };
}

let shown = 0;

/** The page of the address that the browser has now. */
export async function show(): Promise<void> {
	const mine = ++shown;
	const path = location.pathname, query = new URLSearchParams(location.search);
	let view: View;
	if (session.user === null && path !== "/admin/login/") {
		history.replaceState(null, "", address("/admin/login/", { next: path + location.search }));
		return show();
	}
	main.setAttribute("aria-busy", "true");
	try {
		view = await find(path, query);
	} catch (error) {
		if (!(error instanceof Refusal))
			throw error;
		if (error.status === 401)
			return lostSession();
		view = viewOf(error);
	}
	if (mine === shown)
		draw(view);
}

function draw(view: View): void {
	const heading = h("h1", { tabindex: -1 }, view.title);
	document.title = view.title + " | racy";
	drawHeader();
	replace(main, heading, ...view.body);
	main.removeAttribute("aria-busy");
	replace(messages, ...pending.map(([text, kind]) => h("p", { class: kind }, text)));
	pending = [];
	const first = main.querySelector<HTMLElement>("[data-focus]");
	(first ?? heading).focus();
}

/** Logged out meanwhile: log in, and come back. */
export async function lostSession(): Promise<void> {
	session.user = null;
	await loadSession();
	message("Please log in again.", "bad");
	go(address("/admin/login/", { next: location.pathname + location.search }));
}

function onClick(event: MouseEvent): void {
	const anchor = (event.target as Element).closest("a");
	if (!anchor || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey)
		return;
	const url = new URL(anchor.href, location.href);
	if (url.origin !== location.origin || !url.pathname.startsWith("/admin/") || anchor.hash === "#content")
		return;
	event.preventDefault();
	go(url.pathname + url.search);
}

export async function start(): Promise<void> {
	document.body.replaceChildren(header, messages, main);
	document.addEventListener("click", onClick);
	window.addEventListener("popstate", () => { void show(); });
	try {
		await loadSession();
	} catch (error) {
		draw(viewOf(error as Refusal));
		return;
	}
	await show();
}
