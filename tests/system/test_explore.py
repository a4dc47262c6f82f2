"""racy explore as a person and a script use it: verdicts, counts that repeat, what it leaves behind."""
import glob
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
import unittest
import urllib.parse

import lab

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
FILES = os.path.join(ROOT, "docs", "explore")


class Explore(lab.Home):
    def explore(self, *args, code=None):
        told = self.json_of("explore", *args, code=code)
        self.assertEqual(told["verdict"] == "proven", self.code_of(told) == 0)
        return told

    @staticmethod
    def code_of(told):
        return {"proven": 0, "violated": 1}.get(told["verdict"], 4)

    def counts(self, *args):
        told = self.json_of("explore", *args)
        return told["schedules"], told["unlike_serial"], told["refusing"]


class Literal(Explore):
    """What was measured on real servers before there was racy: 70 orders each."""

    def check(self, name, expected, *args):
        for _ in range(3):
            self.assertEqual(self.counts(os.path.join(FILES, name), "--orders", "literal", *args), (70, *expected), args)

    def test_postgres(self):
        self.check("deposit.sql", (60, 0), "--db", "postgres")
        self.check("deposit.sql", (0, 60), "--db", "postgres", "--isolation", "repeatable-read")
        self.check("deposit.sql", (0, 60), "--db", "postgres", "--isolation", "serializable")
        self.check("deposit-locked.sql", (0, 0), "--db", "postgres")

    def test_mariadb(self):
        repeatable = ("--db", "mariadb", "--isolation", "repeatable-read")
        self.check("deposit.sql", (60, 0), *repeatable)
        self.check("deposit.sql", (0, 36), "--db", "mariadb", "--isolation", "serializable")
        self.check("deposit.sql", (0, 60), *repeatable, "--set", "innodb_snapshot_isolation=on")
        self.check("deposit-locked.sql", (0, 0), *repeatable)


