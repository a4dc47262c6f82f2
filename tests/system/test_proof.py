"""What stands on racy explore: random and bounded searches, replay, compare, the table of levels."""
import json
import os
import subprocess
import unittest

import lab

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
FILES = os.path.join(ROOT, "docs", "explore")


class Searches(lab.Home):
    def test_random_orders_repeat_with_their_seed(self):
        args = ("explore", "deposit/atomic_no_delay", "--db", "sqlite:x", "--random", 20)
        first = self.json_of(*args)
        again = self.json_of(*args, "--seed", first["scope"]["seed"])
        self.assertEqual(first["outcomes"], again["outcomes"])
        self.assertEqual((first["complete"], first["scope"]["orders"]), (False, "random"))

    def test_preemptions(self):
        counts = []
        for bound in (0, 1, 2, 100):
            told = self.json_of("explore", "deposit/non_atomic_no_delay", "--db", "sqlite:x", "--preemptions", bound)
            counts.append((told["schedules"], told["violating"], told["complete"]))
        self.assertEqual(counts[0], (2, 0, False))
        self.assertEqual(counts[-1], (20, 18, True))
        self.assertLess(counts[1][0], counts[2][0])
        self.assertGreater(counts[1][1], 0)

    def test_options_that_ask_for_nothing(self):
        for args, words in ((["--random", 3, "--preemptions", 1], "only one of"), (["--seed", 3], "belongs to --random"),
                            (["--reduction", "maybe"], "none of auto, on and off")):
            self.assertIn(words, self.racy("explore", "deposit/update_first", "--db", "sqlite:x", *args, code=2).stderr)


class Compare(lab.Home):
    def test_a_fix(self):
        done = self.racy("compare", "deposit/atomic_no_delay", "deposit/compare_and_set", "--db", "mariadb", "--require", "proven",
                         code=0)
        self.assertIn("deposit/compare_and_set removes all 60 bad orders of deposit/atomic_no_delay, and refuses somebody in 80 of "
                      "92: retry conflict.", done.stdout)
        self.racy("compare", "deposit/compare_and_set", "deposit/atomic_no_delay", "--db", "mariadb", "--require", "proven", code=1)
        told = self.json_of("compare", os.path.join(FILES, "deposit.sql"), os.path.join(FILES, "deposit-locked.sql"), "--db", "postgres",
                            code=0)
        self.assertEqual((told["a"]["violating"], told["b"]["verdict"]), (40, "proven"))
        self.assertIn("refuses nobody", told["sentence"])

    def test_bad_orders(self):
        self.assertIn("two are needed", self.racy("compare", "deposit/atomic_no_delay", code=2).stderr)
        self.assertIn("there is no", self.racy("compare", "deposit/atomic_no_delay", "deposit/x", "--db", "sqlite:x", code=2).stderr)


