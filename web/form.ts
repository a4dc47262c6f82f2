// Forms: fields with their labels and faults, and what comes of saving one.

import { Child, freshId, h, replace } from "./dom";
import { Conflict, Refusal } from "./api";
import { lostSession, tell } from "./shell";

export interface Field {
	row: HTMLElement;
	input: HTMLInputElement;
	fault(sentence: string | null): void;
}

export function field(label: string, props: Record<string, string | number | boolean | null>, help?: string): Field {
	const id = freshId(), faultId = freshId(), helpId = freshId();
	const input = h("input", { id, "aria-describedby": help ? `${faultId} ${helpId}` : faultId, ...props });
	const place = h("p", { id: faultId, class: "fault" });
	const box = props["type"] === "checkbox";
	const row = h("div", { class: box ? "field box" : "field" }, box && input, h("label", { for: id }, label),
	              !box && input, place, help && h("p", { id: helpId, class: "help" }, help));
	return { row, input, fault(sentence) {
		place.textContent = sentence ?? "";
		if (sentence)
			input.setAttribute("aria-invalid", "true");
		else
			input.removeAttribute("aria-invalid");
	} };
}

/** A whole number as people write it; NaN where it is none. */
export function wholeNumber(text: string): number {
	return /^\s*[+-]?\d+\s*$/.test(text) ? Number(text) : NaN;
}

/** What cannot be told as a number is sent as the text it is: the server says what is wrong with it. */
export function numberOrText(text: string): number | string {
	const number = wholeNumber(text);
	return Number.isSafeInteger(number) ? number : text;
}

const names: Record<string, string> = { superuser: "Superuser", active: "Active", username: "User name", email: "E-mail address",
	balance: "Balance", amount: "Amount", timestamp: "Time", account: "Account" };

function shown(value: unknown): string {
	return value === null || value === undefined ? "none" : value === "" ? "(empty)" : String(value);
}

function conflictRow(conflict: Conflict): HTMLElement {
	const what = conflict.object === "transaction" ? `Transaction ${conflict.id}` : "";
	if (conflict.deleted)
		return h("tr", null, h("th", { scope: "row" }, what || "This"), h("td", { colspan: 3 }, "was deleted meanwhile"));
	const field = names[conflict.field ?? ""] ?? conflict.field ?? "";
	return h("tr", null, h("th", { scope: "row" }, what ? `${what}: ${field}` : field), h("td", null, shown(conflict.loaded)),
	         h("td", null, shown(conflict.now)), h("td", null, shown(conflict.yours)));
}

export interface Asked { theirs(): void; mine(): void }

/** Somebody else was quicker: both values, and the question. Nothing that was typed is lost. */
function conflictPart(conflicts: Conflict[], asked: Asked): HTMLElement {
	const gone = conflicts.some((conflict) => conflict.deleted);
	const heading = h("h2", { tabindex: -1, "data-focus": true }, "Somebody has changed this meanwhile");
	return h("section", { class: "conflict", role: "alert" }, heading,
		h("p", null, "Nothing was saved yet. These values are no longer what this form was filled with:"),
		h("div", { class: "scroll" }, h("table", null, h("thead", null, h("tr", null, h("th", { scope: "col" }, "Field"), h("th", { scope: "col" }, "As it was loaded"),
			h("th", { scope: "col" }, "As it is now"), h("th", { scope: "col" }, "As you would have it"))),
			h("tbody", null, ...conflicts.map(conflictRow)))),
		h("p", { class: "buttons" },
		  h("button", { type: "button", onclick: asked.theirs }, "Keep theirs"),
		  !gone && h("button", { type: "button", class: "danger", onclick: asked.mine }, "Write mine over it")));
}

export interface Saving {
	form: HTMLFormElement;
	/** Above the fields: what is wrong with the whole. */
	place: HTMLElement;
	fields: Record<string, Field>;
	/** What the form was filled with is as it is now, as the conflicts tell it. */
	accept?: (conflicts: Conflict[]) => void;
	reload?: () => void;
}

/** Runs what saves; what is refused is told where it belongs, and the form stays as it is. */
export async function save(saving: Saving, work: () => Promise<void>): Promise<void> {
	for (const one of Object.values(saving.fields))
		one.fault(null);
	replace(saving.place);
	try {
		await work();
	} catch (error) {
		if (!(error instanceof Refusal))
			throw error;
		if (error.status === 401 && error.code === "login_required")
			return lostSession();
		explain(saving, error, work);
	}
}

function explain(saving: Saving, error: Refusal, work: () => Promise<void>): void {
	const { accept, reload } = saving;
	if (error.conflicts.length > 0 && accept && reload) {
		const part = conflictPart(error.conflicts, { theirs: reload, mine: () => {
			accept(error.conflicts);
			void save(saving, work);
		} });
		replace(saving.place, part);
		part.querySelector("h2")?.focus();
		return;
	}
	const orphans: Child[] = [];
	for (const [name, sentence] of Object.entries(error.fields)) {
		const one = saving.fields[name];
		if (one)
			one.fault(sentence);
		else
			orphans.push(h("li", null, `${names[name] ?? name}: ${sentence}`));
	}
	replace(saving.place, h("div", { class: "bad", role: "alert" }, h("p", null, error.message),
	                        orphans.length > 0 && h("ul", null, ...orphans)));
	const first = saving.form.querySelector<HTMLElement>("[aria-invalid]");
	if (first)
		first.focus();
	else
		tell(error.message, "bad");
}

export function formOf(saving: Omit<Saving, "form">, children: Child[], submit: (by: string) => Promise<void>): HTMLFormElement {
	const form = h("form", { novalidate: true, onsubmit: (event) => {
		event.preventDefault();
		const by = (event as SubmitEvent).submitter?.getAttribute("value") ?? "save";
		void save({ ...saving, form }, () => submit(by));
	} }, saving.place, ...children);
	return form;
}
