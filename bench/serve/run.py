"""Deposits served side by side, in one run, on one throw-away MariaDB: racy, Django under Gunicorn, and the database's
own ceiling. run.py RACY CEILING [--quick] [--json]; script/bench serve builds both and calls it.

Other work on the machine slows down whoever is measured while it goes on. So each round measures everybody in each
scene, one right after the other and in another order than the round before; what is said is the median of the rounds,
and a ratio is the median of the rounds' ratios."""
import argparse
import collections
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "..", "tests", "system")]

Scene = collections.namedtuple("Scene", "way rows path connections")
WAYS = ("non_atomic_no_delay", "atomic_no_delay")
ACCOUNTS = {"one row": 1, "separate rows": 1000}


def arguments():
    parser = argparse.ArgumentParser(prog="script/bench serve", description="racy beside Django under Gunicorn, and "
                                     "the database's own ceiling, in one run on one throw-away MariaDB")
    parser.add_argument("racy", help=argparse.SUPPRESS)
    parser.add_argument("ceiling", help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="about a minute: less of everything, for a first look")
    parser.add_argument("--json", action="store_true", help="all figures on stdout, the table on stderr")
    return parser.parse_args()


class Plan:
    def __init__(self, quick):
        self.rounds, self.seconds, self.starts = (1, 1, 3) if quick else (3, 2, 9)
        connections = (10,) if quick else (10, 50)
        self.scenes = [Scene(way, "one row", path, n)
                       for way in WAYS for n in connections for path in ("direct", "nginx")]
        self.scenes += [Scene(way, "separate rows", "direct", n) for way in WAYS for n in connections]


