// What the browser tests share: racy as a person starts it, Debian's Chromium, and TAP.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const HUNG = 60_000; // milliseconds; only ends what hangs
const RACY = process.env.RACY;
const FRONT = fileURLToPath(new URL("../system/front.py", import.meta.url));
const require = createRequire(join(process.env.RACY_WEB, "package.json"));
const { chromium } = require("playwright-core");
export const axeSource = require("axe-core").source;

export const PASSWORD = "s3cret-Horse";

export class Lab {
	// `front`: what the browser sees is nginx, as in deploy/.
	static async open(database, front = false) {
		const lab = new Lab();
		lab.home = mkdtempSync(join(tmpdir(), "racy-web-"));
		lab.env = { ...process.env, HOME: lab.home, XDG_STATE_HOME: lab.home, LC_ALL: "C.UTF-8" };
		delete lab.env.RACY_DB;
		const db = database === "sqlite" ? "sqlite:" + join(lab.home, "test.db") : database;
		lab.process = spawn(RACY, ["serve", "--db", db, "--bind", "127.0.0.1:0", "--lab", "127.0.0.1:0", "--delay", "200ms..400ms"],
		                    { env: lab.env, stdio: ["ignore", "ignore", "pipe"] });
		lab.log = "";
		lab.process.stderr.on("data", (bytes) => { lab.log += bytes; });
		const [, subject] = await lab.line(/listening at (http:\S+)/);
		const [, pages] = await lab.line(/the instrument is at (http:\S+)/);
		const [, url] = await lab.line(/createsuperuser --db '([^']+)'/);
		await lab.line(/worker 3 is at its post/);
		Object.assign(lab, { subject, pages, url });
		if (front)
			await lab.standBehindNginx();
		writeFileSync(join(lab.home, "password"), PASSWORD + "\n");
		lab.racy("createsuperuser", "--username", "ann", "--password-file", join(lab.home, "password"), "--db", url);
		return lab;
	}

	async standBehindNginx() {
		const ports = [this.subject, this.pages].map((url) => new URL(url).port);
		this.front = spawn("python3", [FRONT, ...ports], { env: this.env, stdio: ["pipe", "pipe", "inherit"] });
		const [port] = await once(this.front.stdout, "data");
		this.subject = `http://127.0.0.1:${Number(port)}`;
		this.pages = `${this.subject}/admin/`;
	}

	async line(pattern) {
		const end = Date.now() + HUNG;
		while (!pattern.test(this.log)) {
			if (this.process.exitCode !== null || Date.now() > end)
				throw new Error("racy serve never said " + pattern + ":\n" + this.log);
			await new Promise((done) => setTimeout(done, 10));
		}
		return this.log.match(pattern);
	}

	racy(...args) {
		const done = spawnSync(RACY, args, { env: this.env, encoding: "utf8", timeout: HUNG });
		if (done.status !== 0)
			throw new Error(`racy ${args.join(" ")}: ${done.status} ${done.stdout}${done.stderr}`);
		return done.stdout;
	}

	async close() {
		if (this.front) {
			this.front.stdin.end();
			await once(this.front, "exit");
		}
		const ended = new Promise((done) => this.process.on("exit", done));
		this.process.kill("SIGTERM");
		await ended;
		rmSync(this.home, { recursive: true, force: true });
	}
}

export async function browse() {
	return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
}

export async function fresh(browser, lab, options = {}) {
	const context = await browser.newContext({ baseURL: new URL(lab.pages).origin, ...options });
	context.setDefaultTimeout(HUNG);
	const page = await context.newPage();
	page.faults = [];
	page.on("pageerror", (error) => page.faults.push(String(error)));
	page.on("console", (message) => {
		if (message.type() === "error" && !/status of 4\d\d/.test(message.text()))
			page.faults.push(message.text());
	});
	return page;
}

export async function logIn(page) {
	await page.goto("/admin/");
	await page.getByLabel("User name").fill("ann");
	await page.getByLabel("Password").fill(PASSWORD);
	await page.getByRole("button", { name: "Log in" }).click();
	await page.getByRole("heading", { name: "Site administration" }).waitFor();
}

export function equal(found, expected, what) {
	if (JSON.stringify(found) !== JSON.stringify(expected))
		throw new Error(`${what}: ${JSON.stringify(found)} instead of ${JSON.stringify(expected)}`);
}

let count = 0;
export async function test(name, work, pages = () => []) {
	count++;
	try {
		await work();
		console.log(`ok ${count} - ${name}`);
	} catch (error) {
		console.log(`not ok ${count} - ${name}`);
		console.log(String(error.stack ?? error).replace(/^/gm, "# "));
		const folder = process.env.RACY_SCREENSHOTS ?? join(tmpdir(), "racy-screenshots");
		mkdirSync(folder, { recursive: true });
		for (const [i, page] of pages().entries()) {
			const path = join(folder, `${name.replace(/\W+/g, "-")}-${i}.png`);
			await page.screenshot({ path, fullPage: true }).then(() => console.log("# " + path), () => undefined);
		}
		process.exitCode = 1;
	}
}
export function done() {
	console.log(`1..${count}`);
}
