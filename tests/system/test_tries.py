"""What trying again makes of refusals, and of answers that were lost: on each engine."""
import json

import matrix
from lab import Home

PAUSE = ("--delay", "20ms..60ms")


class OnEngines:
    def race(self, url, way, *args, code):
        return self.json_of("run", "deposit/" + way, "--db", url, *PAUSE, *args, code=code)

    def check_all_answered(self, result):
        tries = result["tries"]
        self.assertEqual((result["verdict"], result["missing"], result["refused"]), ("none_seen", 0, {}))
        self.assertEqual((result["answered"], result["transactions"]), (result["requests"], result["requests"]))
        self.assertGreater(result["overlap"]["max_in_flight"], 1)
        self.assertGreater(tries["again"], 0)
        self.assertGreater(tries["cost_s"], 0)
        self.assertEqual(tries["given_up"], 0)
        self.assertEqual(tries["attempts"], result["requests"] + sum(tries["failed"].values()))

    def test_with_enough_tries_refusals_become_answers(self):
        url = self.place()
        for way, options, reasons in self.refusing:
            with self.subTest(way=way, options=options):
                result = self.race(url, way, *options, "--max-tries", 100, code=0)
                self.check_all_answered(result)
                self.assertLessEqual(set(result["tries"]["failed"]), reasons)

    def test_a_fault_that_meets_no_call_has_tried_nothing(self):
        url = self.place()
        for fault, way in (("commit:refuse", "ledger"), ("9:refuse", "update_first"), ("1:refuse/11", "update_first")):
            result = self.race(url, way, "--fault", fault, code=4)
            self.assertEqual(result["verdict"], "inconclusive")
            self.assertRegex(result["reasons"][-1], "the fault met no call")

    def test_too_few_tries_are_given_up(self):
        way, options, reasons = self.refusing[0]
        result = self.race(self.place(), way, *options, "--max-tries", 2, "--workers", 8, "-n", 24, code=0)
        self.assertGreater(result["tries"]["given_up"], 0)
        self.assertEqual(result["tries"]["given_up"], sum(result["refused"].values()))
        self.assertEqual(result["tries"]["most"], 2)
        self.assertEqual(result["transactions"], result["answered"])


class SQLite(OnEngines, Home):
    refusing = [("atomic_long_delay", (), {"busy"}), ("compare_and_set", (), {"busy", "conflict"}),
                ("optimistic_version", (), {"busy", "conflict"})]

    def place(self):
        return self.sqlite()

    def test_half_a_deposit_is_tried_again_as_a_whole_one(self):
        """What is not atomic leaves its half behind when it is tried again: that is told as torn."""
        for seed in range(20):
            result = self.race(self.sqlite(f"{seed}.db"), "non_atomic_no_delay", "-n", 1000, "--workers", 8, "--set",
                               "busy_timeout=0", "--max-tries", 3, "--seed", seed, code=1)
            if result["torn"] and result["doubled"]:
                break
        self.assertGreater(result["torn"], 0)
        self.assertGreater(result["doubled"], 0)
        self.assertEqual(result["verdict"], "violated")


class Servers(OnEngines):
    """What only engines with connections have."""

    def place(self):
        process, url = matrix.serve(self.engine, self.env)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return url

    def test_a_lost_answer_is_not_tried_again(self):
        result = self.race(self.place(), "update_first", "--max-tries", 5, "--fault", "commit:lose/3", code=0)
        self.assertEqual((result["answered"], result["refused"]), (7, {"lost": 3}))
        self.assertEqual(result["transactions"], 10)
        self.assertEqual(result["outcome_unknown"], {"requests": 3, "on_record": 3, "not_on_record": 0})
        self.assertEqual((result["missing"], result["doubled"]), (0, 0))

    def test_a_lost_answer_to_a_lone_write(self):
        result = self.race(self.place(), "ledger", "--fault", "2:lose/3", code=0)
        self.assertEqual((result["answered"], result["refused"]), (7, {"lost": 3}))
        self.assertEqual(result["outcome_unknown"], {"requests": 3, "on_record": 3, "not_on_record": 0})

    def test_unrecorded_runs_know_deposits_made_twice(self):
        result = self.race(self.place(), "retry_lost_commit", "--max-tries", 2, "--fault", "commit:lose/3",
                           "--no-trace", code=1)
        self.assertEqual((result["verdict"], result["transactions"], result["doubled"]), ("violated", 13, 3))

    def test_a_commit_that_never_arrived(self):
        result = self.race(self.place(), "update_first", "--max-tries", 5, "--fault", "commit:cut/3", code=0)
        self.assertEqual((result["answered"], result["refused"]), (7, {"lost": 3}))
        self.assertEqual(result["transactions"], 7)
        self.assertEqual(result["outcome_unknown"], {"requests": 3, "on_record": 0, "not_on_record": 3})

    def test_who_tries_a_lost_answer_again_deposits_twice(self):
        result = self.race(self.place(), "retry_lost_commit", "--max-tries", 5, "--fault", "commit:lose/3", code=1)
        self.assertEqual((result["verdict"], result["answered"], result["transactions"]), ("violated", 10, 13))
        self.assertEqual((result["doubled"], result["doubled_requests"]), (3, [3, 6, 9]))
        self.assertEqual(result["actual_balance"], 1300)
        self.assertEqual(result["missing"], 0)

    def test_what_an_earlier_try_may_have_done_is_not_denied(self):
        """The first COMMIT is carried out and its answer lost; the second try finds no room for as much again."""
        result = self.race(self.place(), "retry_lost_commit", "--amount", 2147483647, "-n", 1, "--max-tries", 3,
                           "--fault", "commit:lose", code=0)
        self.assertEqual((result["refused"], result["transactions"]), ({"lost": 1}, 1))
        self.assertEqual(result["outcome_unknown"], {"requests": 1, "on_record": 1, "not_on_record": 0})

    def test_workers_serve_on_whatever_breaks(self):
        """Each call of every second request breaks in each manner; the other requests do not notice."""
        url = self.place()
        for how in ("refuse", "cut", "lose"):
            for call in range(1, 6):
                with self.subTest(how=how, call=call):
                    result = self.race(url, "atomic_no_delay", "--fault", f"{call}:{how}/2", "--workers", 1, code=0)
                    self.assertEqual(result["answered"], 5)
                    self.assertEqual(sum(result["refused"].values()), 5)
                    self.assertEqual(result["missing"], 0)


class MariaDB(Servers, Home):
    engine = "mariadb"
    refusing = [("atomic_long_delay", ("--isolation", "serializable"), {"deadlock"}),
                ("atomic_long_delay", ("--isolation", "repeatable-read", "--set", "innodb_snapshot_isolation=on"),
                 {"serialization", "deadlock"}),
                ("serializable", (), {"deadlock"}),
                ("optimistic_version", (), {"conflict", "deadlock"}),
                ("compare_and_set", (), {"conflict", "deadlock"})]


class PostgreSQL(Servers, Home):
    engine = "postgres"
    refusing = [("atomic_long_delay", ("--isolation", "repeatable-read"), {"serialization"}),
                ("serializable", (), {"serialization"}),
                ("optimistic_version", (), {"conflict", "serialization"}),
                ("compare_and_set", (), {"conflict", "serialization"})]
