"""racy run on several databases; requests without a transaction, tried again, with faults: as they are told."""
import json
import os
import re
import signal
import sqlite3
import unittest

from lab import Home, comm, descendants

DELAY = ("--delay", "150ms..300ms")  # long beside a statement, so that three workers surely overlap


class Several(Home):
    def all_three(self):
        return ("--db", self.sqlite(), "--db", "mariadb", "--db", "postgres")

    def test_one_table_has_all_three(self):
        done = self.racy("run", "--workers", 3, "deposit/atomic_long_delay", *DELAY, "--seed", 41, *self.all_three(),
                         code=1)
        head, rest = done.stdout.split("\n\n", 1)
        self.assertRegex(head, r"^deposit/atomic_long_delay: 10 deposits of 100 .*; seed 41\.\n"
                               r"  on SQLite \S+ SERIALIZABLE, sqlite:.*\n"
                               r"  on MariaDB \S+ READ COMMITTED .*\n"
                               r"  on PostgreSQL \S+ READ COMMITTED, .*$")
        rows = [re.match(r"  (\w+) \S+  +(SERIALIZABLE|READ COMMITTED) +(\d+)  (\S.*?)  +(\d+) +(\d+) +(\d+)  (.*)$", line)
                for line in rest.splitlines()[1:4]]
        rows = [row.groups() for row in rows]
        self.assertEqual([(row[0], row[7]) for row in rows],
                         [("SQLite", "none seen"), ("MariaDB", "LOST"), ("PostgreSQL", "LOST")])
        for row in rows:
            self.assertEqual(int(row[4]) - int(row[5]), int(row[6]))
            self.assertEqual(int(row[4]), 100 * int(row[2]))
        self.assertRegex(rows[0][3], r"^\d busy$")

    def test_each_is_told_and_how_to_see_all_of_it(self):
        url = self.sqlite("it's.db")
        text = self.racy("run", "deposit/non_atomic_long_delay", "-n", 4, *DELAY, "--db", url, "--db",
                         self.sqlite("b.db"), "--seed", 7, code=1).stdout
        self.assertEqual(len(re.findall(r"^  LOST: 4 deposits were answered 200 OK, 4 are on record, ", text, re.M)), 2)
        self.assertRegex(text, r"\n  request \d read \d+ at .*: the deposits? of requests? .* gone\.\n")
        again = re.search(r"^  Step by step: \S+ (run .*)$", text, re.M).group(1)
        self.assertEqual(again, "run deposit/non_atomic_long_delay -n 4 --delay 150ms..300ms --db "
                                + "'" + url.replace("'", "'\\''") + "' --seed 7")

    def test_as_json(self):
        runs = json.loads(self.racy("run", "deposit/atomic_long_delay", *DELAY, "--json", "--seed", 41, *self.all_three(),
                                    code=1).stdout)["runs"]
        self.assertEqual([run["db"]["product"] for run in runs], ["SQLite", "MariaDB", "PostgreSQL"])
        self.assertEqual([run["database"] for run in runs], [self.sqlite(), "mariadb", "postgres"])
        self.assertEqual([run["verdict"] for run in runs], ["none_seen", "violated", "violated"])
        self.assertEqual({run["seed"] for run in runs}, {41})

    def test_none_seen_on_all_is_0(self):
        self.racy("run", "deposit/update_first", "-n", 4, "--delay", "20ms", *self.all_three(), code=0)

    def test_inconclusive_on_one_is_4_unless_another_is_violated(self):
        """Tables whose balance changes by itself: what is there is not what the requests did."""
        spoilt = os.path.join(self.home, "spoilt.db")
        self.racy("migrate", "--db", "sqlite:" + spoilt, code=0)
        with sqlite3.connect(spoilt) as db:
            db.execute("CREATE TRIGGER spoil AFTER UPDATE ON demo_account WHEN new.balance = 100 "
                       "BEGIN UPDATE demo_account SET balance = 107 WHERE id = new.id; END")
        args = ("run", "deposit/non_atomic_long_delay", "-n", 1, "--json")
        one = json.loads(self.racy(*args, "--db", "sqlite:" + spoilt, code=4).stdout)
        self.assertEqual(one["verdict"], "inconclusive")
        self.racy(*args, "--db", "sqlite:" + spoilt, "--db", self.sqlite(), code=4)
        self.racy(*args, "--db", self.sqlite(), "--db", "sqlite:" + spoilt, code=4)
        args = ("run", "deposit/non_atomic_long_delay", "-n", 3, *DELAY)
        self.racy(*args, "--db", "sqlite:" + spoilt, "--db", self.sqlite(), code=1)
        self.racy(*args, "--db", self.sqlite(), "--db", "sqlite:" + spoilt, code=1)

    def test_one_bad_address_fails_before_anything_is_raced(self):
        cases = [
            (2, ("--db", "oracle://x"), "--db number 2: "),
            (3, ("--db", "mysql://x:secret@127.0.0.1:1/x"), "--db number 2: "),
            (3, ("--db", "sqlite:/no/such/folder/x.db"), "--db number 2: "),
        ]
        for code, bad, told in cases:
            with self.subTest(bad=bad):
                done = self.racy("run", "deposit/non_atomic_long_delay", "--db", self.sqlite("first.db"), *bad,
                                 "--db", self.sqlite("last.db"), code=code)
                self.assertEqual(done.stdout, "")
                self.assertIn(told, done.stderr)
                self.assertNotIn("secret", done.stderr)
                self.assertFalse(os.path.exists(os.path.join(self.home, "last.db")))
        self.racy("run", "deposit/non_atomic_long_delay", "--db", self.sqlite("never.db"), "--db", "oracle://x", code=2)
        self.assertFalse(os.path.exists(os.path.join(self.home, "never.db")))

    def test_a_level_that_one_of_them_lacks(self):
        done = self.racy("run", "deposit/atomic_long_delay", "--isolation", "repeatable-read", *self.all_three(), code=2)
        self.assertEqual(done.stdout, "")
        self.assertRegex(done.stderr, r"--db number 1: SQLite has one isolation level, SERIALIZABLE")

    def test_what_is_not_applicable_is_a_row(self):
        done = self.racy("run", "deposit/advisory_lock", "-n", 3, "--delay", "20ms", "--db", self.sqlite(), "--db",
                         "mariadb", code=0)
        self.assertRegex(done.stdout, r"\n  SQLite \S+ +SERIALIZABLE +not applicable\n")
        self.assertRegex(done.stdout, r"\n  Not applicable: SQLite lacks locks by name\.\n")
        self.assertRegex(done.stdout, r"\n  MariaDB \S+ +READ COMMITTED +3  - .* none seen\n")
        runs = json.loads(self.racy("run", "deposit/advisory_lock", "-n", 3, "--delay", "20ms", "--db", self.sqlite(),
                                    "--db", "mariadb", "--json", code=0).stdout)["runs"]
        self.assertEqual([run["verdict"] for run in runs], ["not_applicable", "none_seen"])
        self.assertEqual(runs[0]["db"]["product"], "SQLite")
        done = self.racy("run", "deposit/advisory_lock", "--db", self.sqlite(), "--db", self.sqlite("b.db"), code=2)
        self.assertIn("not applicable: SQLite lacks locks by name", done.stderr)

    def test_tries_are_compared(self):
        done = self.racy("run", "deposit/optimistic_version", "-n", 6, "--delay", "20ms..40ms", "--max-tries", 50, "--db",
                         self.sqlite(), "--db", "postgres", code=0)
        rows = re.findall(r"^  (SQLite|PostgreSQL) \S+ +(\d+) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+) +[\d.]+ \w+$",
                          done.stdout, re.M)
        self.assertEqual([row[0] for row in rows], ["SQLite", "PostgreSQL"])
        for _, requests, tries, again, given_up, *failed in rows:
            self.assertEqual((requests, given_up), ("6", "0"))
            self.assertGreater(int(again), 0)
            self.assertEqual(int(tries), 6 + sum(map(int, failed)))

    def test_interrupting_ends_all(self):
        process = self.start("run", "deposit/atomic_long_delay", "--db", self.sqlite(), "--db", "mariadb")
        process.stdout.readline()  # the head: all databases are ready, the first is being raced
        self.assertIn("mariadbd", {comm(pid) for pid in descendants(process.pid)})
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate()
        self.assertEqual(process.returncode, 130)
        self.assertIn("interrupted", err)
        self.assertNotIn("LOST", out)
        self.assertNotIn("on MariaDB", out)  # nothing more is begun
        with self.assertRaises(ProcessLookupError):
            os.killpg(process.pid, 0)
        self.assertEqual(self.json_of("account", "list", "--db", self.sqlite()), [])

    def test_other_commands_take_one(self):
        for args in (("serve",), ("migrate",), ("account", "list")):
            done = self.racy(*args, "--db", self.sqlite(), "--db", "mariadb", code=2)
            self.assertIn("only `racy run` and `racy demo` take several", done.stderr)


