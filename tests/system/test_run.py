"""racy run: the race is found where it exists, and absent where the claim is that it cannot be."""
import collections
import json
import os
import random
import re
import signal
import sqlite3
import unittest

from lab import Home, children, comm, descendants

DELAY = ("--delay", "150ms..300ms")  # long beside a statement, so that three workers surely overlap


class Verdicts(Home):
    def race(self, variant, *args, code=None):
        result = self.json_of("run", "deposit/" + variant, *DELAY, *args, code=code)
        self.check_sums(result)
        return result

    def check_sums(self, result):
        """What holds in every result, whatever happened."""
        missing = result["expected_balance"] - result["actual_balance"]
        self.assertEqual(missing, result["missing"])
        answers = result["answered"] + sum(result["refused"].values()) + result["unanswered"]
        self.assertEqual(answers, result["requests"])
        self.assertEqual(result["expected_balance"], result["recorded_sum"] + result["start_balance"])
        if result["verdict"] != "inconclusive" and result["recorded"] and not result["traced"]:
            self.assertEqual(missing, (result["lost_updates"] + result["torn"]) * result["amount"])

    def check_two_thirds_lost(self, result):
        self.assertEqual(result["verdict"], "violated")
        self.assertEqual(result["overlap"]["max_in_flight"], 3)
        self.assertEqual(result["transactions"] + sum(result["refused"].values()), 10)
        # Each round of three counts once: 4 rounds; a worker that is always quick makes it 5.
        self.assertIn(result["actual_balance"], (200, 300, 400, 500))
        self.assertGreaterEqual(result["lost_updates"], result["transactions"] - 5)
        self.assertEqual(result["torn"], 0)

    def check_nothing_lost(self, result):
        self.assertEqual(result["verdict"], "none_seen")
        self.assertEqual((result["missing"], result["lost_updates"], result["torn"]), (0, 0, 0))
        self.assertEqual(result["overwrites"], [])


class MariaDB(Verdicts):
    def race(self, variant, *args, code=None):
        result = super().race(variant, "--db", "mariadb", *args, code=code)
        self.assertEqual(result["db"]["product"], "MariaDB")
        return result

    def test_non_atomic_long_delay_loses_two_thirds(self):
        result = self.race("non_atomic_long_delay", code=1)
        self.check_two_thirds_lost(result)
        self.assertEqual(result["isolation"], "READ COMMITTED")
        self.assertEqual(result["answered"], 10)

    def test_atomic_long_delay_loses_two_thirds(self):
        result = self.race("atomic_long_delay", code=1)
        self.check_two_thirds_lost(result)
        self.assertLessEqual(set(result["refused"]), {"deadlock"})

    def test_atomic_long_delay_loses_at_repeatable_read(self):
        result = self.race("atomic_long_delay", "--isolation", "repeatable read", code=1)
        self.check_two_thirds_lost(result)
        self.assertEqual(result["isolation"], "REPEATABLE READ")

    def test_atomic_long_delay_loses_at_read_uncommitted(self):
        result = self.race("atomic_long_delay", "--isolation", "read-uncommitted")
        self.assertEqual(result["isolation"], "READ UNCOMMITTED")
        self.assertGreater(result["missing"], 0)

    def test_serializable_refuses_by_deadlock(self):
        result = self.race("atomic_long_delay", "--isolation", "serializable", code=0)
        self.check_nothing_lost(result)
        self.assertGreater(result["refused"]["deadlock"], 0)
        self.assertEqual(result["transactions"], result["answered"])

    def test_snapshot_isolation_refuses(self):
        result = self.race("atomic_long_delay", "--isolation", "repeatable-read", "--set",
                           "innodb_snapshot_isolation=on", code=0)
        self.check_nothing_lost(result)
        self.assertIs(result["snapshot_isolation"], True)
        self.assertGreater(result["refused"].get("serialization", 0) + result["refused"].get("deadlock", 0), 0)
        self.assertEqual(result["sets"], {"innodb_snapshot_isolation": "on"})

    def test_the_servers_own_level(self):
        result = self.race("non_atomic_long_delay", "-n", 2, "--isolation", "server")
        self.assertEqual(result["isolation"], "REPEATABLE READ")

    def test_row_locking_loses_none_while_overlapping(self):
        result = self.race("row_locking_atomic_long_delay", code=0)
        self.check_nothing_lost(result)
        self.assertEqual((result["answered"], result["transactions"], result["actual_balance"]), (10, 10, 1000))
        self.assertEqual(result["overlap"]["max_in_flight"], 3)

    def test_row_locking_does_not_protect_against_those_who_do_not_lock(self):
        result = self.race("row_locking_atomic_long_delay", "--mix", "non_atomic_no_delay", code=1)
        self.assertGreater(result["lost_updates"], 0)
        self.assertEqual(result["mix"], "non_atomic_no_delay")

    def test_one_worker_loses_nothing(self):
        for variant in ("non_atomic_long_delay", "atomic_long_delay"):
            result = self.race(variant, "--workers", 1, "-n", 4, code=0)
            self.check_nothing_lost(result)
            self.assertIs(result["serial_by_construction"], True)
            self.assertIs(result["overlap"]["possible"], False)
            self.assertEqual(result["overlap"]["max_in_flight"], 1)

    def test_no_delay_is_not_too_short_to_race(self):
        result = self.race("non_atomic_no_delay", "-n", 200, code=1)
        self.assertEqual(result["answered"], 200)
        self.assertGreater(result["lost_updates"], 0)
        result = self.race("atomic_no_delay", "-n", 200, code=1)
        self.assertGreater(result["lost_updates"], 0)
        self.assertEqual(result["transactions"], result["answered"])

    def test_a_server_of_its_own_is_gone_afterwards(self):
        process = self.start("run", "deposit/non_atomic_long_delay", "--db", "mariadb", *DELAY, "-n", 2)
        process.stdout.readline()  # the plan: the server is up
        server, = [pid for pid in descendants(process.pid) if comm(pid) == "mariadbd"]
        with open(f"/proc/{server}/cmdline") as file:
            folder = re.search(r"--datadir=([^\0]+)", file.read()).group(1)
        self.assertTrue(os.path.exists(folder))
        process.communicate()
        self.assertFalse(os.path.exists(f"/proc/{server}"))
        self.assertFalse(os.path.exists(folder))


