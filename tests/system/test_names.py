"""What racy calls an anomaly: by the table of its histories, by what has no name, and against a graph that is drawn another way."""
import os
import random
import unittest

import graph
import lab

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
FILES = os.path.join(ROOT, "docs", "explore")
HISTORIES = os.path.join(ROOT, "docs", "isolation")

# What the shown order of each history is, level by level. A history that its level prevents may still have orders unlike any serial
# one, which are something else (G1c at READ COMMITTED is a write skew); what is not here has none.
READ_COMMITTED = {
    "G1b": "G-single", "G1c": "G2-item", "OTV": "G-single", "PMP": "G-single", "P4": "P4", "G-single": "G-single",
    "G-single-predicate": "G-single", "G-single-write": "G-single", "G2-item": "G2-item", "G2": "G2", "G2-two-edges": "G2",
    "MAV-own-write": "G-single", "NRR-own-write": "G-single"}
WRITE_SKEWS = {"G1c": "G2-item", "G2-item": "G2-item", "G2": "G2", "G2-two-edges": "G2"}
NAMES = {
    "mariadb": {
        "read-uncommitted": {**READ_COMMITTED, "G1a": "G1a", "G1b": "G1b", "G1c": "G1c", "PMP-write": None},
        "read-committed": READ_COMMITTED,
        "repeatable-read": {**WRITE_SKEWS, "P4": "P4", "PMP-write": "G-single", "G-single-write": "G-single",
                            "MAV-own-write": "G-single", "NRR-own-write": "G-single"}},
    "postgres": {
        "read-committed": {**READ_COMMITTED, "PMP-write": "G-single"},
        "repeatable-read": WRITE_SKEWS},
}
HISTORY_NAMES = sorted(name[:-len(".sql")] for name in os.listdir(HISTORIES))
THREE = ("OTV", "G2-two-edges")  # sessions: of orders that differ in nothing that meets, one is enough

SCHEMA = """schema { CREATE TABLE item (id INTEGER PRIMARY KEY, value INTEGER NOT NULL) {table_end} }
setup { INSERT INTO item (id, value) VALUES (1, 10), (2, 20) }
"""
INCREMENT = SCHEMA + """
session A
step begin { BEGIN }
step read { SELECT value FROM item WHERE id = 1 } into x
step add { UPDATE item SET value = value + 1 WHERE id = 1 }
step commit { COMMIT }
session B like A
"""


AT_RANDOM = int(os.environ.get("RACY_HISTORIES", "30"))  # a third of those at random; script/soak has more


class Names(lab.Home):
    @classmethod
    def setUpClass(cls):
        """Servers for all tests of the class."""
        keeper = lab.Home()
        keeper.setUp()
        cls.addClassCleanup(keeper.doCleanups)
        cls.servers = {word: keeper.server(word) for word in ("mariadb", "postgres")}

    def witness(self, what, db, *args):
        sets = ("--set", "deadlock_timeout=10ms") if db == "postgres" else ()  # a second otherwise
        return self.json_of("explore", *what.split(" "), "--db", self.servers.get(db, db), *args, *sets)["witness"]

    def file(self, text):
        path = os.path.join(self.home, "history.sql")
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        return path

    def name(self, text, db="mariadb", *args):
        witness = self.witness(self.file(text), db, *args)
        return witness["anomaly"], witness["sentence"]


class Histories(Names):
    def check(self, db):
        for level, names in NAMES[db].items():
            for name in HISTORY_NAMES:
                more = ("--reduction", "on") if name in THREE else ()
                witness = self.witness(os.path.join(HISTORIES, name + ".sql"), db, "--isolation", level, *more)
                self.assertEqual(witness is not None, name in names, (db, level, name))
                if witness is not None:
                    self.assertEqual(witness["anomaly"], names[name], (db, level, name, witness["order"]))
                    self.assertEqual(witness["sentence"] != "", names[name] is not None)

    def test_mariadb(self):
        self.check("mariadb")

    def test_postgres(self):
        self.check("postgres")


class Ways(Names):
    def test_deposits(self):
        for db in ("sqlite:x", "mariadb", "postgres"):
            witness = self.witness("deposit/non_atomic_no_delay", db)
            self.assertEqual((witness["anomaly"], witness["sentence"]),
                             ("P4", "Lost update, without a transaction: A read 0 before B wrote, and then wrote over it."))
            self.assertEqual(self.witness("deposit/atomic_no_delay", db, "--no-transaction")["anomaly"], "P4")
            # Each took its version after the other one, and wrote its balance before it.
            self.assertEqual(self.witness("deposit/optimistic_version", db, "--no-transaction")["anomaly"], "G1c")
        for db in ("mariadb", "postgres"):
            for what in ("deposit/atomic_no_delay", "update_first + atomic_no_delay", "optimistic_version + atomic_no_delay"):
                witness = self.witness(what, db)
                self.assertEqual((witness["anomaly"], witness["sentence"]),
                                 ("P4", "Lost update: B read 0 before A committed, and then wrote over it."), (what, db))
        for args in ((), ("--max-tries", 3)):
            self.assertEqual(self.witness("deposit/atomic_no_delay", "mariadb", "--isolation", "repeatable-read", *args)["anomaly"], "P4")
        self.assertEqual(self.witness("deposit/non_atomic_no_delay", "postgres", "--sessions", 3, "--random", 50, "--seed", 7)["anomaly"],
                         "P4")

    def test_who_is_on_call(self):
        for db in ("mariadb", "postgres"):
            witness = self.witness(os.path.join(FILES, "write-skew.sql"), db, "--isolation", "repeatable-read")
            self.assertEqual((witness["anomaly"], witness["sentence"]),
                             ("G2", "Write skew by searches: A read 2 before B wrote, B read 2 before A committed; each wrote another "
                                    "row."))