class Verdicts(Explore):
    def verdict(self, what, db, *args):
        told = self.json_of("explore", *what.split(), "--db", db, *args)
        return told["verdict"]

    def test_the_way_that_loses_and_the_way_that_does_not(self):
        for db in ("mariadb", "postgres"):
            told = self.explore("deposit/atomic_no_delay", "--db", db, code=1)
            self.assertEqual((told["verdict"], told["complete"], told["witness"]["preemptions"]), ("violated", True, 1))
            self.assertEqual(told["violating"], told["breaking"])
            self.assertEqual(told["breaking"], told["unlike_serial"])
            for way in ("row_locking_atomic_long_delay", "update_first", "compare_and_set", "optimistic_version", "for_share",
                        "serializable", "ledger", "atomic_update", "advisory_lock", "retry_lost_commit"):
                self.assertEqual(self.verdict("deposit/" + way, db), "proven", (way, db))

    def test_sqlite(self):
        for way, verdict in (("atomic_no_delay", "proven"), ("non_atomic_no_delay", "violated"), ("update_first", "proven"),
                             ("optimistic_version", "proven")):
            self.assertEqual(self.verdict("deposit/" + way, self.sqlite()), verdict, way)
        self.assertEqual(os.listdir(self.home), [])

    def test_what_makes_a_safe_way_race_is_found(self):
        """A race planted in each: the transaction is left out, or somebody does not take the lock."""
        for db in ("mariadb", "postgres"):
            self.assertEqual(self.verdict("deposit/row_locking_atomic_long_delay", db, "--no-transaction"), "violated")
            self.assertEqual(self.verdict("deposit/serializable", db, "--no-transaction"), "violated")
            self.assertEqual(self.verdict("deposit/for_share", db, "--no-transaction"), "violated")
            self.assertEqual(self.verdict("row_locking_atomic_long_delay + non_atomic_no_delay", db), "violated")
            for way in ("row_locking_atomic_long_delay", "update_first", "compare_and_set", "optimistic_version", "for_share",
                        "serializable", "atomic_update", "advisory_lock", "retry_lost_commit"):
                self.assertEqual(self.verdict(way + " + atomic_no_delay", db), "violated", way)
        told = self.explore("atomic_no_delay", "+", "serializable", "--db", "postgres", code=1)
        self.assertEqual((told["scope"]["level"], told["scope"]["own_levels"]), ("READ COMMITTED", {"B": "SERIALIZABLE"}))

    def test_three_sessions_and_tries(self):
        told = self.explore("deposit/update_first", "--db", "postgres", "--sessions", 3, code=0)
        self.assertEqual(len(told["scope"]["sessions"]), 3)
        told = self.explore("deposit/compare_and_set", "--db", self.sqlite(), "--max-tries", 4, "--max-schedules", 500)
        self.assertEqual((told["violating"], told["scope"]["max_tries"]), (0, 4))

    def test_counts_repeat(self):
        for db in ("mariadb", "postgres", self.sqlite()):
            kinds = ("schedules", "violating", "refusing", "blocking", "behaviours", "by_code")
            one, *others = (self.explore("deposit/atomic_no_delay", "--db", db) for _ in range(4))
            for other in others:
                self.assertEqual([one[kind] for kind in kinds], [other[kind] for kind in kinds])

    def test_write_skew(self):
        path = os.path.join(FILES, "write-skew.sql")
        for db, level, verdict in (("postgres", "repeatable-read", "violated"), ("postgres", "serializable", "proven"),
                                   ("mariadb", "repeatable-read", "violated"), ("mariadb", "serializable", "proven")):
            told = self.explore(path, "--db", db, "--isolation", level)
            self.assertEqual(told["verdict"], verdict, (db, level))
            self.assertEqual(told["breaking"] > 0, verdict == "violated")

    def test_a_statement_alone_is_not_called_proven(self):
        path = os.path.join(self.home, "alone.sql")
        with open(path, "w", encoding="ascii") as file:
            file.write("schema { CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER) {table_end} }\n"
                       "setup { INSERT INTO t VALUES (1, 0) }\n"
                       "session A step add { UPDATE t SET n = n + 1 WHERE id = 1 }\nsession B like A\n")
        told = self.explore(path, "--db", "mariadb", code=4)
        self.assertEqual((told["verdict"], told["complete"]), ("inconclusive", True))
        self.assertIn("one statement", told["reason"])

    def test_what_no_order_of_statements_shows_is_stressed(self):
        """One statement that counts and inserts: a snapshot each on both servers, one writer at a time on SQLite."""
        path = os.path.join(self.home, "count.sql")
        with open(path, "w", encoding="ascii") as file:
            file.write("schema { CREATE TABLE t (n INTEGER) }\nsession A step add { INSERT INTO t (n) SELECT COUNT(*) FROM t }\n"
                       "session B like A\nsession C like A\n")
        for db in ("mariadb", "postgres"):
            told = self.explore(path, "--db", db, "--stress", 2000, code=1)
            self.assertEqual((told["verdict"], told["violating"], told["stress"]["rounds"]), ("violated", 0, 2000))
            self.assertGreater(told["stress"]["unlike_serial"], 0)
        told = self.explore(path, "--db", "sqlite:x", "--stress", 200, code=4)
        self.assertEqual((told["verdict"], told["stress"]["rounds"], told["stress"]["unlike_serial"]), ("inconclusive", 200, 0))
        self.assertNotIn("stress", self.explore(path, "--db", "sqlite:x", "--stress", 0, code=4))

    def test_one_order(self):
        order = "A.begin B.begin A.read B.read A.write B.write A.commit B.commit"
        path = os.path.join(FILES, "deposit.sql")
        told = self.explore(path, "--db", "postgres", "--order", order, code=1)
        self.assertEqual((told["schedules"], told["violating"], told["astray"], told["complete"]), (1, 1, 0, False))
        self.assertEqual((told["shown"]["order"], told["scope"]["orders"]), (order, "written"))
        locked = os.path.join(FILES, "deposit-locked.sql")
        told = self.explore(locked, "--db", "postgres", "--order", order, code=4)
        self.assertEqual((told["verdict"], told["violating"], told["witness"], told["astray"]), ("not_found", 0, None, 1))
        self.assertEqual(told["shown"]["order"], "A.begin B.begin A.read B.read A.write A.commit B.write B.commit")
        self.assertEqual(told["shown"]["state"], "(1, 200)")
        written = os.path.join(self.home, "written.sql")
        with open(path, encoding="ascii") as file, open(written, "w", encoding="ascii") as to:
            to.write(file.read() + "order A.begin A.read A.write A.commit B.begin B.read B.write B.commit\norder %s # both\n" % order)
        told = self.explore(written, "--db", "mariadb", "--orders", "written", code=1)
        self.assertEqual((told["schedules"], told["violating"]), (2, 1))
        for args, words in (((path, "--order", "A.x"), "the session A has no step 'x'"),
                            ((path, "--order", "C.read"), "'C.read' is no step"),
                            ((path, "--orders", "written"), "there is no line such as"),
                            ((path, "--order", "A.read", "--random", 3), "only one of")):
            self.assertIn(words, self.racy("explore", *args, "--db", "sqlite:x", code=2).stderr)

    def test_worlds_side_by_side_find_the_same(self):
        for what in ((os.path.join(FILES, "deposit.sql"), "--db", "postgres"), ("deposit/atomic_no_delay", "--db", "mariadb"),
                     ("deposit/non_atomic_no_delay", "--db", "sqlite:x", "--sessions", 3),
                     (os.path.join(FILES, "deposit.sql"), "--db", "postgres", "--orders", "literal"),
                     (os.path.join(FILES, "deposit.sql"), "--db", "mariadb", "--random", 300, "--seed", 7)):
            one, two = (self.explore(*what, "--jobs", jobs, code=1) for jobs in (1, 2))
            one.pop("seconds"), two.pop("seconds")
            self.assertEqual(one, two)
        url = self.mariadb()
        self.assertIn("one at a time", self.racy("explore", "deposit/update_first", "--db", url, "--jobs", 2, code=2).stderr)
        self.assertIn("go one by one", self.racy("explore", "deposit/update_first", "--reduction", "on", "--jobs", 2, code=2).stderr)

    def test_what_the_database_had_no_room_for_is_no_order_of_statements(self):
        path = os.path.join(self.home, "full.sql")
        with open(path, "w", encoding="ascii") as file:
            file.write("schema { CREATE TABLE note (who TEXT, text TEXT) }\n")
            for who in "AB":
                file.write("session %s\nstep put { INSERT INTO note VALUES ('%s', hex(zeroblob(100000))) }\n"
                           "step take { DELETE FROM note WHERE who = '%s' }\n" % (who, who, who))
        for pages, code, verdict in ((150, 0, "proven"), (90, 4, "inconclusive")):  # room for both; for one at a time
            told = self.explore(path, "--db", "sqlite:x", "--set", "max_page_count=%d" % pages, code=code)
            self.assertEqual(told["verdict"], verdict)
        self.assertIn("no room", told["reason"])
        told = self.racy("explore", path, "--db", "sqlite:x", "--set", "max_page_count=40", code=3)
        self.assertIn("the database had no room", told.stderr)

    def test_limits_hold_for_every_kind_of_order(self):
        path = os.path.join(FILES, "deposit.sql")
        for options in ((), ("--orders", "literal"), ("--random", 50)):
            told = self.explore(path, "--db", "sqlite:x", *options, "--max-schedules", 9, code=4)
            self.assertEqual((told["schedules"], told["complete"]), (9, False), options)

    def test_what_the_engine_chose_is_counted(self):
        three = os.path.join(self.home, "three.sql")
        with open(os.path.join(FILES, "deposit-locked.sql"), encoding="ascii") as file, open(three, "w", encoding="ascii") as to:
            to.write(file.read() + "session C like A\n")
        told = self.explore(three, "--db", "postgres", "--random", 200)
        self.assertGreater(told["engine_choices"]["queue"], 0)
        told = self.explore("deposit/atomic_no_delay", "--db", "mariadb", code=1)
        self.assertEqual(told["engine_choices"], {"victim": told["deadlocked"], "queue": 0})

    def test_the_fields(self):
        told = self.explore("deposit/update_first", "--db", "mariadb", "--isolation", "repeatable-read", code=0)
        for name in ("verdict", "complete", "schedules", "violating", "refusing", "by_code", "blocking", "behaviours", "diverged",
                     "scope", "seconds", "witness"):
            self.assertIn(name, told)
        self.assertEqual(told["scope"]["level"], "REPEATABLE READ")
        self.assertEqual(told["scope"]["orders"], "allowed")
        self.assertIsNone(told["witness"])

    def test_for_people(self):
        done = self.racy("explore", "deposit/non_atomic_no_delay", "--db", self.sqlite(), code=1)
        self.assertRegex(done.stdout, r"orders run +20  all that locks allow")
        self.assertIn("A.read_balance B.read_balance", re.sub(r"A\.record |B\.record ", "", done.stdout))
        self.assertIn("VIOLATED: 18 of 20 orders", done.stdout)
        done = self.racy("explore", "deposit/update_first", "--db", self.sqlite(), code=0)
        self.assertIn("24 of 24 run. Not covered:", done.stdout)