class PostgreSQL(Verdicts):
    def race(self, variant, *args, code=None):
        result = super().race(variant, "--db", "postgres", *args, code=code)
        self.assertEqual(result["db"]["product"], "PostgreSQL")
        return result

    def test_it_loses_at_its_default_level(self):
        for variant in ("non_atomic_long_delay", "atomic_long_delay"):
            result = self.race(variant, code=1)
            self.check_two_thirds_lost(result)
            self.assertEqual((result["isolation"], result["refused"]), ("READ COMMITTED", {}))

    def test_it_refuses_at_stricter_levels(self):
        for level in ("repeatable read", "serializable"):
            result = self.race("atomic_long_delay", "--isolation", level, code=0)
            self.check_nothing_lost(result)
            self.assertGreater(result["refused"]["serialization"], 0)

    def test_no_level_helps_where_there_is_no_transaction(self):
        """Now and then a lone UPDATE has waited for another one and is refused: that deposit is torn."""
        result = self.race("non_atomic_long_delay", "--isolation", "serializable", code=1)
        self.assertEqual((result["verdict"], result["transactions"]), ("violated", 10))
        self.assertGreaterEqual(result["lost_updates"] + result["torn"], 5)
        self.assertEqual(result["torn"], sum(result["refused"].values()))

    def test_row_locking_loses_none_while_overlapping(self):
        result = self.race("row_locking_atomic_long_delay", code=0)
        self.check_nothing_lost(result)
        self.assertEqual((result["answered"], result["overlap"]["max_in_flight"]), (10, 3))