class Rules(Names):
    def test_an_increment_loses_nothing(self):
        for db in ("mariadb", "postgres", "sqlite:x"):
            text = INCREMENT if db != "sqlite:x" else INCREMENT.replace("step begin { BEGIN }", "").replace("step commit { COMMIT }", "")
            name, sentence = self.name(text, db)
            self.assertEqual(name, "G-single", sentence)
            self.assertRegex(sentence, r"Read skew with a write.*: [AB] read 10 before [AB] (wrote|committed), and then wrote on top of "
                                       r"it\.")

    def test_sessions_without_a_transaction(self):
        name, sentence = self.name(SCHEMA + """
            session A
            step first { UPDATE item SET value = 11 WHERE id = 1 }
            step second { UPDATE item SET value = 21 WHERE id = 2 }
            session B
            step first { UPDATE item SET value = 12 WHERE id = 1 }
            step second { UPDATE item SET value = 22 WHERE id = 2 }""", "postgres")
        self.assertEqual((name, sentence),
                         ("G0", "Dirty write, without a transaction: B wrote over what A wrote, A wrote over what B wrote."))
        name, sentence = self.name(SCHEMA + """
            session A
            step first { UPDATE item SET value = 11 WHERE id = 1 }
            step second { UPDATE item SET value = 12 WHERE id = 1 }
            session B
            step read { SELECT SUM(value) FROM item } into x""", "postgres")
        self.assertEqual((name, sentence), ("G1b", "Intermediate read: B read 31, which A itself wrote over later."))
        name, sentence = self.name(SCHEMA + """
            session A
            step take { UPDATE item SET value = value - 5 WHERE id = 1 }
            step put { UPDATE item SET value = value + 5 WHERE id = 2 }
            session B
            step read { SELECT SUM(value) FROM item } into x
            step again { SELECT SUM(value) FROM item } into y""", "mariadb")
        self.assertEqual(name, "G-single", sentence)
        self.assertIn("read 25, as neither before A nor after it: it saw a part of what A wrote.", sentence)

    def test_what_was_refused_was_read(self):
        """A is refused in every serial order too; then only when B is faster, which has read its row by then."""
        level = ("mariadb", "--isolation", "read-uncommitted")
        told = ("G1a", "Aborted read: B read 11, which A wrote before it was refused.")
        self.assertEqual(self.name(SCHEMA + """
            session A
            step begin { BEGIN }
            step write { UPDATE item SET value = 11 WHERE id = 1 }
            step insert { INSERT INTO item (id, value) VALUES (2, 1) }
            session B
            step read { SELECT value FROM item WHERE id = 1 } into x
            shows B.x = 11""", *level), told)
        self.assertEqual(self.name(SCHEMA + """
            session A
            step begin { BEGIN }
            step write { UPDATE item SET value = 11 WHERE id = 1 }
            step insert { INSERT INTO item (id, value) VALUES (3, 1) }
            step commit { COMMIT }
            session B
            step begin { BEGIN }
            step read { SELECT value FROM item WHERE id = 1 } into x
            step insert { INSERT INTO item (id, value) VALUES (3, 2) }
            step commit { COMMIT }
            shows B.x = 11""", *level), told)

    def test_the_moments_tell_who_it_was(self):
        """15 is the addition of one of two; which one was there by then."""
        name, sentence = self.name(SCHEMA.replace("(2, 20)", "(2, 20), (3, 30)") + """
            session A
            step add { UPDATE item SET value = value + 5 WHERE id = 1 }
            step write { UPDATE item SET value = 22 WHERE id = 2 }
            session B
            step add { UPDATE item SET value = value + 5 WHERE id = 1 }
            step write { UPDATE item SET value = 33 WHERE id = 3 }
            session C
            step one { SELECT value FROM item WHERE id = 1 } into x
            step two { SELECT value FROM item WHERE id = 2 } into y
            step three { SELECT value FROM item WHERE id = 3 } into z
            shows C.x = 15, C.y = 22, C.z = 33""", "postgres", "--reduction", "on")
        self.assertEqual(name, "G-single", sentence)
        self.assertRegex(sentence, "C read 15 before [AB] (wrote|committed), and (22|33) after it")

    def test_what_was_written_over_comes_before(self):
        """B wrote over both rows of A: who sees 21 has not seen B's 22, though there is an order in which A comes last."""
        name, sentence = self.name(SCHEMA + """
            session A
            step begin { BEGIN }
            step first { UPDATE item SET value = 11 WHERE id = 1 }
            step second { UPDATE item SET value = 21 WHERE id = 2 }
            step commit { COMMIT }
            session B
            step begin { BEGIN }
            step first { UPDATE item SET value = 12 WHERE id = 1 }
            step second { UPDATE item SET value = 22 WHERE id = 2 }
            step commit { COMMIT }
            session C
            step first { SELECT value FROM item WHERE id = 1 } into x
            step second { SELECT value FROM item WHERE id = 2 } into y
            shows C.x = 12, C.y = 21""", "mariadb", "--isolation", "read-uncommitted", "--reduction", "on")
        self.assertEqual(name, "G-single", sentence)

    def test_three_sessions(self):
        name, sentence = self.name(SCHEMA + """
            session A
            step begin { BEGIN }
            step read { SELECT value FROM item WHERE id = 2 } into x
            step write { UPDATE item SET value = 11 WHERE id = 1 }
            step commit { COMMIT }
            session B
            step begin { BEGIN }
            step write { UPDATE item SET value = 25 WHERE id = 2 }
            step commit { COMMIT }
            session C
            step begin { BEGIN }
            step one { SELECT value FROM item WHERE id = 2 } into x
            step two { SELECT value FROM item WHERE id = 1 } into y
            step commit { COMMIT }
            shows A.x = 20, C.x = 25, C.y = 10""", "postgres", "--isolation", "repeatable-read", "--reduction", "on")
        self.assertEqual(name, "G2-item", sentence)
        self.assertRegex(sentence, r"^No order fits: .*; C read 25 with what B wrote; C read 10 before A (wrote|committed)\.$")


