"""The lists of the pages over 100,000 accounts and 1,000,000 transactions, on each engine: how long the database takes
for a page of 100 rows, wherever it is, and what memory the instrument has before and after it has shown all of them.
run.py RACY PAGES [--quick] [--django] [--json]."""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "..", "tests", "system")]
import processes
GOAL_MS = 50
PASSWORD = "s3cret-Horse"


def arguments():
    parser = argparse.ArgumentParser(prog="script/bench pages", description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("racy")
    parser.add_argument("pages")
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows, for a first look")
    parser.add_argument("--django", action="store_true", help="the indexes that Django makes, and no others")
    parser.add_argument("--json", action="store_true", help="all figures on stdout, the table on stderr")
    parser.add_argument("--db", action="append", choices=("sqlite", "mariadb", "postgres"), help="that engine alone")
    return parser.parse_args()


class Serving(processes.Serving):
    """racy serve with its instrument, on a database of its own, which is gone when it ends."""

    def __init__(self, racy, database):
        self.racy = racy
        self.home = tempfile.mkdtemp(prefix="racy-bench-")
        self.env = {**os.environ, "XDG_STATE_HOME": self.home}
        database = "sqlite:" + os.path.join(self.home, "pages.db") if database == "sqlite" else database
        super().__init__(racy, database, "--lab", "127.0.0.1:0", env=self.env)
        self.port = int(self.find(r"instrument is at http://127\.0\.0\.1:(\d+)"))

    def instrument(self):
        """Its pid: the child that is no worker and has the program's name (a server of our own is not)."""
        with open("/proc/%d/task/%d/children" % ((self.process.pid,) * 2), encoding="ascii") as file:
            children = [int(word) for word in file.read().split()]
        for child in children:
            with open("/proc/%d/net/tcp" % child, encoding="ascii") as file:
                inode = [row.split()[9] for row in file if row.split()[1].endswith(":%04X" % self.port)
                         and row.split()[3] == "0A"]
            links = []
            for fd in os.listdir("/proc/%d/fd" % child):
                try:
                    links.append(os.readlink("/proc/%d/fd/%s" % (child, fd)))
                except FileNotFoundError:
                    pass
            if child != self.worker and "socket:[%s]" % inode[0] in links:
                return child
        raise SystemExit("there is no instrument")

    def end(self):
        super().end()
        shutil.rmtree(self.home)


def pss_kb(pid):
    with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as file:
        return int(re.search(r"^Pss: +(\d+) kB", file.read(), re.M).group(1))


def walk(serving, pages):
    """Asks the instrument for pages of each list; its memory before and after."""
    os.environ.setdefault("RACY", serving.racy)
    import admins  # of the tests: an admin who is logged in
    with open(os.path.join(serving.home, "password"), "w", encoding="ascii") as file:
        file.write(PASSWORD + "\n")
    subprocess.run([serving.racy, "createsuperuser", "--username", "ann", "--password-file", file.name, "--db",
                    serving.url], env=serving.env, check=True, stdout=subprocess.DEVNULL)
    ann = admins.Admin(serving.port)
    ann.log_in("ann")
    lists = ("accounts", "accounts?sort=-id", "accounts?sort=balance", "transactions", "transactions?day=2026-11-05",
             "transactions?account=1", "accounts/1/transactions")
    for path in lists:  # so that all statements are prepared
        ann.get(path)
    before = pss_kb(serving.instrument())
    for path in lists:
        after, n = "", 0
        while after is not None and n < pages:
            page = ann.get("%s%slimit=100%s" % (path, "&" if "?" in path else "?", after))
            after = page["next"] and "&after=" + "".join("%%%02X" % byte for byte in page["next"].encode())
            n += 1
    ann.close()
    return before, pss_kb(serving.instrument())


def measure(options, engine):
    serving = Serving(options.racy, engine)
    try:
        # another database beside the one that racy serve has made its tables in
        url = serving.url if not options.django else re.sub(r"pages\.db|/racy(?=\?|$)", "/django", serving.url)
        accounts, rounds = (10000, 10) if options.quick else (100000, 100)
        done = subprocess.run([options.pages, url, str(accounts), str(rounds), *["--django"] * options.django],
                              check=True, stdout=subprocess.PIPE, text=True)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        before, after = (None, None) if options.django else walk(serving, 20 if options.quick else 300)
        return {"engine": serving.product, "accounts": accounts, "transactions": 10 * accounts, "rounds": rounds,
                "pages": rows, "pss_before_kb": before, "pss_after_kb": after}
    finally:
        serving.end()


def show(result, out):
    print("%(engine)s: %(accounts)d accounts, %(transactions)d transactions, pages of 100 rows, %(rounds)d times each" %
          result, file=out)
    print("  %-38s %-7s %10s %10s" % ("list", "page", "median", "p99"), file=out)
    for row in result["pages"]:
        median, p99 = row["median_ns"] / 1e6, row["p99_ns"] / 1e6
        print("  %-38s %-7s %7.1f ms %7.1f ms  %s" % (row["list"], row["page"], median, p99,
                                                     "met" if p99 <= GOAL_MS else "MISSED"), file=out)
    missed = sum(row["p99_ns"] > GOAL_MS * 1e6 for row in result["pages"])
    print("  goal: each page within %d ms (p99): %s" % (GOAL_MS, "%d missed" % missed if missed else "met"), file=out)
    if result["pss_before_kb"]:
        print("  the instrument's memory (PSS): %.1f MB before, %.1f MB after %s" % (
            result["pss_before_kb"] / 1024, result["pss_after_kb"] / 1024, "pages of every list"), file=out)
    out.flush()


def main():
    options = arguments()
    results = []
    for engine in options.db or ("sqlite", "mariadb", "postgres"):
        results.append(measure(options, engine))
        show(results[-1], sys.stderr if options.json else sys.stdout)
    if options.json:
        json.dump(results, sys.stdout, indent=1)
        print()


if __name__ == "__main__":
    try:
        main()
    except RuntimeError as error:
        sys.exit("script/bench: %s" % error)