class Files(Explore):
    """Somebody's SQL may do anything: what is not understood is not taken for granted."""

    DEPOSIT = ("schema { CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER) {table_end} }\nsetup { INSERT INTO t VALUES (1, 0) }\n"
               "session A\nstep begin { BEGIN }\nstep more { %s }\nstep read { SELECT n FROM t WHERE id = 1 } into n\n"
               "step write { UPDATE t SET n = :n + 1 WHERE id = 1 }\nstep commit { COMMIT }\nsession B like A\n")

    def file(self, text, name="own.sql"):
        path = os.path.join(self.home, name)
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        return path

    def test_a_statement_that_makes_no_sense_is_no_refusal(self):
        for db in ("sqlite:x", "mariadb", "postgres"):
            done = self.racy("explore", self.file(self.DEPOSIT % "SELECT n FROM nowhere"), "--db", db, code=2)
            self.assertIn("session A, step 'more': ", done.stderr)
            self.assertIn("nowhere", done.stderr)

    def test_what_a_session_keeps_is_not_there_in_the_next_order(self):
        path = self.file(self.DEPOSIT % "CREATE TEMPORARY TABLE mine (x INTEGER)")
        told = self.explore(path, "--db", "postgres", "--max-schedules", 30, code=1)
        self.assertEqual((told["verdict"], told["refusing"]), ("violated", 0))
        self.assertIn("is not known what they touch", self.racy("explore", path, "--db", "postgres", "--reduction", "on", code=2).stderr)

    def test_what_is_not_understood_is_not_reduced(self):
        for statement in ("LOCK TABLE t", "SELECT setval('s', 10)", "SAVEPOINT here", "BEGIN", "SET @x = 1"):
            done = self.racy("explore", self.file(self.DEPOSIT % statement), "--db", "postgres", "--reduction", "on", code=2)
            self.assertIn("is not known what they touch", done.stderr, statement)
        for schema in ("CREATE VIEW v AS SELECT 1", "CREATE SEQUENCE s"):
            text = (self.DEPOSIT % "SELECT 1 FROM t").replace("{table_end} }", "{table_end}; " + schema + " }")
            self.assertIn("is not known", self.racy("explore", self.file(text), "--db", "postgres", "--reduction", "on", code=2).stderr)
        self.explore(self.file(self.DEPOSIT % "SELECT COUNT(*) FROM t"), "--db", "postgres", "--reduction", "on", code=1)
        self.assertIn("the level is --isolation", self.racy("explore", self.file(
            self.DEPOSIT % "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"), "--db", "postgres", code=2).stderr)

    def test_tables_however_they_are_made(self):
        for create, db in (("CREATE UNLOGGED TABLE", "postgres"), ("CREATE  TABLE\nIF NOT EXISTS", "sqlite:x"),
                           ("CREATE OR REPLACE TABLE", "mariadb")):
            told = self.explore(self.file((self.DEPOSIT % "SELECT 1 FROM t").replace("CREATE TABLE", create)), "--db", db)
            self.assertTrue(all("state: (1, " in outcome["text"] for outcome in told["outcomes"]), told["outcomes"])
        self.assertIn("its session's alone", self.racy("explore", self.file((self.DEPOSIT % "SELECT 1 FROM t").replace(
            "CREATE TABLE", "CREATE TEMP TABLE")), "--db", "postgres", code=2).stderr)

    def test_null_is_no_text(self):
        told = self.explore(self.file(
            "schema { CREATE TABLE t (id INTEGER PRIMARY KEY, n VARCHAR(9)) {table_end} }\nsetup { INSERT INTO t VALUES (1, 'x') }\n"
            "session A step begin { BEGIN } step write { UPDATE t SET n = NULL WHERE id = 1 } step commit { COMMIT }\n"
            "session B step begin { BEGIN } step write { UPDATE t SET n = 'null' WHERE id = 1 } step commit { COMMIT }\n"),
            "--db", "postgres", code=0)
        self.assertEqual({outcome["text"].splitlines()[-1] for outcome in told["outcomes"]}, {"state: (1, null)", "state: (1, 'null')"})

    def test_a_brace_in_a_text_is_a_brace(self):
        for db in ("sqlite:x", "mariadb", "postgres"):
            told = self.explore(self.file(
                "schema { CREATE TABLE t (id INTEGER PRIMARY KEY, doc VARCHAR(40)) {table_end} }\n"
                "setup { INSERT INTO t VALUES (1, '{\"a\": {}}') }\n"
                "session A step write { UPDATE t SET doc = '{\"{id}\": \"}\"}' WHERE doc = '{\"a\": {}}' }\n"
                "session B step read { SELECT id FROM t WHERE doc LIKE '%{%' {for_update} }\n"), "--db", db)
            self.assertEqual(
                {outcome["text"].splitlines()[-1] for outcome in told["outcomes"]}, {"state: (1, '{\"{id}\": \"}\"}')"})

    def test_a_session_goes_on_wherever_that_is_said(self):
        for words in ("like A goes-on", "goes-on like A"):
            told = self.explore(self.file(
                "schema { CREATE TABLE t (n INTEGER PRIMARY KEY) }\n"
                "session A step twice { INSERT INTO t VALUES (1), (1) } step after { INSERT INTO t VALUES (2) }\nsession B %s\n" % words),
                "--db", "sqlite:x")
            self.assertEqual({outcome["text"].splitlines()[-1] for outcome in told["outcomes"]}, {"state: (2)"}, words)

    def test_texts_of_any_bytes_are_told_and_run_again(self):
        """JSON is UTF-8: what is not, or was cut within a letter, still comes with its verdict, and compares with itself."""
        text = ("schema { CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT) }\nsetup { INSERT INTO t VALUES (1, '\xe9') }\n"
                "session A step read { SELECT '%s' || x FROM t } step write { UPDATE t SET x = '\xe9\xe9' }\nsession B like A\n"
                "invariant \"\xe9\" { SELECT 1 FROM t }\n") % ("a" + "\xe9" * 300)
        for encoding in ("utf-8", "latin-1"):
            path, witness = os.path.join(self.home, "any.sql"), os.path.join(self.home, "any.json")
            with open(path, "w", encoding=encoding) as file:
                file.write(text)
            with open(witness, "w", encoding="utf-8") as file:
                file.write(self.racy("explore", path, "--db", "sqlite:x", "--json", code=1).stdout)
            told = json.load(open(witness, encoding="utf-8"))
            self.assertEqual((told["verdict"], len(told["outcomes"])), ("violated", told["behaviours"]))
            self.assertTrue(all(step.get("result", "").startswith("'a") for step in told["witness"]["steps"] if step["step"] == "read"))
            self.assertEqual(told["witness"]["state"], "(1, '%s')" % ("\xe9\xe9" if encoding == "utf-8" else "??"))
            self.assertEqual(self.json_of("replay", witness, "--db", "sqlite:x", code=1), {"runs": 1, "breaking": 1, "exact": 1, "alike": True})

    def test_a_table_has_no_order(self):
        row = "step add%d { UPDATE t SET n = n + 1 WHERE m = %d }"
        told = self.explore(self.file(
            "schema { CREATE TABLE t (n INTEGER, m INTEGER) }\nsetup { INSERT INTO t VALUES (1, 1), (1, 2), (1, 3) }\n" + "".join(
                "session %s step begin { BEGIN } %s step commit { COMMIT }\n" % (who, row % (i, i)) for i, who in enumerate("ABC", 1))),
            "--db", "postgres", "--random", 40)
        self.assertEqual((told["violating"], told["behaviours"]), (0, 1))

    def test_an_interrupt_is_heard_while_a_session_waits(self):
        path = self.file("session A step lock { SELECT pg_advisory_lock(1) }\nsession B step lock { SELECT pg_advisory_lock(1) }\n")
        url = self.server("postgres")
        process = self.start("explore", path, "--db", url)
        end = time.monotonic() + lab.HUNG
        while not Bounds.ask("postgres", url, "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"):
            self.assertLess(time.monotonic(), end)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=lab.HUNG)
        self.assertIn(process.returncode, (3, 4))
        self.assertEqual(Bounds.ask("postgres", url, "SELECT datname FROM pg_database WHERE datname LIKE 'racy_explore%'"), [])


