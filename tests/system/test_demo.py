"""racy demo: the first screen that a newcomer sees, true for the run that printed it."""
import json
import os
import re
import signal
import unittest

from lab import Home

ORDER = ["non_atomic_no_delay", "atomic_no_delay", "non_atomic_long_delay", "atomic_long_delay",
         "row_locking_atomic_long_delay"]


class Demo(Home):
    def test_on_mariadb(self):
        done = self.racy("demo", "--seed", 41, code=0)
        text = done.stdout
        self.assertRegex(text, r"^MariaDB 10\.\d+\.\d+, a throw-away server of our own, ready in [\d.]+ m?s\. "
                               r"READ COMMITTED, as Django sets it\. 3 synchronous workers\.\n")
        rows = {}
        for line in text.splitlines():
            found = re.match(r"\s*(\w+_delay)\s+(\d+)\s+(.*?)\s+(\d+)\s+(\d+)\s+(\d+)\s+(LOST|none seen|inconclusive)", line)
            if found:
                rows[found.group(1)] = found.groups()[1:]
        self.assertEqual(list(rows), ORDER)
        for name, (answered, _, recorded, balance, missing, verdict) in rows.items():
            self.assertEqual(int(recorded) - int(balance), int(missing))
            self.assertEqual(int(recorded), 100 * int(answered))
            self.assertEqual(verdict == "LOST", int(missing) > 0)
        self.assertEqual(rows["atomic_long_delay"][5], "LOST")
        self.assertEqual(rows["non_atomic_long_delay"][5], "LOST")
        self.assertEqual(rows["row_locking_atomic_long_delay"][3:], ("1000", "0", "none seen"))
        gone = re.search(r"\natomic_long_delay: (\w+) customers were told 200 OK, \w+ deposits are on record, (\d+) is gone\.",
                         text)
        self.assertEqual(gone.group(2), rows["atomic_long_delay"][4])
        self.assertIn("The transaction did not help: nobody locked the row.", text)
        self.assertRegex(text, r"erases request \d")
        self.assertIn("seed 41.", text)
        self.assertRegex(text, r"\nLuck\? Every order of the statements of two such requests, on this server \([\d.]+ m?s\):\n"
                         r"  atomic_no_delay +60 of 112 orders lose money\. The shortest:\n"
                         r"      A  read 0 .*\n      B  .*read 0 .*\n      in the end: balance 200, recorded 100 200\n"
                         r"  row_locking_atomic_long_delay  0 of 36\. Shown for 2 requests, statement by statement;\n")
        self.assertNotIn("safe", text)

    def test_as_json(self):
        runs = json.loads(self.racy("demo", "--json", code=0).stdout)["runs"]
        self.assertEqual([run["variant"] for run in runs], ORDER)
        self.assertEqual({run["db"]["product"] for run in runs}, {"MariaDB"})

    def test_on_sqlite_it_says_what_mariadb_shows_differently(self):
        text = self.racy("demo", "--db", self.sqlite(), code=0).stdout
        self.assertRegex(text, r"^SQLite 3\.")
        self.assertIn("demo --db mariadb", text)
        self.assertRegex(text, r"atomic_long_delay\s+\d+\s+\d+ busy\s+\d+\s+\d+\s+0\s+none seen")
        self.assertRegex(text, r"requests, on SQLite \([\d.]+ m?s\):\n  atomic_no_delay +0 of \d+; in \d+ somebody is refused\. Shown")
        self.assertEqual(self.json_of("account", "list", "--db", self.sqlite()), [])

    def test_on_several_a_column_each_and_what_differs(self):
        text = self.racy("demo", "--seed", 41, "--db", self.sqlite(), "--db", "mariadb", "--db", "postgres", code=0).stdout
        self.assertRegex(text, r"^SQLite \S+, sqlite:.*\nMariaDB \S+, .*\nPostgreSQL \S+, .*\n3 synchronous workers\.\n")
        self.assertRegex(text, r"\n  variant  +SQLite \S+  +MariaDB \S+  +PostgreSQL \S+\n"
                               r"  +SERIALIZABLE  +READ COMMITTED  +READ COMMITTED\n")
        rows = [re.split(r"   +", line.strip()) for line in text.splitlines() if re.match(r"  \w+_delay  ", line)]
        self.assertEqual([row[0] for row in rows], ORDER)
        self.assertRegex(rows[3][1], r"^none seen, \d refused$")
        self.assertRegex(rows[3][2] + rows[3][3], r"^LOST \d00(, \d refused)?LOST \d00(, \d refused)?$")
        self.assertEqual(rows[4][1:], ["none seen"] * 3)
        self.assertRegex(text, r"\natomic_long_delay on MariaDB \S+: \w+ customers were told 200 OK")
        lost = [re.search(r"LOST (\d+)", cell).group(1) for cell in rows[3][2:]]
        refused = re.search(r"(\d) refused", rows[3][1]).group(1)
        self.assertRegex(text, rf"\natomic_long_delay: MariaDB \S+ lost {lost[0]} and PostgreSQL \S+ lost {lost[1]}; "
                               rf"SQLite \S+ refused {refused} of 10 and lost nothing\.\n")
        self.assertIn("The servers stop now", text)
        for line in text.splitlines():
            if line.startswith("  variant") or "_delay  " in line:
                self.assertLessEqual(len(line), 110)

    def test_on_several_as_json(self):
        runs = self.json_of("demo", "--db", self.sqlite("a.db"), "--db", self.sqlite("b.db"), code=0)["runs"]
        self.assertEqual([run["variant"] for run in runs], ORDER + ORDER)
        self.assertEqual([run["database"] for run in runs], [self.sqlite("a.db")] * 5 + [self.sqlite("b.db")] * 5)

    def test_one_bad_address_fails_before_anything(self):
        done = self.racy("demo", "--db", self.sqlite(), "--db", "oracle://x", code=2)
        self.assertIn("--db number 2", done.stderr)
        self.assertEqual(done.stdout, "")

    def test_snapshot_isolation_turns_the_lesson_round(self):
        text = self.racy("demo", "--db", "mariadb", "--isolation", "repeatable-read", "--set",
                         "innodb_snapshot_isolation=on", code=0).stdout
        self.assertRegex(text, r"\n  atomic_long_delay +\d  \d serialization.* 0  none seen\n")
        self.assertRegex(text, r"\nThis was MariaDB at REPEATABLE READ with innodb_snapshot_isolation ON\.\n"
                               r"atomic_long_delay lost nothing there, and refused \w+ of ten")
        self.assertRegex(text, r"\nnon_atomic_long_delay: ten customers were told 200 OK")
        self.assertNotIn("The transaction did not help", text)
        self.assertNotIn("refuses instead of losing", text)
        self.assertIn("what does trying again make of it?", text)

    def test_what_it_suggests_works(self):
        text = self.racy("demo", "--db", self.sqlite(), code=0).stdout
        tried = 0
        for line in text.splitlines():
            found = re.match(r"    \S+ (run \S.*|explain \S+)$", line)
            if found and "mariadb" not in found.group(1):
                self.assertIn(self.racy(*found.group(1).split()).returncode, (0, 1), line)
                tried += 1
        self.assertGreaterEqual(tried, 4)

    def test_interrupted_it_leaves_nothing(self):
        process = self.start("demo")
        process.stdout.readline()  # the server is up
        os.killpg(process.pid, signal.SIGINT)
        process.communicate()
        self.assertEqual(process.returncode, 130)
        with self.assertRaises(ProcessLookupError):
            os.killpg(process.pid, 0)


if __name__ == "__main__":
    unittest.main()
