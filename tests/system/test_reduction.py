"""The reduction by partial orders, held against all orders: what they come to must be the same, to the last text."""
import os
import unittest

import lab

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
FILES = os.path.join(ROOT, "docs", "explore")
HISTORIES = os.path.join(ROOT, "docs", "isolation")
WAYS = ("atomic_no_delay", "non_atomic_no_delay", "row_locking_atomic_long_delay", "update_first", "compare_and_set",
        "optimistic_version", "for_share", "advisory_lock", "atomic_update", "ledger", "retry_lost_commit")
LEVELS = ("read-committed", "repeatable-read", "serializable")


class Reduction(lab.Home):
    def outcomes(self, *args):
        told = self.json_of("explore", *args)
        self.assertTrue(told["complete"], (args, told["reason"], told["unsure_why"]))
        return told, {outcome["text"] for outcome in told["outcomes"]}

    def setUp(self):
        super().setUp()
        # One server for all, which would look for a deadlock after a second only.
        self.databases = {"mariadb": ("--db", self.server("mariadb")), "nobody else's": ("--db", "mariadb"),
                          "postgres": ("--db", self.server("postgres"), "--set", "deadlock_timeout=50ms")}

    def same(self, db, *args):
        args = (*args, *self.databases[db])
        whole, all_of_them = self.outcomes(*args, "--reduction", "off")
        reduced, some = self.outcomes(*args, "--reduction", "on")
        self.assertEqual(some, all_of_them, args)
        self.assertEqual(reduced["verdict"], whole["verdict"], args)
        self.assertEqual((reduced["scope"]["reduction"], whole["scope"]["reduction"]), ("on", "off"))
        self.assertLessEqual(reduced["schedules"], whole["schedules"])
        self.assertEqual(reduced["scope"]["spot_checks"], 100)

    def test_every_way_on_mariadb(self):
        for way in WAYS:
            # Who waits for a lock by name could be waiting for the server's own worker: one that nobody else is on.
            db = "nobody else's" if way == "advisory_lock" else "mariadb"
            for level in LEVELS:
                self.same(db, "deposit/" + way, "--isolation", level)
        self.same("mariadb", "deposit/serializable")

    def test_every_way_on_postgres(self):
        for way in WAYS:
            for level in LEVELS:
                self.same("postgres", "deposit/" + way, "--isolation", level)
        self.same("postgres", "deposit/serializable")

    def test_no_transaction_and_mixes(self):
        for db in ("mariadb", "postgres"):
            for way in ("row_locking_atomic_long_delay", "for_share", "optimistic_version"):
                self.same(db, "deposit/" + way, "--no-transaction")
            self.same(db, "row_locking_atomic_long_delay", "+", "non_atomic_no_delay")
            self.same(db, "deposit/atomic_no_delay", "--isolation", "serializable", "--max-tries", 2)

    def test_histories_of_two(self):
        for name in ("G1a", "G2", "PMP", "PMP-write", "MAV-own-write"):
            for db, level in (("mariadb", "repeatable-read"), ("mariadb", "read-uncommitted"), ("postgres", "repeatable-read")):
                self.same(db, os.path.join(HISTORIES, name + ".sql"), "--isolation", level)

    def test_three_sessions_of_four_steps(self):
        """13,830 orders, 16 behaviours: measured before there was a reduction."""
        path = os.path.join(self.home, "three.sql")
        with open(os.path.join(FILES, "deposit.sql"), encoding="ascii") as file, open(path, "w", encoding="ascii") as to:
            to.write(file.read() + "session C like A\n")
        for db in ("mariadb", "postgres"):
            told = self.json_of("explore", path, *self.databases[db], "--reduction", "on", code=1)
            self.assertEqual((told["schedules"], told["behaviours"], told["complete"]), (96, 16, True), db)

    def test_not_where_sessions_wait_in_their_client(self):
        done = self.racy("explore", "deposit/update_first", "--db", "sqlite:x", "--reduction", "on", code=2)
        self.assertIn("are not reduced", done.stderr)


if __name__ == "__main__":
    unittest.main()