class Bounds(Explore):
    def test_limits_prove_nothing(self):
        told = self.explore("deposit/update_first", "--db", self.sqlite(), "--max-schedules", 5, code=4)
        self.assertEqual((told["verdict"], told["complete"], told["schedules"]), ("not_found", False, 5))

    def test_ctrl_c_tells_what_was_found(self):
        self.env["TMPDIR"] = self.home
        process = self.start("explore", "deposit/update_first", "--db", "sqlite:x", "--sessions", 4, "--json")
        end = time.monotonic() + lab.HUNG
        while not any(name.startswith("racy-explore-") for name in os.listdir(self.home)):  # it has begun
            self.assertLess(time.monotonic(), end)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=lab.HUNG)
        told = json.loads(out)
        self.assertEqual((told["verdict"], told["complete"], process.returncode), ("not_found", False, 4))
        self.assertEqual(os.listdir(self.home), [])

    ASK = {
        "mariadb": ("SELECT id FROM information_schema.processlist WHERE db LIKE 'racy_explore%' ORDER BY id", "KILL %s", "SHOW DATABASES"),
        "postgres": ("SELECT pid FROM pg_stat_activity WHERE datname LIKE 'racy_explore%' ORDER BY pid",
                     "SELECT pg_terminate_backend(%s)", "SELECT datname FROM pg_database"),
    }

    @staticmethod
    def ask(word, url, sql):
        socket = urllib.parse.unquote(re.search("socket=(.*)", url).group(1))
        command = {"mariadb": ["mariadb", "--no-defaults", "--user=root", "--socket=" + socket, "-N", "-e"],
                   "postgres": ["psql", "-X", "-A", "-t", "-h", socket, "-U", "postgres", "-c"]}[word]
        return subprocess.run([*command, sql], check=True, stdout=subprocess.PIPE, text=True, timeout=lab.HUNG).stdout.split()

    def test_a_connection_that_is_ended_is_no_order_of_statements(self):
        """Whichever it is, a session's or the laboratory's own: no verdict comes of it, and nothing is left."""
        for word, (connections, kill, databases) in self.ASK.items():
            url = self.server(word)
            before = self.ask(word, url, databases)
            for victim in (0, 1, 3):
                process = self.start("explore", "deposit/update_first", "--db", url, "--sessions", 3, "--reduction", "off", "--jobs", 1)
                end = time.monotonic() + lab.HUNG
                while len(self.ask(word, url, connections)) < 5:  # three sessions, who sets up, who observes
                    self.assertLess(time.monotonic(), end)
                self.ask(word, url, kill % self.ask(word, url, connections)[victim])
                out, err = process.communicate(timeout=lab.HUNG)
                # Where the beginning of an order went another way for it, it was run again: then all were run after all.
                self.assertIn(process.returncode, (0, 3, 4), (word, victim, out, err))
                self.assertRegex(out + err, "connection was lost|lost|cannot be asked|2070 of 2070 run", (word, victim))
            self.assertEqual(self.ask(word, url, databases), before)

    def test_a_database_that_was_named_is_left_alone(self):
        path = os.path.join(self.home, "shop.db")
        with sqlite3.connect(path) as db:
            db.execute("CREATE TABLE mine (n INTEGER)")
        before = open(path, "rb").read()
        self.explore("deposit/update_first", "--db", "sqlite:" + path, code=0)
        self.assertEqual(open(path, "rb").read(), before)
        url = self.mariadb()
        rows = "SELECT COUNT(*) FROM racy.demo_account"
        before = self.ask("mariadb", url, rows), self.ask("mariadb", url, "SHOW DATABASES")
        self.explore("deposit/update_first", "--db", url, code=0)
        self.assertEqual((self.ask("mariadb", url, rows), self.ask("mariadb", url, "SHOW DATABASES")), before)

    def test_what_is_wrong_is_told(self):
        for args, words in ((["deposit/no"], "no"), ([], "name a variant"),
                            (["deposit/ledger + deposit/update_first"], "one keeps a balance"),
                            (["deposit/serializable", "--isolation", "read-committed"], "a level of its own"),
                            (["deposit/update_first", "--orders", "literal"], "for files"),
                            (["deposit/for_share", "--db", "sqlite:x"], "SQLite lacks"),
                            (["missing.sql"], "missing.sql"), (["deposit/update_first", "--sessions", "5"], "5")):
            done = self.racy("explore", *args, code=2)
            self.assertIn(words, done.stderr, args)
            self.assertEqual(done.stdout, "")
        for text, words in (("session A\nstep x { }", "2: there is no statement"), ("step x { BEGIN }", "1: a step belongs"),
                            ("session A\nstep x { SELECT 1", "a brace is not closed"),
                            ("session A step x { SELECT 1 }\nsession B like A like A", "not also like 'A'"), ("", "there is no session"),
                            ("session A step x { SELECT :y }", "no step before this one reads into 'y'"),
                            ("session A step x { BEGIN ISOLATION LEVEL SERIALIZABLE }", "stand alone"),
                            ("session A\nstep x { COMMIT AND CHAIN }", "2: BEGIN"), ("session A step x { START SLAVE }", "stand alone"),
                            ("session A step x { SELECT 1 } into y\nshows A.z = 1", "shows A.z = 1: conditions such as"),
                            ("session A step x { SELECT 1 } into y\nshows A.y = 1 and", "conditions such as"),
                            ("schema { nonsense }\nsession A step x { BEGIN }", "schema: ")):
            path = os.path.join(self.home, "bad.sql")
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
            done = self.racy("explore", path, "--db", "sqlite:x", code=2)
            self.assertIn(words, done.stderr, text)