class Handling(Home):
    def test_the_head_tells_it(self):
        head = self.racy("run", "deposit/serializable", "-n", 3, "--delay", "20ms", "--max-tries", 5, "--fault",
                         "2:refuse/3").stdout.splitlines()[0]
        self.assertIn(", up to 5 tries, fault: 2:refuse/3; SQLite ", head)
        self.assertIn(" SERIALIZABLE (the variant's own level)", head)
        head = self.racy("run", "deposit/atomic_long_delay", "-n", 1, "--no-transaction").stdout.splitlines()[0]
        self.assertIn(", without BEGIN and COMMIT (--no-transaction); ", head)

    def test_without_its_transaction_the_code_loses_where_it_refused(self):
        args = ("run", "deposit/atomic_long_delay", *DELAY, "--db", self.sqlite(), "--json")
        self.assertEqual(json.loads(self.racy(*args, code=0).stdout)["verdict"], "none_seen")
        result = json.loads(self.racy(*args, "--no-transaction", code=1).stdout)
        self.assertIs(result["no_transaction"], True)
        self.assertEqual((result["answered"], result["refused"]), (10, {}))

    def test_trying_again_answers_all(self):
        args = ("run", "deposit/atomic_long_delay", "-n", 6, "--delay", "20ms..40ms", "--db", self.sqlite(), "--json")
        once = json.loads(self.racy(*args, code=0).stdout)
        self.assertGreater(once["refused"]["busy"], 0)
        self.assertEqual((once["max_tries"], once["tries"]["most"]), (1, 1))
        often = json.loads(self.racy(*args, "--max-tries", 100, code=0).stdout)
        self.assertEqual((often["answered"], often["actual_balance"], often["refused"]), (6, 600, {}))
        self.assertEqual(often["tries"]["attempts"], 6 + often["tries"]["failed"]["busy"])
        self.assertGreater(often["tries"]["cost_s"], 0)
        self.assertEqual(often["tries"]["given_up"], 0)

    def test_a_lost_answer_is_resolved_and_blind_tries_double(self):
        args = ("run", "deposit/update_first", "--delay", "20ms", "-n", 6, "--db", "mariadb", "--fault", "commit:lose/3")
        text = self.racy(*args, code=0).stdout
        self.assertIn("\n  2 requests had no answer from the database to their COMMIT: both are on record all the same.\n",
                      text)
        args = ("run", "deposit/retry_lost_commit", *args[2:], "--max-tries", 3)
        text = self.racy(*args, code=1).stdout
        self.assertIn("\n  the deposits of requests 3 and 6 are on record more than once.\n", text)
        self.assertIn("\nDOUBLED: ", text)

    def test_what_cannot_be_is_wrong_usage(self):
        lite = ("--db", self.sqlite())
        cases = [
            (("serializable", "--isolation", "read-committed"), "serializable has a level of its own, SERIALIZABLE"),
            (("atomic_no_delay", "--mix", "serializable", "--isolation", "server"), "serializable has a level of its own"),
            (("advisory_lock", *lite), "not applicable: SQLite lacks locks by name"),
            (("atomic_no_delay", "--mix", "for_share", *lite), "not applicable: SQLite lacks shared locks on rows"),
            (("atomic_no_delay", "--fault", "commit:lose", *lite), "SQLite lacks a connection that can break"),
            (("atomic_no_delay", "--fault", "1:cut/2", *lite), "SQLite lacks a connection that can break"),
            (("atomic_no_delay", "--fault", "commit:refuse", "--no-transaction"), "--no-transaction leaves all of them"),
            (("atomic_no_delay", "--fault", "0:lose"), "--fault"),
            (("atomic_no_delay", "--max-tries", "0"), "--max-tries: 0 is outside of 1 to 100"),
            (("ledger", "--mix", "atomic_no_delay"), "ledger keeps no balance and atomic_no_delay does"),
            (("atomic_no_delay", "--mix", "ledger"), "ledger keeps no balance and atomic_no_delay does"),
            (("atomic_no_delay", *lite, *lite, "--trace", "x"), "--trace takes the events of one database"),
        ]
        for args, told in cases:
            with self.subTest(args=args):
                done = self.racy("run", *args, code=2)
                self.assertIn(told, done.stderr)
                self.assertEqual(done.stdout, "")
        done = self.racy("serve", "--bind", "127.0.0.1:0", *lite, "--fault", "commit:lose", code=2)
        self.assertIn("--fault commit:lose: SQLite lacks a connection that can break", done.stderr)
        self.racy("run", "serializable", "--isolation", "serializable", "-n", 1, "--delay", "1ms", *lite, code=0)


