// The pages in a real browser, before a real racy on a real database (the word in argv; "nginx" after it: with nginx in
// front, as in deploy/).
import { Lab, PASSWORD, axeSource, browse, done, equal, fresh, logIn, test } from "./lab.mjs";

const database = process.argv[2] ?? "sqlite";
const lab = await Lab.open(database, process.argv[3] === "nginx");
const browser = await browse();
let open = [];
const pages = () => open;

async function start(options) {
	const page = await fresh(browser, lab, options);
	open.push(page);
	return page;
}

async function end() {
	for (const page of open)
		await page.context().close();
	open = [];
}

async function cells(page, row) {
	const line = page.locator("tbody tr").nth(row);
	await line.locator("td.number").first().waitFor();
	return line.locator("td.number").allTextContents();
}

async function addAccount(page, balance) {
	await page.goto("/admin/demo/account/add/");
	await page.getByLabel("Balance").fill(String(balance));
	await page.getByRole("button", { name: "Save", exact: true }).click();
	const told = await page.getByText(/The account \d+ was added/).textContent();
	return Number(told.match(/\d+/)[0]);
}

await test("from log-in to lost updates, reset and delete", async () => {
	const page = await start();
	await logIn(page);
	const id = await addAccount(page, 0);
	const way = database === "sqlite" ? "non_atomic_long_delay" : "atomic_long_delay";
	lab.racy("fire", "--url", lab.subject, "--target", way, "--account", String(id), "--wait", "0", "-n", "6");
	await page.goto(`/admin/demo/account/?search=${id}`);
	await page.locator(".lost").waitFor();
	const [, balance, , sum, difference] = await cells(page, 0);
	equal(difference, `${Number(sum) - Number(balance)} lost`, "what is lost");
	await page.getByLabel(`Select account ${id}`).check();
	await page.getByLabel("With those selected:").selectOption("reset");
	await page.getByRole("button", { name: "Go" }).click();
	await page.getByRole("button", { name: "Yes, reset" }).click();
	await page.getByText("Reset: 1 accounts").waitFor();
	await page.goto(`/admin/demo/account/?search=${id}`);
	equal((await cells(page, 0)).slice(1), ["0", "0", "0", "0"], "after the reset");
	await page.goto(`/admin/demo/account/${id}/delete/`);
	await page.getByRole("button", { name: "Yes, delete" }).click();
	await page.getByText(`The account ${id} was deleted.`).waitFor();
	await page.goto(`/admin/demo/account/?search=${id}`);
	await page.getByText("There is none.").waitFor();
	equal(page.faults, [], "faults of the page");
}, pages);
await end();

await test("transactions inline: added, changed and deleted in one save", async () => {
	const page = await start();
	await logIn(page);
	const id = await addAccount(page, 5);
	await page.goto(`/admin/demo/account/${id}/change/`);
	for (const [n, amount] of [[1, 10], [2, 20]]) {
		await page.getByRole("button", { name: "Add another transaction" }).click();
		await page.getByLabel(`Amount of new transaction ${n}`).fill(String(amount));
	}
	await page.getByRole("button", { name: "Save and continue editing" }).click();
	await page.getByText("Transactions (2)").waitFor();
	const amounts = page.getByLabel(/^Amount of transaction/);
	equal(await amounts.evaluateAll((all) => all.map((one) => one.value)), ["10", "20"], "amounts");
	await amounts.first().fill("30");
	await page.getByLabel(/^Delete transaction/).nth(1).check();
	await page.getByLabel("Balance").fill("30");
	await page.getByRole("button", { name: "Save", exact: true }).click();
	await page.getByText(`The account ${id} was changed.`).waitFor();
	await page.goto(`/admin/demo/account/?search=${id}`);
	equal((await cells(page, 0)).slice(1), ["30", "1", "30", "0"], "after the save");
	await page.goto(`/admin/demo/account/${id}/history/`);
	await page.getByText("balance: 5 → 30").waitFor();
}, pages);
await end();

await test("two who save the same account: one wins, one is asked", async () => {
	const [one, other] = [await start(), await start()];
	await logIn(one);
	await logIn(other);
	const id = await addAccount(one, 100);
	for (const page of [one, other]) {
		await page.goto(`/admin/demo/account/${id}/change/`);
		await page.getByLabel("Balance").fill(page === one ? "300" : "50");
	}
	await one.getByRole("button", { name: "Save", exact: true }).click();
	await one.getByText(`The account ${id} was changed.`).waitFor();
	await other.getByRole("button", { name: "Save", exact: true }).click();
	await other.getByRole("heading", { name: "Somebody has changed this meanwhile" }).waitFor();
	equal(await other.locator(".conflict tbody td").allTextContents(), ["100", "300", "50"], "loaded, now, yours");
	equal(JSON.parse(lab.racy("account", "show", String(id), "--db", lab.url)).balance, 300, "nothing is overwritten");
	equal(await other.getByLabel("Balance").inputValue(), "50", "nothing typed is lost");
	await other.getByRole("button", { name: "Write mine over it" }).click();
	await other.getByText(`The account ${id} was changed.`).waitFor();
	equal(JSON.parse(lab.racy("account", "show", String(id), "--db", lab.url)).balance, 50, "after the answer");
}, pages);
await end();