class Encrypted(lab.Home):
    """A PostgreSQL that is reached by TLS, with the certificate beside this file, which is for nothing else."""

    def setUp(self):
        super().setUp()
        binaries = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
        self.folder = tempfile.mkdtemp(prefix="racy-tls-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        data = os.path.join(self.folder, "data")
        # The server refuses to be root's.
        who = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
        if who:
            shutil.chown(self.folder, "nobody", "nogroup")
        options = {"check": True, "timeout": lab.HUNG, "cwd": "/", "stdout": subprocess.DEVNULL, **who}
        subprocess.run([binaries + "/initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync"], **options)
        for name in ("server.key", "server.crt"):
            path = os.path.join(data, name)
            shutil.copy(os.path.join(ROOT, "tests", "system", name.replace("server", "tls")), path)
            os.chmod(path, 0o600)
            if who:
                shutil.chown(path, "nobody", "nogroup")
        # Somebody else may take the port meanwhile.
        start = [binaries + "/pg_ctl", "-D", data, "-w", "-l", os.path.join(self.folder, "log"), "-o"]
        for _ in range(5):
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self.port = free.getsockname()[1]
            server = "-p %d -k %s -c ssl=on -c fsync=off" % (self.port, self.folder)
            if subprocess.run([*start, server, "start"], **{**options, "check": False}).returncode == 0:
                break
        else:
            self.fail(open(os.path.join(self.folder, "log"), encoding="utf-8").read())
        self.addCleanup(subprocess.run, [binaries + "/pg_ctl", "-D", data, "-m", "immediate", "stop"], **options)

    def test_answers_of_many_records_and_statements_that_wait(self):
        path = os.path.join(self.home, "long.sql")
        with open(path, "w", encoding="ascii") as file:
            file.write("""schema { CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, x TEXT) }
setup { INSERT INTO t VALUES (1, 0, repeat('abcdefghij', 20000)) }
session A step begin { BEGIN } step read { SELECT x FROM t WHERE id = 1 }
step write { UPDATE t SET n = n + 1 WHERE id = 1 } step commit { COMMIT }
session B like A
""")
        url = "postgresql://postgres@127.0.0.1:%d/postgres?sslmode=require" % self.port
        asked = subprocess.run(["psql", "-X", "-A", "-t", url, "-c", "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"],
                               check=True, stdout=subprocess.PIPE, text=True, timeout=lab.HUNG)
        self.assertEqual(asked.stdout, "t\n")
        self.env["PGSSLMODE"] = "require"
        told = self.json_of("explore", path, "--db", url.partition("?")[0], "--isolation", "read-committed", code=0)
        self.assertEqual((told["verdict"], told["schedules"], told["blocking"]), ("proven", 50, 20))


if __name__ == "__main__":
    unittest.main()
