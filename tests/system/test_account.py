"""racy account, migrate, list, explain: what scripts rely on."""
import json
import os
import sqlite3
import subprocess
import unittest

from lab import RACY, Home


class Accounts:
    """The same on every engine; `url` is the database."""

    def account(self, *args, code=0):
        return self.racy("account", *args, "--db", self.url, code=code)

    def test_create_show_list(self):
        self.assertEqual(self.account("create").stdout, '{"id":1,"balance":0}\n')
        self.assertEqual(json.loads(self.account("create", "--balance", "250").stdout), {"id": 2, "balance": 250})
        self.assertEqual(json.loads(self.account("create", "--balance=-2147483648").stdout)["balance"], -2147483648)
        self.assertEqual(json.loads(self.account("show", "2").stdout),
                         {"id": 2, "balance": 250, "transactions": 0, "recorded_sum": 0, "difference": -250})
        listed = json.loads(self.account("list", "--json").stdout)
        self.assertEqual([a["id"] for a in listed], [1, 2, 3])
        self.assertIn("balance", self.account("list").stdout)

    def test_reset_and_delete_with_their_transactions(self):
        self.account("create")
        result = self.json_of("run", "deposit/non_atomic_no_delay", "-n", "5", "--workers", "1", "--keep", "--db", self.url)
        self.assertEqual(result["actual_balance"], 500)
        self.assertEqual(json.loads(self.account("show", "2").stdout),
                         {"id": 2, "balance": 500, "transactions": 5, "recorded_sum": 500, "difference": 0})
        self.assertEqual(json.loads(self.account("reset", "2", "--json").stdout),
                         {"id": 2, "balance": 0, "transactions": 0, "recorded_sum": 0, "difference": 0})
        self.json_of("run", "deposit/non_atomic_no_delay", "-n", "2", "--workers", "1", "--keep", "--db", self.url)
        self.assertIn("deleted", self.account("delete", "3").stdout)
        self.assertEqual(len(json.loads(self.account("list", "--json").stdout)), 2)

    def test_an_account_that_is_not_there(self):
        for verb in ("show", "reset", "delete"):
            done = self.account(verb, "77", code=2)
            self.assertIn("no account 77", done.stderr)
            self.assertEqual(done.stdout, "")

    def test_migrations_are_made_once_also_by_many_at_once(self):
        many = [subprocess.Popen([RACY, "migrate", "--db", self.url], env=self.env, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True) for _ in range(6)]
        told = [process.communicate()[0] for process in many]
        self.assertEqual([process.returncode for process in many], [0] * 6, told)
        self.assertIn("up to date", self.racy("migrate", "--db", self.url, code=0).stdout)


class OnSQLite(Accounts, Home):
    def setUp(self):
        super().setUp()
        self.url = self.sqlite()

    def test_the_default_database_is_in_the_state_directory(self):
        self.racy("account", "create", code=0)
        self.assertTrue(os.path.exists(os.path.join(self.home, "racy", "racy.db")))
        self.assertEqual(os.stat(os.path.join(self.home, "racy")).st_mode & 0o777, 0o700)

    def test_reset_however_many(self):
        self.account("create")
        with sqlite3.connect(self.url[len("sqlite:"):]) as db:
            db.execute("""WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
                          INSERT INTO demo_transaction (account_id, amount, timestamp)
                          SELECT 1, 3, '2026-01-01 00:00:00.000000' FROM n""")
        self.assertEqual(json.loads(self.account("show", "1").stdout)["recorded_sum"], 300000)
        self.account("reset", "1")
        self.assertEqual(json.loads(self.account("show", "1").stdout)["transactions"], 0)

    def test_deleting_keeps_the_transactions_without_an_account(self):
        self.account("create")
        with sqlite3.connect(self.url[len("sqlite:"):]) as db:
            db.execute("INSERT INTO demo_transaction (account_id, amount, timestamp) VALUES (1, 3, '2026-01-01')")
        self.account("delete", "1")
        with sqlite3.connect(self.url[len("sqlite:"):]) as db:
            self.assertEqual(db.execute("SELECT account_id, amount FROM demo_transaction").fetchall(), [(None, 3)])

    def test_wrong_usage(self):
        for args, told in ((["account"], "say what to do"), (["account", "frob"], "no 'frob'"),
                           (["account", "show"], "takes one"), (["account", "show", "x"], "not a whole number"),
                           (["account", "list", "3"], "takes no operand"),
                           (["account", "create", "--balance", "2147483648"], "outside"),
                           (["migrate", "--db", "mariadb"], "gone"), (["migrate", "x"], "too much"),
                           (["frob"], "no command 'frob'"), ([], "Usage"), (["list", "--frob"], "--frob"),
                           (["explain"], "name one"), (["explain", "frob"], "there are:")):
            with self.subTest(args=args):
                self.assertIn(told, self.racy(*args, code=2).stderr)


class OnMariaDB(Accounts, Home):
    def setUp(self):
        super().setUp()
        self.url = self.mariadb()


class Words(Home):
    def test_list_and_explain_agree(self):
        scenarios = json.loads(self.racy("list", "--json", code=0).stdout)
        names = [variant["name"] for variant in scenarios[0]["variants"]]
        self.assertEqual(set(names), {"atomic_long_delay", "non_atomic_long_delay", "atomic_no_delay",
                                      "non_atomic_no_delay", "row_locking_atomic_long_delay", "atomic_update",
                                      "update_first", "optimistic_version", "compare_and_set", "serializable",
                                      "for_share", "advisory_lock", "ledger", "retry_lost_commit"})
        code_of_another = {"serializable": "atomic_long_delay", "retry_lost_commit": "update_first"}
        for name in names:
            text = self.racy("explain", "deposit/" + name, code=0).stdout
            self.assertIn(f"static enum op_end {code_of_another.get(name, name)}(struct op *op)", text)
            self.assertIn("INSERT INTO demo_transaction", text)
            self.assertEqual("UPDATE demo_account" in text, name != "ledger")
            self.assertEqual(json.loads(self.racy("explain", name, "--json", code=0).stdout)["variant"], name)
        self.assertIn("FOR UPDATE", self.racy("explain", "row_locking_atomic_long_delay").stdout)
        self.assertIn("whole database", self.racy("explain", "row_locking_atomic_long_delay").stdout)

    def test_every_command_has_help(self):
        usage = self.racy("help", code=0).stdout
        for command in ("demo", "run", "serve", "fire", "list", "explain", "account", "migrate"):
            self.assertIn(f"\n  {command} ", usage)
            self.assertIn(f"Usage: racy {command}", self.racy(command, "--help", code=0).stdout)
            self.assertEqual(self.racy("help", command).stdout, self.racy(command, "--help").stdout)
        self.assertRegex(self.racy("--version", code=0).stdout, r"^racy \d+\.\d+\.\d+\n$")


if __name__ == "__main__":
    unittest.main()
