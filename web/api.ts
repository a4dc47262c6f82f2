// The API (docs/api.md): one function to ask it, and the types of what it answers.

export interface User {
	id: number; username: string; email: string; superuser: boolean; active: boolean; joined: string;
	last_login: string | null;
}
export interface Account { id: number; balance: number; transactions: number; recorded_sum: number; difference: number }
export interface Transaction { id: number; amount: number; account: number | null; timestamp: string }
export interface Entry {
	id: number; at: string; user: string; action: string; object: string; object_id: number;
	changes: Record<string, [unknown, unknown]>;
}
export interface Page<T> { items: T[]; next: string | null; count: number; count_exact: boolean }
export interface Session { user: User | null; csrf: string }
export interface Conflict {
	object: string; id: number; field?: string; loaded?: unknown; now?: unknown; yours?: unknown; deleted?: true;
}

/** A refusal, or no answer at all (status 0). */
export class Refusal extends Error {
	constructor(readonly status: number, readonly code: string, message: string,
	            readonly fields: Record<string, string>, readonly conflicts: Conflict[]) {
		super(message);
	}
}

export const session: Session = { user: null, csrf: "" };

function refusalOf(status: number, body: unknown): Refusal {
	const told = (typeof body === "object" && body !== null ? body : {}) as Partial<Refusal> & { error?: string };
	return new Refusal(status, told.error ?? "", told.message ?? `The server answered ${status}.`,
	                   told.fields ?? {}, told.conflicts ?? []);
}

export async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
	const headers: Record<string, string> = method === "GET" ? {} : { "X-CSRF-Token": session.csrf };
	if (body !== undefined)
		headers["Content-Type"] = "application/json";
	let reply: Response;
	try {
		reply = await fetch(path, { method, headers, body: body === undefined ? null : JSON.stringify(body),
		                            credentials: "same-origin", cache: "no-store" });
	} catch {
		throw new Refusal(0, "network", "The server does not answer. What you entered is still here; try again.", {}, []);
	}
	const answer: unknown = reply.status === 204 ? null : await reply.json().catch(() => null);
	if (!reply.ok)
		throw refusalOf(reply.status, answer);
	return answer as T;
}

export async function loadSession(): Promise<void> {
	Object.assign(session, await ask<Session>("GET", "/api/session"));
}

export async function logIn(username: string, password: string): Promise<void> {
	Object.assign(session, await ask<Session>("POST", "/api/session", { username, password }));
}

export async function logOut(): Promise<void> {
	await ask("DELETE", "/api/session");
	session.user = null;
	await loadSession();
}

export function query(values: Record<string, string | null | undefined>): string {
	const pairs = Object.entries(values).filter(([, value]) => value) as [string, string][];
	return pairs.length > 0 ? "?" + new URLSearchParams(pairs).toString() : "";
}
