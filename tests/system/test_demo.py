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
        self.assertEqual(self.json_of("account", "list", "--db", self.sqlite()), [])

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