class Replay(lab.Home):
    def witness(self, *args):
        path = os.path.join(self.home, "witness.json")
        with open(path, "w", encoding="ascii") as file:
            file.write(self.racy("explore", *args, "--json", code=1).stdout)
        return path

    def test_exactly_each_time(self):
        for db in ("mariadb", "postgres", "sqlite:x"):
            path = self.witness("deposit/non_atomic_no_delay", "--db", db)
            told = json.loads(self.racy("replay", path, "--times", 100, "--json", code=1).stdout)
            self.assertEqual(told, {"runs": 100, "breaking": 100, "exact": 100, "alike": True}, db)
        path = self.witness("deposit/atomic_no_delay", "--db", "mariadb", "--isolation", "repeatable-read", "--max-tries", 2)
        self.assertEqual(json.loads(self.racy("replay", path, "--times", 100, "--json", code=1).stdout)["exact"], 100)

    def test_exact_is_every_value(self):
        path = self.witness("deposit/non_atomic_no_delay", "--db", "sqlite:x")
        with open(path, encoding="ascii") as file:
            told = json.load(file)
        told["witness"]["steps"][0]["result"] = "77"
        with open(path, "w", encoding="ascii") as file:
            json.dump(told, file)
        self.assertEqual(json.loads(self.racy("replay", path, "--json", code=1).stdout)["exact"], 0)

    def test_on_a_server_that_lets_less_be_set(self):
        """deadlock_timeout is the superuser's; racy sets it on a server of its own, and asks for it nowhere else."""
        path = self.witness(os.path.join(FILES, "deposit.sql"), "--db", "postgres", "--set", "work_mem=8MB")
        with open(path, encoding="ascii") as file:
            scope = json.load(file)["scope"]
        self.assertEqual(scope["settings_by_racy"], ["deadlock_timeout", "synchronous_commit"])
        url = self.server("postgres")
        folder = url.partition("socket=")[2]
        subprocess.run(["psql", "-q", "-h", folder, "-U", "postgres", "-d", "postgres", "-c", "CREATE ROLE app LOGIN CREATEDB"],
                       check=True, timeout=lab.HUNG)
        told = json.loads(self.racy("replay", path, "--db", url.replace("postgres@", "app@"), "--json", code=1).stdout)
        self.assertEqual(told, {"runs": 1, "breaking": 1, "exact": 1, "alike": True})
        exported = self.racy("replay", path, "--db", url.replace("postgres@", "app@"), "--export", "client", code=1).stdout
        self.assertIn("SET work_mem = '8MB'", exported)
        self.assertNotIn("synchronous_commit", exported)

    def test_what_was_mended_stays_mended(self):
        path = self.witness(os.path.join(FILES, "deposit.sql"), "--db", "postgres")
        with open(path, encoding="ascii") as file:
            told = json.load(file)
        told["subject"] = os.path.join(FILES, "deposit-locked.sql")
        with open(path, "w", encoding="ascii") as file:
            json.dump(told, file)
        done = self.racy("replay", path, code=0)
        self.assertIn("This order does not break; nothing is said of others.", done.stdout)

    def test_bad_files(self):
        path = os.path.join(self.home, "witness.json")
        for text, words in (("", "witness.json"), ("[]", "no witness in it"), ("{\"scope\": {}, \"witness\": null}", "no witness in it"),
                            ("{\"scope\": {\"max_tries\": 0}, \"witness\": {}}", "max_tries"),
                            ("{\"scope\": {\"max_tries\": 1, \"settings\": {\"a\": 5}}, \"witness\": {}}", "scope.settings: a is no text")):
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
            self.assertIn(words, self.racy("replay", path, code=2).stderr, text)
        good = json.loads(self.racy("explore", "deposit/non_atomic_no_delay", "--db", "sqlite:x", "--json", code=1).stdout)
        for order in ("", "A", "A.read C.read", "nonsense", "1.x"):
            good["witness"]["order"] = order
            with open(path, "w", encoding="ascii") as file:
                json.dump(good, file)
            self.assertRegex(self.racy("replay", path, code=2).stderr, "order", order)
        self.assertIn("No such file", self.racy("replay", path + "x", code=2).stderr)


class Isolation(lab.Home):
    # What Hermitage prints for PostgreSQL and for MySQL, and what FACTS and this machine say of the rest.
    G = "G0 G1a G1b G1c OTV".split()
    SKEWS = "PMP PMP-write P4 G-single G-single-predicate G-single-write NRR-own-write".split()
    WRITE_SKEWS = "G2-item G2 G2-two-edges".split()

    def check(self, level, possible):
        self.assertEqual({name for name, cell in level.items() if cell == "possible"}, set(possible))
        self.assertEqual(set(level.values()) - {"possible", "prevented"}, set())
        self.assertEqual(len(level), 16)

    def test_the_table(self):
        told = self.json_of("isolation", code=0)
        self.assertEqual(set(told), {"sqlite", "mariadb", "postgres"})
        self.check(told["sqlite"]["SERIALIZABLE"], [])
        postgres, mariadb = told["postgres"], told["mariadb"]
        for level in ("READ UNCOMMITTED", "READ COMMITTED"):
            self.check(postgres[level], self.SKEWS + self.WRITE_SKEWS)
        self.check(postgres["REPEATABLE READ"], self.WRITE_SKEWS)
        self.check(postgres["SERIALIZABLE"], [])
        self.check(mariadb["READ UNCOMMITTED"], self.G[1:] + self.SKEWS + self.WRITE_SKEWS)
        self.check(mariadb["READ COMMITTED"], [name for name in self.SKEWS if name != "PMP-write"] + self.WRITE_SKEWS)
        self.check(mariadb["REPEATABLE READ"],
                   ["PMP-write", "P4", "G-single-write", "MAV-own-write", "NRR-own-write"] + self.WRITE_SKEWS)
        self.check(mariadb["REPEATABLE READ, innodb_snapshot_isolation=ON"], self.WRITE_SKEWS)
        self.check(mariadb["SERIALIZABLE"], [])

    def test_one_cell_for_people(self):
        done = self.racy("isolation", "--db", "postgres", "--isolation", "repeatable-read", "--anomaly", "G2-item", code=0)
        self.assertRegex(done.stdout, r"G2-item +possible")
        self.assertRegex(done.stdout, r"  REPEATABLE READ: possible, [0-9]+ orders\n    [AB]\.begin ")
        self.assertIn("there is no 'P5'", self.racy("isolation", "--anomaly", "P5", code=2).stderr)


if __name__ == "__main__":
    unittest.main()
