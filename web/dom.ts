// Elements from code. What is text is put in as text, never as markup: nothing here parses HTML.

export type Child = Node | string | number | null | undefined | false;
type Props = Record<string, string | number | boolean | null | undefined | ((event: Event) => void)>;

/** An element. `onclick` and the like are listeners, true is an attribute without a value, null and false none. */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, props: Props | null,
                                                         ...children: Child[]): HTMLElementTagNameMap[K] {
	const element = document.createElement(tag);
	for (const [name, value] of Object.entries(props ?? {})) {
		if (typeof value === "function")
			element.addEventListener(name.slice(2), value);
		else if (value === true)
			element.setAttribute(name, "");
		else if (value !== false && value !== null && value !== undefined)
			element.setAttribute(name, String(value));
	}
	add(element, children);
	return element;
}

export function add(parent: Node, children: Child[]): void {
	for (const child of children)
		if (child !== null && child !== undefined && child !== false)
			parent.appendChild(child instanceof Node ? child : document.createTextNode(String(child)));
}

export function replace(parent: Element, ...children: Child[]): void {
	parent.replaceChildren();
	add(parent, children);
}

let numbers = 0;
/** An id that no other element has. */
export function freshId(): string {
	return "i" + String(++numbers);
}