class Nameless(Names):
    """Orders that are unlike any serial one, in which what happened cannot be told."""

    def check(self, text, db="mariadb", *args):
        for one in ("mariadb", "postgres") if db is None else (db,):
            self.assertEqual(self.name(text, one, *args), (None, ""))

    def test_rows_that_are_not_named(self):
        """Both may have written the same row, and then it is a lost update, or not, and then it is a write skew."""
        steps = """
            session A
            step begin { BEGIN }
            step read { SELECT SUM(value) FROM item } into x
            step write { UPDATE item SET value = :x + 1 WHERE value < 15 }
            step commit { COMMIT }
            session B
            step begin { BEGIN }
            step read { SELECT SUM(value) FROM item } into x
            step write { UPDATE item SET value = :x + 2 WHERE value > 15 }
            step commit { COMMIT }"""
        self.check(SCHEMA + steps, None)
        self.check(SCHEMA.replace(" PRIMARY KEY", "") + steps.replace("value < 15", "id = 1").replace("value > 15", "id = 1"), None)

    def test_values_that_differ_each_time(self):
        """Nothing can be compared with a serial order where each run reads another number."""
        self.check("""
            schema { CREATE TABLE item (id {new_id}, value INTEGER NOT NULL) {table_end} }
            session A
            step one { INSERT INTO item (value) VALUES (1) }
            step two { INSERT INTO item (value) VALUES (2) }
            session B
            step read { SELECT MAX(id) FROM item } into x
            step again { SELECT MIN(id) FROM item } into y
            shows B.x <> B.y""", "mariadb")

    def test_what_serial_orders_do_too(self):
        """The invariant is wrong: it never holds."""
        self.check(INCREMENT.replace("step read { SELECT value FROM item WHERE id = 1 } into x\n", "")
                   + 'invariant "no" { SELECT 1 FROM item WHERE id = 1 }', "mariadb")

    def test_dirty_predicates(self):
        self.assertIsNone(self.witness(os.path.join(HISTORIES, "PMP-write.sql"), "mariadb", "--isolation", "read-uncommitted")["anomaly"])


class Graphs(Names):
    """Random histories of which the graph is known, since each write is told apart by its value: racy gives no name that the graph does
    not have, and nearly always the strongest."""

    def check(self, db, levels, n):
        told = {"same": 0, "weaker": 0, "none": 0}
        for seed in range(n):
            rng = random.Random(seed)
            level, bare = rng.choice(levels), rng.random() < 0.25
            history = graph.History(rng, rng.choice((2, 2, 3)), bare, level == "read-uncommitted")
            witness = self.witness(self.file(history.sql()), db, "--isolation", level, "--random", 4, "--seed", seed + 1)
            if witness is None:
                continue
            drawn = graph.Graph(history, witness)
            if not drawn.certain:
                continue
            names = drawn.names()
            self.assertIn(witness["anomaly"], [None] + names, (seed, level, witness, history.sessions))
            told["none" if witness["anomaly"] is None else "same" if witness["anomaly"] == names[0] else "weaker"] += 1
        self.assertGreater(told["same"], n / 3, told)
        self.assertLess(told["weaker"] + told["none"], told["same"] / 5, told)

    def test_mariadb(self):
        self.check("mariadb", ("read-uncommitted", "read-committed", "repeatable-read"), 3 * AT_RANDOM)

    def test_postgres(self):
        self.check("postgres", ("read-committed", "repeatable-read"), AT_RANDOM)


if __name__ == "__main__":
    unittest.main()
