"""racy explore beside PostgreSQL's isolationtester, in one run, on one throw-away PostgreSQL, on the same orders; and
what it does where there is nobody to be measured beside. run.py RACY [--quick] [--json]; script/bench explore builds
racy and calls it.

Other work on the machine slows down whoever is measured while it goes on. So each round measures both in each scene,
one right after the other and in another order than the round before; a ratio is the median of the rounds' ratios."""
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
sys.path.insert(0, os.path.join(HERE, ".."))
import explorer
import isolationtester
import orders
import processes
import verdict

# kind: of racy's orders, which are the very ones that isolationtester is told; goal: how many times as many a second
Scene = collections.namedtuple("Scene", "what sessions kind goal")
# Nobody beside it. goal: schedules a second, or less than so many seconds of search; either may be None.
Alone = collections.namedtuple("Alone", "engine what file options per_second within_s")
Three = collections.namedtuple("Three", "engine options")

APART = {"A": orders.deposit(1, 100), "B": orders.deposit(2, 200)}
TOGETHER = {"A": orders.deposit(1, 100), "B": orders.deposit(1, 200)}
# The reader never waits. It makes the orders so many that starting up is little beside them, and leaves the share of
# those in which somebody waits as it is without it: none, and 4 in 10.
SCENES = (
    Scene("2 deposits, a row each; a reader", {**APART, "C": orders.READER}, "literal", 3),
    Scene("2 deposits, one row; a reader", {**TOGETHER, "C": orders.READER}, "allowed", 4),
)
TWO_STATEMENTS = """schema { CREATE TABLE account (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL) {table_end} }
setup { INSERT INTO account (id, balance) VALUES (1, 0) }
session A
step read  { SELECT balance FROM account WHERE id = 1 } into balance
step write { UPDATE account SET balance = :balance + 100 WHERE id = 1 }
session B like A
"""
# Does a COMMIT wait for the disk, whoever's it is? By default it does, and that may be most of what an order costs.
DISK = ("on", "off")
THREE = (Three("postgres", ()), Three("mariadb", ("--isolation", "repeatable-read")))


def arguments():
    parser = argparse.ArgumentParser(prog="script/bench explore", description="racy explore beside isolationtester, in "
                                     "one run on one throw-away PostgreSQL, and on each engine alone")
    parser.add_argument("racy", help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="about a minute: less of everything, for a first look")
    parser.add_argument("--json", action="store_true", help="all figures on stdout, the table on stderr")
    return parser.parse_args()


class Plan:
    def __init__(self, quick):
        self.quick = quick
        self.rounds = 1 if quick else 5
        self.on_file_s = "1s" if quick else "5s"  # for what is explored on SQLite, where it is not done before
        self.most = 500 if quick else 0  # of the orders of three sessions, where all are run
        self.patience_s = 5 if quick else 60  # for what isolationtester does about orders that it is not told
        self.step_s = 1  # its time-out, instead of five minutes