class SQLite(Verdicts):
    def test_non_atomic_long_delay_loses_two_thirds(self):
        result = self.race("non_atomic_long_delay", code=1)
        self.check_two_thirds_lost(result)
        self.assertEqual((result["db"]["product"], result["isolation"]), ("SQLite", "SERIALIZABLE"))

    def test_atomic_long_delay_refuses_the_losers(self):
        result = self.race("atomic_long_delay", code=0)
        self.check_nothing_lost(result)
        self.assertGreater(result["refused"]["busy"], 0)
        self.assertEqual(set(result["refused"]), {"busy"})
        self.assertEqual(result["actual_balance"], 100 * result["answered"])

    def test_row_locking_loses_none_and_waits_for_the_whole_database(self):
        result = self.race("row_locking_atomic_long_delay", code=0)
        self.check_nothing_lost(result)
        self.assertEqual(result["answered"], 10)
        self.assertEqual(result["overlap"]["max_in_flight"], 3)

    def test_without_a_time_out_patience_has_no_end(self):
        done = self.racy("run", "deposit/row_locking_atomic_long_delay", "--timeout", 0, "--delay", "50ms", "--json",
                         code=0)
        self.assertEqual(json.loads(done.stdout)["answered"], 10)
        self.assertEqual(done.stderr, "")

    def test_impatience_tears_deposits(self):
        """Without patience for locks an INSERT may succeed and its UPDATE fail."""
        for seed in range(20):
            result = self.race("non_atomic_no_delay", "-n", 1000, "--workers", 8, "--set", "busy_timeout=0", "--seed",
                               seed)
            if result["torn"]:
                break
        self.assertGreater(result["torn"], 0)
        self.assertGreater(result["refused"]["busy"], 0)
        self.assertEqual(result["verdict"], "violated")
        self.assertEqual(len(result["torn_requests"]), result["torn"])


class Recording(Verdicts):
    def test_traced_names_every_culprit(self):
        result = self.race("non_atomic_long_delay", "--traced", "--amount", 1, code=1)
        self.assertEqual(result["recorded_sum"], 1023)
        balance = result["actual_balance"]
        in_it = [i for i in range(1, 11) if balance & 1 << (i - 1)]
        self.assertEqual(sorted(result["lost"]), [i for i in range(1, 11) if i not in in_it])
        self.assertTrue(all(overwrite["sure"] for overwrite in result["overwrites"]))

    def test_without_recording_only_the_sums_speak(self):
        result = self.race("non_atomic_long_delay", "--no-trace", code=1)
        self.assertIs(result["recorded"], False)
        self.assertIsNone(result["torn"])
        self.assertEqual(result["overwrites"], [])
        self.assertEqual(result["overlap"]["seen_by"], "client")
        self.assertGreater(result["missing"], 0)

    def test_the_trace_is_whole(self):
        path = os.path.join(self.home, "events")
        self.race("atomic_long_delay", "--trace", path, "--db", "mariadb")
        seqs = collections.defaultdict(list)
        kinds = collections.Counter()
        with open(path) as file:
            for line in file:
                event = json.loads(line)
                seqs[event["slot"]].append(event["seq"])
                kinds[event["kind"]] += 1
        for seq in seqs.values():
            self.assertEqual(seq, list(range(1, len(seq) + 1)))
        self.assertEqual((kinds["request_begin"], kinds["request_end"], kinds["worker_boot"]), (10, 10, 3))
        self.assertEqual(kinds["call_begin"], kinds["call_end"])

    def test_a_seed_gives_the_same_pauses_again(self):
        def pauses(seed):
            path = os.path.join(self.home, "events")
            result = self.race("non_atomic_long_delay", "--trace", path, "--seed", seed)
            self.assertEqual(result["seed"], seed)
            with open(path) as file:
                events = [json.loads(line) for line in file]
            return {e["request"]: e["value"] for e in events if e["kind"] == "pause_begin"}

        first = pauses(41)
        self.assertEqual(len(set(first.values())), 10)
        self.assertEqual(first, pauses(41))
        self.assertNotEqual(first, pauses(42))

    def test_a_trace_that_cannot_be_written_is_an_error(self):
        done = self.racy("run", "deposit/non_atomic_no_delay", "--trace", "/dev/full", code=3)
        self.assertIn("/dev/full", done.stderr)
        self.racy("run", "deposit/non_atomic_no_delay", "--trace", "/no/such/folder/x", code=3)