class Bench:
    """Everything that has to be ended, in one place."""

    def __init__(self, options):
        self.options = options
        self.folder = tempfile.mkdtemp(prefix="racy-bench-")
        self.log = os.path.join(self.folder, "servers.log")
        self.parts = []  # what is to be ended, the last one first
        self.runs = collections.defaultdict(list)  # (who, scene): a round's figures each
        self.starts = collections.defaultdict(list)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        with contextlib.ExitStack() as ends:  # all of them, whatever becomes of one
            ends.callback(shutil.rmtree, self.folder)
            for part in self.parts:
                ends.callback(part.end)

    def keep(self, part):
        self.parts.append(part)
        return part

    def open(self):
        self.database = self.keep(servers.Database(self.options.racy))
        self.place = self.keep(servers.Place())
        self.racy = servers.Racy(self.options.racy, self.database.url)
        self.djangos = [servers.Django(self.database, persistent) for persistent in (False, True)]

    def note(self, text):
        if sys.stderr.isatty():
            print("\r\033[K" + text, end="", file=sys.stderr, flush=True)

    # ---- one measurement each ----

    def measure_server(self, subject, scene, seconds):
        accounts = self.database.new_accounts(ACCOUNTS[scene.rows])
        server = self.keep(subject.start(self.place, self.log))
        warm = measure.warm_up(self.place.port, scene.way, accounts[0])
        server.all_are_there()
        pids = measure.family(server.pid)
        before, database_before = measure.cpu(pids), measure.cpu([self.database.pid])
        port = self.place.port if scene.path == "direct" else self.place.front.port
        counts = measure.load(port, scene.way, accounts, scene.connections, seconds)
        counts["cpu_s"] = measure.cpu(pids) - before
        counts["database_cpu_s"] = measure.cpu([self.database.pid]) - database_before
        counts["memory_kb"] = measure.memory_kb(pids)
        if measure.family(server.pid) != pids:
            raise RuntimeError("a worker of %s was replaced while it was measured" % subject.name)
        self.parts.remove(server)
        server.end()
        counts["recorded"], counts["balance"] = self.database.sums(accounts)
        # What was under way when the load ended is on record and has no answer; the other way round is a lie.
        counts["answered_not_recorded"] = max(0, counts["answered"] + warm - counts["recorded"])
        return counts

    def measure_ceiling(self, scene, seconds, burn_us=0):
        accounts = self.database.new_accounts(ACCOUNTS[scene.rows])
        before = measure.cpu([self.database.pid])
        counts = measure.ceiling(self.options.ceiling, self.database, scene.way, accounts, servers.WORKERS, seconds,
                                 burn_us)
        counts["database_cpu_s"] = measure.cpu([self.database.pid]) - before
        counts["recorded"], counts["balance"] = self.database.sums(accounts)
        return counts

    def measure_burdened_ceiling(self, scene, seconds):
        """The statements, and the CPU that racy and its load took beside them a moment ago: what is left for the
        database where all share the same processors."""
        served, bare = self.runs["racy", scene][-1], self.runs["ceiling", scene][-1]
        beside_s = (served["cpu_s"] + served["load_cpu_s"]) / served["replies"] - bare["cpu_s"] / bare["replies"]
        counts = self.measure_ceiling(scene, seconds, round(max(0, beside_s) * 1e6))
        counts["burn_us"] = round(beside_s * 1e6)
        return counts

    # ---- all of them ----

    def measure_scene(self, scene, turn, plan):
        everybody = [self.racy, *self.djangos]
        # The ceiling is right beside racy, on either side in turn.
        order = everybody[turn % 3:] + everybody[:turn % 3]
        for subject in order:
            self.note(", ".join(map(str, (subject.name, *scene))))
            group = [(subject.name, lambda: self.measure_server(subject, scene, plan.seconds))]
            if subject is self.racy and scene.path == "direct":
                group.append(("ceiling", lambda: self.measure_ceiling(scene, plan.seconds)))
            for who, measure_it in group if turn % 2 == 0 else reversed(group):
                self.runs[who, scene].append(measure_it())
            if len(group) > 1:
                self.runs["burdened", scene].append(self.measure_burdened_ceiling(scene, plan.seconds))

    def measure_starts(self, plan):
        account = self.database.new_accounts(1)[0]
        on_file = servers.Racy(self.options.racy, "sqlite:" + os.path.join(self.folder, "start.db"))
        processes.run([self.options.racy, "account", "create", "--db", on_file.url], 1)
        for i in range(plan.starts):
            self.note("start-up %d of %d" % (i + 1, plan.starts))
            new = servers.Racy(self.options.racy, "sqlite:" + os.path.join(self.folder, "new%d.db" % i))
            for name, subject, number, status in (
                    ("racy, SQLite", on_file, 1, 200), ("racy, SQLite, a new file", new, 1, 404),
                    ("racy, MariaDB", self.racy, account, 200), (self.djangos[1].name, self.djangos[1], account, 200)):
                self.starts[name].append(servers.start_to_answer_ms(self.place, subject, number, self.log, status))

    def measure_all(self, plan):
        self.measure_starts(plan)
        for turn in range(plan.rounds):
            for scene in plan.scenes:
                self.measure_scene(scene, turn, plan)
        self.note("")


def stop(*_):
    raise KeyboardInterrupt


def main():
    options = arguments()
    plan = Plan(options.quick)
    signal.signal(signal.SIGTERM, stop)
    with Bench(options) as bench:
        bench.open()
        bench.measure_all(plan)
        said = verdict.Verdict(plan, bench)
        print(said.text(), file=sys.stderr if options.json else sys.stdout)
        if options.json:
            print(json.dumps(said.figures(), indent=1))
        return 1 if list(said.broken()) else 0


if __name__ == "__main__":
    import processes
    processes.forget_settings()
    os.environ["RACY"] = sys.argv[1] if len(sys.argv) > 1 else ""
    import measure
    import servers
    import verdict
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except (RuntimeError, AssertionError, OSError) as error:
        print("script/bench: %s" % error, file=sys.stderr)
        sys.exit(3)