class Bench:
    """Everything that has to be ended, in one place, and all that was measured."""

    def __init__(self, options, plan):
        self.racy, self.plan = options.racy, plan
        self.folder = tempfile.mkdtemp(prefix="racy-bench-")
        self.server = None
        self.beside = [(disk, scene, []) for disk in DISK for scene in SCENES]  # and what each round came to
        self.alone = {}  # what is explored alone, and what each round came to
        self.three = {}  # engine: {"all": ..., "reduced": ...}
        self.untold = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        with contextlib.ExitStack() as ends:
            ends.callback(shutil.rmtree, self.folder)
            if self.server is not None:
                ends.callback(self.server.end)

    def open(self):
        self.server = processes.Serving(self.racy, "postgres", "--lab", "off", start_new_session=True)
        self.tester = isolationtester.Tester(self.server.url)

    def note(self, text):
        if sys.stderr.isatty():
            print("\r\033[K" + text, end="", file=sys.stderr, flush=True)

    def file(self, name, text):
        path = os.path.join(self.folder, name + ".sql")
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        return path

    # ---- beside isolationtester ----

    def measure_tester(self, scene, all_orders):
        """With one order it does little but start up and end."""
        _, start_s = self.tester.run(orders.isolationtester_spec(scene.sessions, all_orders[:1]))
        told, wall_s = self.tester.run(orders.isolationtester_spec(scene.sessions, all_orders))
        return {"orders": len(isolationtester.split(told)), "waits": isolationtester.waits(told), "wall_s": wall_s,
                "start_s": start_s, "outcomes": isolationtester.outcomes(told)}

    def measure_racy(self, scene):
        found = explorer.explore(self.racy, self.file("scene", orders.racy_file(scene.sessions)), "--db",
                                 self.server.url, "--orders", scene.kind)
        return {"orders": found["schedules"], "waits": found["blocking"], "wall_s": found["wall_s"],
                "search_s": found["seconds"], "settings": found["scope"]["settings"],
                "outcomes": explorer.outcomes(found)}

    def measure_scene(self, scene, turn, rounds):
        self.note(scene.what)
        all_orders = orders.allowed(scene.sessions)
        both = {"isolationtester": lambda: self.measure_tester(scene, all_orders),
                "racy": lambda: self.measure_racy(scene)}
        measured = {who: both[who]() for who in (both if turn % 2 == 0 else reversed(both))}
        for who, result in measured.items():
            expected = len(all_orders), sum(order.waits > 0 for order in all_orders)
            if (result["orders"], result["waits"]) != expected:
                raise RuntimeError("%s: %s ran %d orders, of which %d waited, and not %d and %d" % (
                    scene.what, who, result["orders"], result["waits"], *expected))
        came_to = [measured[who].pop("outcomes") for who in both]
        if came_to[0] != came_to[1]:
            raise RuntimeError("%s: isolationtester and racy come to different results: %s" % (scene.what, came_to))
        rounds.append({**measured, "outcomes": len(came_to[0])})

    def measure_untold(self):
        """What isolationtester does about orders that nobody has picked for it."""
        self.note("2 deposits, one row, in whatever order")
        told, took_s = self.tester.run_bounded(orders.isolationtester_spec(TOGETHER, ()), self.plan.step_s,
                                               self.plan.patience_s)
        self.untold = {"orders": len(isolationtester.split(told)), "cancelled": isolationtester.cancelled(told),
                       "took_s": took_s, "step_s": self.plan.step_s}

    # ---- alone ----

    def scenes_alone(self):
        with open(os.path.join(HERE, "..", "..", "docs", "explore", "deposit.sql"), encoding="ascii") as file:
            deposit = file.read()
        two, three = self.file("deposit", deposit), self.file("deposit3", deposit + "session C like A\n")
        apart, together = (self.file(name, orders.racy_file(scene.sessions))
                           for name, scene in zip(("apart", "together"), SCENES))
        short = self.file("short", TWO_STATEMENTS)
        short4 = self.file("short4", TWO_STATEMENTS + "session C like A\nsession D like A\n")
        until = ("--time", self.plan.on_file_s)
        random = ("--random", "20000", "--seed", "1", *until)
        most = ("--max-schedules", str(self.plan.most)) if self.plan.most else ()
        self.three_file, self.most = three, most
        return (
            Alone("postgres", "2 deposits, complete", two, (), None, 0.2),
            Alone("postgres", "2 deposits, a row each; a reader; one world", apart,
                  ("--orders", "literal", "--jobs", "1"), None, None),
            Alone("postgres", "2 deposits, one row; a reader; one world", together, ("--jobs", "1"), None, None),
            Alone("mariadb", "2 deposits, complete", two, ("--isolation", "repeatable-read"), 400, None),
            Alone("sqlite", "2 sessions of SELECT, UPDATE, at random", short, random, 10000, None),
            Alone("sqlite", "4 sessions of SELECT, UPDATE", short4, until, None, None),
            Alone("sqlite", "2 deposits, at random", two, random, 4000, None),
            Alone("sqlite", "3 deposits", three, until, None, None),
        )

    def measure_alone(self, scene):
        self.note("%s: %s" % (scene.engine, scene.what))
        database = "sqlite:" + os.path.join(self.folder, "any.db") if scene.engine == "sqlite" else scene.engine
        found = explorer.explore(self.racy, scene.file, "--db", database, *scene.options)
        self.alone.setdefault(scene, []).append(found)

    def measure_three(self, three):
        """All orders of three sessions, and those that reduction leaves."""
        self.note("3 deposits on %s" % three.engine)
        where = ("--db", three.engine, *three.options)
        every = explorer.explore(self.racy, self.three_file, *where, "--reduction", "off", *self.most, seconds=300)
        reduced = explorer.explore(self.racy, self.three_file, *where, "--reduction", "on")
        if every["complete"] and explorer.texts(every) != explorer.texts(reduced):
            raise RuntimeError("%s: reduction does not come to the behaviours of all orders" % three.engine)
        self.three[three.engine] = {"all": every, "reduced": reduced}

    def measure_all(self):
        alone = self.scenes_alone()
        for turn in range(self.plan.rounds):
            for disk, scene, rounds in self.beside:
                self.tester.set_waiting_for_disk(disk)
                self.measure_scene(scene, turn, rounds)
            for scene in alone:
                self.measure_alone(scene)
        self.measure_untold()
        for three in THREE:
            self.measure_three(three)
        self.note("")


def stop(*_):
    raise KeyboardInterrupt


def main():
    options = arguments()
    processes.forget_settings()
    signal.signal(signal.SIGTERM, stop)
    with Bench(options, Plan(options.quick)) as bench:
        bench.open()
        bench.measure_all()
        said = verdict.Verdict(bench)
        print(said.text(), file=sys.stderr if options.json else sys.stdout)
        if options.json:
            print(json.dumps(said.figures(), indent=1))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except (RuntimeError, OSError) as error:
        print("script/bench: %s" % error, file=sys.stderr)
        sys.exit(3)
