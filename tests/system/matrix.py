"""What each way to write a deposit does on each engine at each level: measured here, for the tests that hold
racy's expectations to it (test_matrix.py) and for the page that tells it (script/databases)."""
import json
import os
import re
import subprocess

RACY = os.environ["RACY"]
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGE = os.path.join(ROOT, "docs", "databases.md")
HUNG = 120  # seconds; only ends a run that hangs

PAUSED = ("-n", 12, "--delay", "30ms..60ms")  # long beside a statement: three workers surely overlap
HURRIED = ("-n", 600, "--workers", 6, "--delay", "0")  # no pause: many, so that some overlap
# A deadlock is looked for after a second on PostgreSQL; the wait says nothing about the race.
QUICK = {"sqlite": (), "mariadb": (), "postgres": ("--set", "deadlock_timeout=50ms")}

# One column each: (title, options). The level is what was read back, see test_matrix.
COLUMNS = {
    "sqlite": [("SERIALIZABLE", ())],
    "mariadb": [("READ UNCOMMITTED", ("--isolation", "read-uncommitted")),
                ("READ COMMITTED", ("--isolation", "read-committed")),
                ("REPEATABLE READ", ("--isolation", "repeatable-read", "--set", "innodb_snapshot_isolation=off")),
                ("REPEATABLE READ, innodb_snapshot_isolation",
                 ("--isolation", "repeatable-read", "--set", "innodb_snapshot_isolation=on")),
                ("SERIALIZABLE", ("--isolation", "serializable"))],
    "postgres": [("READ UNCOMMITTED", ("--isolation", "read-uncommitted")),
                 ("READ COMMITTED", ("--isolation", "read-committed")),
                 ("REPEATABLE READ", ("--isolation", "repeatable-read")),
                 ("SERIALIZABLE", ("--isolation", "serializable"))],
}
# Without BEGIN and COMMIT: at the level that nobody chose, and at the one at which lone statements differ most.
NONE = "no transaction"
BARE = {
    "sqlite": [(NONE, ("--no-transaction",))],
    "mariadb": [(NONE, ("--no-transaction",)),
                (NONE + ", SERIALIZABLE", ("--no-transaction", "--isolation", "serializable"))],
    "postgres": [(NONE, ("--no-transaction",)),
                 (NONE + ", SERIALIZABLE", ("--no-transaction", "--isolation", "serializable"))],
}
PRODUCTS = {"sqlite": "SQLite", "mariadb": "MariaDB", "postgres": "PostgreSQL"}


def ways():
    """Every variant of the deposit, as `racy list` tells it."""
    told = subprocess.run([RACY, "list", "--json"], capture_output=True, text=True, check=True)
    return json.loads(told.stdout)[0]["variants"]


def serve(engine, env):
    """A throw-away server and its URL; ended by killing the process."""
    process = subprocess.Popen([RACY, "serve", "--bind", "127.0.0.1:0", "--workers", "1", "--db", engine], env=env,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True)
    for line in process.stderr:
        found = re.search(r"account create --db '([^']+)'", line)
        if found:
            return process, found.group(1)
    raise RuntimeError(f"racy serve ended before it named its database ({engine})")


def measure(engine, url, way, options, env):
    """The run's result; None: not applicable there; False: its own level is another one."""
    # Without a transaction a gap between two writes is as short as they are: only many find it.
    size = PAUSED if way["pauses"] and "--no-transaction" not in options else HURRIED
    done = subprocess.run([RACY, "run", "deposit/" + way["name"], "--db", url, "--json",
                           *map(str, (*size, *QUICK[engine], *options))],
                          env=env, capture_output=True, text=True, timeout=HUNG)
    if done.returncode == 2 and "not applicable" in done.stderr:
        return None
    if done.returncode == 2 and "level of its own" in done.stderr:
        return False
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{way['name']} {options}: {done.returncode}: {done.stdout}{done.stderr}")
    return json.loads(done.stdout)


def word(result):
    """What was seen, in one of the words that expectations are written in."""
    if result["verdict"] == "violated":
        return "loses"
    return "refuses" if sum(result["refused"].values()) > 0 else "holds"


def cell(result):
    if result is None:
        return "not applicable"
    if result is False:
        return ""
    if word(result) == "refuses":
        return "refuses (" + ", ".join(sorted(result["refused"])) + ")"
    return {"loses": "**loses**", "holds": "no loss seen"}[word(result)]


HEAD = """# What each engine makes of each way to write a deposit

Measured; this page is written by `script/databases` and not by hand. Each cell is one `racy run deposit/WAY` on a
server of its own: 12 requests on 3 workers with a pause of 30 to 60 ms where the way has one, else 600 requests
on 6 workers.

- **loses**: the balance was short of what is recorded (or a deposit was torn) in this run.
- refuses: nothing was lost; some requests were answered 503, for the reasons named. Most of these can be tried again:
  `--max-tries`.
- no loss seen: all were answered, nothing was lost. One run proves nothing; what is expected beyond it is told by
  `racy explain deposit/WAY`.
- An empty cell: the way has a level of its own. "no transaction": BEGIN and COMMIT left out, `--no-transaction`.

The suite makes the same runs and fails where what was seen is not what `racy explain` states.

Not tested by this project: MySQL (its protocol is spoken by MariaDB here, but no MySQL 8 server was ever asked), MariaDB
before 10.11 and after, Galera clusters, PostgreSQL other than the one named below and what is only compatible with it,
SQLite's rollback journal.
"""


def section(engine, rows, identity):
    lines = [f"\n## {PRODUCTS[engine]} {identity['version']}\n"]
    titles = [title for title, _ in COLUMNS[engine] + BARE[engine]]
    lines.append("| way | " + " | ".join(titles) + " |")
    lines.append("| --- |" + " --- |" * len(titles))
    for name, cells in rows:
        lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    notes = {
        "sqlite": "SQLite has one level. A transaction that has read may not write once another has written: it is "
                  "refused at once (busy).",
        "mariadb": "READ COMMITTED is what Django sets on every MySQL connection, and what racy takes where nothing is "
                   "said.",
        "postgres": "READ UNCOMMITTED is READ COMMITTED there but for its name. `deadlock_timeout` was 50 ms in these sessions (the "
                    "server's own is a second).",
    }
    return "\n".join(lines) + "\n\n" + notes[engine] + "\n"


def main():
    env = {**os.environ, "NO_COLOR": "1", "LC_ALL": "C.UTF-8"}
    env.pop("RACY_DB", None)
    text = HEAD
    for engine, columns in COLUMNS.items():
        process, url = serve(engine, env) if engine != "sqlite" else (None, "sqlite:" + os.environ["RACY_SQLITE"])
        try:
            rows, identity = [], None
            for way in ways():
                cells = []
                for title, options in columns + BARE[engine]:
                    print(f"{engine}: {way['name']}, {title} ...", flush=True)
                    result = measure(engine, url, way, options, env)
                    identity = result["db"] if result else identity
                    cells.append(cell(result))
                rows.append((way["name"], cells))
            text += section(engine, rows, identity)
        finally:
            if process is not None:
                process.kill()
                process.communicate()
    with open(PAGE, "w") as page:
        page.write(text)


if __name__ == "__main__":
    main()