class Faults(Verdicts):
    def start_run(self, *args):
        process = self.start("run", *args, "--json", "--delay", "400ms..600ms")
        return process

    @staticmethod
    def workers_of(process):
        """The workers: the children of the arbiter, which is the child that has children of our own program."""
        for child in children(process.pid):
            try:
                found = children(child)
                if found and {comm(pid) for pid in [child, *found]} == {"racy"}:
                    return found
            except OSError:
                pass
        return []

    def kill_one_of(self, variant, db, moment):
        events = os.path.join(self.home, "events")
        open(events, "w").close()
        process = self.start_run("deposit/" + variant, "--db", db, "--trace", events, "--workers", 3)
        # Not by the clock but by what happened: after so many events reached the file, or at the end of them.
        while process.poll() is None and len(self.workers_of(process)) < 3:
            pass
        while process.poll() is None and os.path.getsize(events) < moment:
            pass
        workers = self.workers_of(process)
        if workers:
            try:
                os.kill(random.Random(moment).choice(workers), signal.SIGKILL)
            except ProcessLookupError:
                pass
        out, err = process.communicate()
        result = json.loads(out)
        self.check_sums(result)
        return result, err

    def test_a_worker_killed_at_any_moment(self):
        """One request is unanswered at the most, the others are answered, and the audit is right about it."""
        struck = 0
        for db in (self.sqlite(), "mariadb"):
            for variant in ("non_atomic_long_delay", "atomic_long_delay", "row_locking_atomic_long_delay"):
                for moment in (1, 8192):
                    with self.subTest(db=db, variant=variant, moment=moment):
                        result, err = self.kill_one_of(variant, db, moment)
                        self.assertLessEqual(result["unanswered"], 1)
                        self.assertNotEqual(result["verdict"], "inconclusive", f"{result['reasons']} {err}")
                        if variant == "row_locking_atomic_long_delay":
                            self.assertEqual(result["missing"], 0)
                        if "non_atomic" not in variant:
                            self.assertEqual(result["torn"], 0)
                        struck += result["unanswered"]
        self.assertGreater(struck, 0)

    def test_a_worker_that_waits_too_long_is_killed_and_its_work_undone(self):
        result = self.race("row_locking_atomic_long_delay", "--db", "mariadb", "--delay", "2s", "--timeout", 1, "-n", 3)
        self.assertEqual(result["unanswered"], 3)
        self.assertEqual(result["transactions"], 0)
        self.assertEqual(result["missing"], 0)

    def test_the_time_out_kills_those_who_wait_for_the_lock(self):
        """Eight workers, one row: who has the lock is done in a second, who waits for it is not done at all."""
        for db in ("mariadb", "postgres"):
            with self.subTest(db=db):
                result = self.race("row_locking_atomic_long_delay", "--db", db, "--workers", 8, "--delay", "1s",
                                   "--timeout", 4, "-n", 10)
                answered = 10 - result["unanswered"]
                self.assertTrue(0 < answered < 10, result)
                self.assertEqual(result["unanswered_but_done"], 0)
                self.assertEqual(result["actual_balance"], 100 * answered)
                self.assertEqual(result["transactions"], answered)

    def test_interrupting_cleans_up(self):
        url = self.sqlite()
        self.racy("account", "create", "--db", url, code=0)
        process = self.start("run", "deposit/atomic_long_delay", "--db", url, "--delay", "500ms")
        while not self.workers_of(process):
            self.assertIsNone(process.poll())
        workers = self.workers_of(process)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate()
        self.assertEqual(process.returncode, 130)
        self.assertIn("interrupted", err)
        self.assertEqual(len(self.json_of("account", "list", "--db", url)), 1)
        for pid in workers:
            self.assertFalse(os.path.exists(f"/proc/{pid}"))


class Leftovers(Verdicts):
    def test_a_run_leaves_nothing_behind(self):
        url = self.sqlite()
        self.racy("account", "create", "--db", url, code=0)
        self.race("non_atomic_long_delay", "--db", url)
        accounts = self.json_of("account", "list", "--db", url)
        self.assertEqual([a["transactions"] for a in accounts], [0])
        with sqlite3.connect(url[len("sqlite:"):]) as db:
            self.assertEqual(db.execute("SELECT COUNT(*) FROM demo_transaction").fetchone(), (0,))

    def test_keep_keeps(self):
        url = self.sqlite()
        result = self.race("non_atomic_long_delay", "--db", url, "--keep")
        account, = self.json_of("account", "list", "--db", url)
        self.assertEqual(account["transactions"], 10)
        self.assertEqual(account["balance"], result["actual_balance"])
        self.assertEqual(account["difference"], result["missing"])

    def test_tables_that_django_made_are_taken_as_they_are(self):
        path = os.path.join(self.home, "django.db")
        with sqlite3.connect(path) as db:
            db.executescript("""
                CREATE TABLE django_migrations (id integer NOT NULL PRIMARY KEY AUTOINCREMENT, app varchar(255) NOT NULL,
                    name varchar(255) NOT NULL, applied datetime NOT NULL);
                CREATE TABLE demo_account (id integer NOT NULL PRIMARY KEY AUTOINCREMENT, balance integer NOT NULL);
                CREATE TABLE demo_transaction (id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
                    amount integer NOT NULL, timestamp datetime NOT NULL,
                    account_id integer NULL REFERENCES demo_account (id) DEFERRABLE INITIALLY DEFERRED);
                INSERT INTO demo_account (balance) VALUES (7);""")
            before = db.execute("SELECT name, sql FROM sqlite_master WHERE name LIKE 'demo%'").fetchall()
        self.race("non_atomic_long_delay", "--db", "sqlite:" + path, code=1)
        with sqlite3.connect(path) as db:
            self.assertEqual(db.execute("SELECT name, sql FROM sqlite_master WHERE name LIKE 'demo%'").fetchall(),
                             before)
            self.assertEqual(db.execute("SELECT balance FROM demo_account").fetchall(), [(7,)])