class Shown(Home):
    def test_list_and_explain_tell_levels_and_needs(self):
        text = self.racy("list", code=0).stdout
        self.assertRegex(text, r"\n  deposit/serializable .*SERIALIZABLE\n")
        self.assertRegex(text, r"\n  deposit/advisory_lock .* \(not on SQLite\)\n")
        variants = {v["name"]: v for v in self.json_of("list")[0]["variants"]}
        self.assertEqual(variants["serializable"]["isolation"], "SERIALIZABLE")
        self.assertIsNone(variants["atomic_long_delay"]["isolation"])
        self.assertEqual(variants["advisory_lock"]["not_applicable"], {"SQLite": "SQLite lacks locks by name"})
        self.assertEqual(variants["ledger"]["not_applicable"], {})
        text = self.racy("explain", "serializable", code=0).stdout
        self.assertIn("\nIt runs at a level of its own, whatever the session's is: SERIALIZABLE.\n", text)
        self.assertRegex(text, r"\nWithout BEGIN and COMMIT \(--no-transaction\):\n  SQLite +SERIALIZABLE +loses\n")
        text = self.racy("explain", "advisory_lock", code=0).stdout
        self.assertIn("\nNot applicable everywhere: SQLite lacks locks by name.\n", text)
        bare = self.json_of("explain", "serializable")["expected_without_transaction"]
        self.assertEqual(bare, {engine: {"SERIALIZABLE": "loses"} for engine in ("SQLite", "MariaDB", "PostgreSQL")})


if __name__ == "__main__":
    unittest.main()