await test("by keyboard only", async () => {
	const page = await start();
	await page.goto("/admin/");
	await page.getByLabel("User name").waitFor();
	await page.keyboard.type("ann");
	await page.keyboard.press("Tab");
	await page.keyboard.type(PASSWORD);
	await page.keyboard.press("Enter");
	await page.getByRole("heading", { name: "Site administration" }).waitFor();
	const tabTo = async (name) => {
		for (let i = 0; i < 60; i++) {
			await page.keyboard.press("Tab");
			if (await page.evaluate(() => document.activeElement.textContent) === name)
				return page.keyboard.press("Enter");
		}
		throw new Error("no way to " + name);
	};
	await tabTo("Accounts");
	await page.getByRole("heading", { name: "Accounts", exact: true }).waitFor();
	await tabTo("Add account");
	await page.getByRole("heading", { name: "Add account" }).waitFor();
	await page.keyboard.press("Control+A");
	await page.keyboard.type("77");
	await page.keyboard.press("Enter");
	const told = await page.getByText(/The account \d+ was added/).textContent();
	const id = told.match(/\d+/)[0];
	await tabTo(id);
	await page.getByRole("heading", { name: `Change account ${id}` }).waitFor();
	await tabTo("Delete");
	await page.getByRole("heading", { name: `Delete account ${id}?` }).waitFor();
	await tabTo("Yes, delete");
	await page.getByText(`The account ${id} was deleted.`).waitFor();
}, pages);
await end();

await test("what is wrong is told at its field, and kept", async () => {
	const page = await start();
	await logIn(page);
	await page.goto("/admin/demo/account/add/");
	await page.getByLabel("Balance").fill("a lot");
	await page.getByRole("button", { name: "Save", exact: true }).click();
	await page.getByText("Enter a whole number.").waitFor();
	equal(await page.getByLabel("Balance").inputValue(), "a lot", "what was typed");
	equal(await page.evaluate(() => document.activeElement.getAttribute("aria-invalid")), "true", "the focus");
	await page.goto("/admin/auth/user/add/");
	await page.getByLabel("User name").fill("<script>alert(1)</script>");
	await page.getByLabel("Password").fill("12345678");
	await page.getByRole("button", { name: "Save", exact: true }).click();
	await page.getByText("A user name may contain only").waitFor();
	await page.getByText("entirely numeric").waitFor();
}, pages);
await end();

await test("what comes from outside is text", async () => {
	const page = await start();
	await logIn(page);
	const bad = "<img src=x onerror=\"document.title='had'\">";
	await page.goto("/admin/demo/account/?search=" + encodeURIComponent(bad));
	await page.locator("main .bad").waitFor();
	await page.goto("/admin/login/?next=" + encodeURIComponent("//evil.example/"));
	await page.getByLabel("User name").fill("ann");
	await page.getByLabel("Password").fill(PASSWORD);
	await page.getByRole("button", { name: "Log in" }).click();
	await page.getByRole("heading", { name: "Site administration" }).waitFor();
	equal(new URL(page.url()).pathname, "/admin/", "where log-in leads");
	equal(await page.locator("main img").count(), 0, "elements that were smuggled in");
}, pages);
await end();

await test("a password that was changed in the shell ends the session", async () => {
	const page = await start();
	await logIn(page);
	lab.racy("changepassword", "ann", "--password-file", lab.home + "/password", "--db", lab.url);
	await page.getByRole("link", { name: "Accounts" }).first().click();
	await page.getByText("Please log in again.").waitFor();
	await page.getByLabel("User name").fill("ann");
	await page.getByLabel("Password").fill(PASSWORD);
	await page.getByRole("button", { name: "Log in" }).click();
	await page.getByRole("heading", { name: "Accounts", exact: true }).waitFor();
	await page.getByRole("button", { name: "Log out" }).click();
	await page.getByText("You are logged out.").waitFor();
}, pages);
await end();

const everywhere = (id) => ["/admin/", "/admin/demo/account/", "/admin/demo/account/add/", `/admin/demo/account/${id}/change/`,
	`/admin/demo/account/${id}/delete/`, `/admin/demo/account/${id}/history/`, `/admin/demo/account/reset/?ids=${id}`, "/admin/demo/transaction/",
	"/admin/demo/transaction/add/", "/admin/auth/user/", "/admin/auth/user/add/", "/admin/auth/user/1/change/", "/admin/auth/user/1/delete/",
	"/admin/history/", "/admin/password_change/", "/admin/nothing/"];

async function violations(page) {
	await page.evaluate(axeSource);
	const found = await page.evaluate(() => globalThis.axe.run(document));
	return found.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.target.join(" ")).join(", ")}`);
}

for (const [name, options] of [["light", { colorScheme: "light" }], ["dark", { colorScheme: "dark" }],
                               ["a phone", { viewport: { width: 360, height: 740 } }]])
	await test("accessibility: " + name, async () => {
		// The script that looks is the test's own: the page's own policy forbids it.
		const page = await start({ ...options, bypassCSP: true });
		await page.goto("/admin/");
		await page.getByLabel("User name").waitFor();
		equal(await violations(page), [], "log-in");
		await logIn(page);
		const id = await addAccount(page, 7);
		for (const path of everywhere(id)) {
			await page.goto(path);
			await page.locator("main:not([aria-busy]) h1").waitFor();
			equal(await violations(page), [], path);
			equal(await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth), true, path + " fits its width");
		}
	}, pages).then(end);

await browser.close();
await lab.close();
done();