class Usage(Home):
    def test_wrong_usage_is_told_and_is_2(self):
        cases = [
            ([], "name one variant"),
            (["deposit/none"], "there is no 'deposit/none'"),
            (["deposit/atomic_no_delay", "x"], "'x' is too much"),
            (["deposit/atomic_no_delay", "--workers", "0"], "--workers: 0 is outside of 1 to 1000"),
            (["deposit/atomic_no_delay", "-n", "2049"], "--wait"),
            (["deposit/atomic_no_delay", "-n", "ten"], "'ten' is not a whole number"),
            (["deposit/atomic_no_delay", "--delay", "2..1"], "before it begins"),
            (["deposit/atomic_no_delay", "--wait", "-1"], "not a duration"),
            (["deposit/atomic_no_delay", "--mix", "none"], "--mix"),
            (["deposit/atomic_no_delay", "--traced", "-n", "40"], "at most"),
            (["deposit/atomic_no_delay", "--no-trace", "--traced"], "--no-trace"),
            (["deposit/atomic_no_delay", "--isolation", "strict"], "strict"),
            (["deposit/atomic_no_delay", "--isolation", "read-committed"], "SERIALIZABLE"),
            (["deposit/atomic_no_delay", "--set", "nonsense"], "NAME=VALUE"),
            (["deposit/atomic_no_delay", "--set", "no_such_pragma=1"], "no_such_pragma"),
            (["deposit/atomic_no_delay", "--db", "oracle://x"], "oracle"),
        ]
        for args, told in cases:
            with self.subTest(args=args):
                done = self.racy("run", *args, code=2)
                self.assertIn(told, done.stderr)
                self.assertEqual(done.stdout, "")

    def test_no_database_is_3(self):
        self.racy("run", "deposit/atomic_no_delay", "--db", "mysql://x:secret@127.0.0.1:1/x", code=3)
        done = self.racy("run", "deposit/atomic_no_delay", "--db", "mysql://x:secret@127.0.0.1:1/x")
        self.assertNotIn("secret", done.stderr)
        self.racy("run", "deposit/atomic_no_delay", "--db", "sqlite:/no/such/folder/x.db", code=3)
        with open(os.path.join(self.home, "text"), "w") as file:
            file.write("this is not a database, it only looks like one to nobody\n" * 100)
        self.racy("run", "deposit/atomic_no_delay", "--db", self.sqlite("text"), code=3)

    def test_an_empty_variable_names_no_database(self):
        self.env["RACY_DB"] = ""
        self.racy("account", "create", code=0)
        self.assertTrue(os.path.exists(os.path.join(self.home, "racy", "racy.db")))

    def test_the_database_may_come_by_the_environment(self):
        self.env["RACY_DB"] = self.sqlite("by_env.db")
        self.racy("run", "deposit/non_atomic_no_delay", "-n", 1)
        self.assertTrue(os.path.exists(os.path.join(self.home, "by_env.db")))

    def test_a_full_disk_behind_the_output_is_noticed(self):
        import subprocess
        from lab import RACY
        with open("/dev/full", "w") as full:
            done = subprocess.run([RACY, "list"], stdout=full, stderr=subprocess.PIPE, env=self.env)
            lost = subprocess.run([RACY, "run", "deposit/non_atomic_long_delay", "-n", "3", "--delay", "300ms"],
                                  stdout=full, stderr=subprocess.PIPE, env=self.env)
        self.assertEqual(done.returncode, 3)
        self.assertEqual(lost.returncode, 1)
        self.assertIn(b"No space left", lost.stderr)


if __name__ == "__main__":
    unittest.main()
