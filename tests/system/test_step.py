"""racy step as a person and a script use it: a line in, what came of it out, on each engine."""
import json
import os
import pty
import re
import select
import signal
import subprocess
import time
import unittest

import lab

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
FILES = os.path.join(ROOT, "docs", "explore")


class Game:
    """One that a program plays: a line in, an object out."""

    def __init__(self, test, *args):
        self.process = subprocess.Popen([lab.RACY, "step", *map(str, args), "--json"], env=test.env, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        test.addCleanup(lab.Home.end, self.process)
        self.test = test
        self.first = self.last = self.read()

    def read(self):
        line = self.process.stdout.readline()
        if line == "":
            self.test.fail("it ended, %s: %s" % (self.process.wait(), self.process.stderr.read()))
        self.last = json.loads(line)
        return self.last

    def do(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.read()

    def end(self):
        out, _ = self.process.communicate(timeout=lab.HUNG)
        self.test.assertEqual(out, "")
        return self.process.returncode

    def session(self, letter):
        return next(session for session in self.last["sessions"] if session["session"] == letter)


class Step(lab.Home):
    def setUp(self):
        super().setUp()
        self.env["TMPDIR"] = self.home  # of SQLite's file: nothing is to stay there

    def game(self, *args):
        return Game(self, *args)

    def typed(self, text, *args, code):
        data = text if isinstance(text, bytes) else text.encode()
        done = subprocess.run([lab.RACY, "step", *map(str, args)], env=self.env, input=data, capture_output=True, timeout=lab.HUNG)
        out, err = done.stdout.decode(), done.stderr.decode()
        self.assertEqual(done.returncode, code, out + err)
        return out, err

    def write(self, name, text):
        path = os.path.join(self.home, name)
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        return path


class Engine:
    """The same on each."""

    def test_a_lost_update_by_hand(self):
        out, _ = self.typed(self.lost.replace(" ", "\n") + "\n", *self.losing, code=1)
        self.assertIn("BREAKS: an invariant does not hold in the end, and no serial order comes to this.", out)
        self.assertIn("in the end: balance 200, recorded 100 200\n", out)
        self.assertRegex(out, "P4: Lost update(, without a transaction)?: ")
        self.assertIn(" explore " + self.losing[0] + " --db " + self.db, out)

    def test_back_and_another_way(self):
        game = self.game(*self.losing)
        self.assertEqual(game.do(self.lost)["verdict"], "breaks")
        until = self.lost.split().index("B.read_balance")
        told = game.do("back %d" % (len(self.lost.split()) - until))
        self.assertEqual((told["rerun"], told["taken"], told["error"], told["verdict"]), ("alike", until, None, None))
        self.assertEqual(told["order"], " ".join(self.lost.split()[:until]))
        told = game.do("finish")
        self.assertEqual((told["verdict"], told["rows"]), ("holds", "balance 300, recorded 100 200"))
        self.assertEqual(game.end(), 0)

    def test_a_lock_is_waited_for(self):
        game = self.game("row_locking_atomic_long_delay", "--db", self.db)
        told = game.do("AA")
        self.assertEqual(game.session("A")["next"], "record")
        told = game.do("B" if self.db.startswith("sqlite") else "BB")
        self.assertEqual((told["choices"], told["waiting"], told["steps"][-1]["ended"]), (["A"], ["B"], False))
        self.assertEqual((game.session("B")["waits_for"], game.session("B")["can"]), (["A"], False))
        self.assertEqual(game.session("A")["uncommitted"], [])
        refused = game.do("B")
        self.assertIn("B waits for a lock", refused["error"])
        self.assertEqual(refused["steps"], told["steps"])
        told = game.do("AA")
        self.assertEqual((told["rows"], game.session("A")["uncommitted"]), ("balance 0, recorded", ["record", "write balance"]))
        told = game.do("A")
        self.assertEqual((told["rows"], told["choices"], game.session("A")["uncommitted"]), ("balance 100, recorded 100", ["B"], []))
        if self.db.startswith("sqlite"):
            self.assertEqual(game.session("B")["waits_for"], [])
            told = game.do("B")  # looks for its lock: no step
        waited = [step for step in told["steps"] if step["session"] == "B"][-1]
        commit = [i for i, step in enumerate(told["steps"]) if step["step"] == "commit"]
        self.assertEqual((waited["ended"], waited["waited"], waited["woken_by"]), (True, True, commit[0]))
        self.assertEqual(game.do("finish")["rows"], "balance 300, recorded 100 200")
        self.assertEqual(game.end(), 0)

    def test_quit_and_the_end_of_what_is_typed(self):
        for text in ("A\nquit\n", "quit", "A\n", ""):
            out, err = self.typed(text, *self.losing, code=4)
            self.assertIn("Who takes the next step: A or B?", out)
            self.assertEqual(err, "")
        self.assertEqual(os.listdir(self.home), [])

    def test_finished_and_taken_back_is_not_finished(self):
        self.typed("finish\nback\n", *self.losing, code=4)
        self.typed("finish\nback\nfinish\nquit\n", *self.losing, code=0)

    def test_bad_input_loses_nothing(self):
        game = self.game(*self.losing)
        before = game.do("A")
        for line, words in (("frob", "'frob' is neither a session (A and B) nor one of back,"), ("C", "there is no session C: there are A and B"),
                            ("C.read", "there is no session C"), ("back 2", "only 1 can be taken back"), ("back x", "a number from 1 to 1024, not 'x'"),
                            ("back 0", "a number from 1"), ("quit now", "quit stands alone, without 'now'"), ("A.nonsense", "the next step of A is "),
                            ("A\0A", "a NUL byte"), ("\x1b[A" + "x" * 500, "'?[A" + "x" * 37 + "...'"), ("AB? A", "'AB?' is neither"),
                            ("A" * 66000, "more than 65536 bytes"), ("A" * 140000, "more than 65536 bytes"), ("A " * 2000, "at most 1024 steps")):
            told = game.do(line)
            self.assertIn(words, told["error"], line[:20])
            self.assertEqual({**told, "error": None}, before, line[:20])
        self.assertEqual(game.do(" \t ")["steps"], before["steps"])
        self.assertEqual(game.do("finish")["verdict"], "holds")
        self.assertIn("nobody has a step left", game.do("a")["error"])
        self.assertIn("over already", game.do("finish")["error"])
        self.assertEqual(game.end(), 0)

    def test_what_was_told_is_taken_again(self):
        game = self.game(*self.losing)
        game.do("AA")
        order = game.do("finish")["order"]
        told = self.game(*self.losing).do(order.replace("B.", "b."))
        self.assertEqual((told["order"], told["error"], told["verdict"]), (order, None, "holds"))

    def test_text_and_json_tell_the_same(self):
        out, _ = self.typed(self.lost + "\n", *self.losing, code=1)
        game = self.game(*self.losing)
        told = game.do(self.lost)
        self.assertEqual(game.end(), 1)
        self.assertEqual((told["verdict"], told["anomaly"], told["unlike_serial"]), ("breaks", "P4", True))
        self.assertIn("P4: " + told["sentence"] + "\n", out)
        self.assertIn("  " + told["order"] + "\n", out)
        self.assertIn("in the end: " + told["rows"] + "\n", out)
        self.assertIn(told["again"], out)
        again = subprocess.run(told["again"] + " --json", shell=True, env=self.env, stdout=subprocess.PIPE, text=True, timeout=lab.HUNG)
        self.assertEqual(again.returncode, 1)
        self.assertEqual(self.state_of(again.stdout), told["rows"])
        for step in told["steps"]:
            self.assertIn(step["step"] + (": " + step["result"] if "result" in step else ""), out)


    @staticmethod
    def state_of(explored):
        outcome, = json.loads(explored)["outcomes"]
        return outcome["text"].rstrip("\n").split("state: ")[1]


class SQLite(Engine, Step):
    db = "sqlite:x"
    lost = "A.read_balance B.read_balance A.record A.write_balance B.record B.write_balance"
    losing = ("deposit/non_atomic_no_delay", "--db", db)

    def test_an_empty_line_takes_the_only_step(self):
        game = self.game(*self.losing)
        self.assertEqual(game.do("")["steps"], [])
        self.assertEqual(game.do("AAA")["choices"], ["B"])
        self.assertEqual(len(game.do("")["steps"]), 4)

    def test_a_look_in_vain_is_no_step(self):
        game = self.game("row_locking_atomic_long_delay", "--sessions", 3, "--db", self.db)
        told = game.do("ABC")
        self.assertEqual(game.session("C")["waits_for"], ["A", "B"])  # which of them cannot be told
        told = game.do("AAAA")
        self.assertEqual((told["choices"], told["waiting"]), (["B", "C"], ["B", "C"]))
        order = game.do("C")["order"]
        told = game.do("B")
        self.assertIn("B looked again for its lock in vain", told["told"])
        self.assertEqual((told["order"], told["rerun"], told["waiting"]), (order, "alike", ["B"]))
        told = game.do("BCCC")
        self.assertIn("the rest of what was typed was not taken", told["error"])
        self.assertEqual(told["order"], order)
        told = game.do("back")  # C's look: no step either
        self.assertEqual((told["order"], told["rerun"], told["waiting"]), (order, "alike", ["B", "C"]))
        order = game.do("finish")["order"]
        self.assertEqual(game.last["rows"], "balance 700, recorded 100 200 400")
        self.assertEqual(self.game("row_locking_atomic_long_delay", "--sessions", 3, "--db", self.db).do(order)["order"], order)
        self.assertEqual(game.end(), 0)
        self.replayed(order, game.last)

    def replayed(self, order, told):
        """The line is one for the others too, where a session looks for its lock before its next step."""
        again = subprocess.run(told["again"] + " --json", shell=True, env=self.env, stdout=subprocess.PIPE, text=True, timeout=lab.HUNG)
        self.assertEqual(self.state_of(again.stdout), told["rows"])
        file = self.json_of("explore", "deposit/non_atomic_no_delay", "--db", self.db, "--sessions", 3)
        file["subject"] = "deposit/row_locking_atomic_long_delay"
        file["witness"] = json.loads(again.stdout)["shown"]
        self.assertEqual((file["witness"]["order"], file["witness"]["state"]), (order, told["rows"]))
        path = self.write("witness.json", json.dumps(file))
        self.assertEqual(self.json_of("replay", path, code=0), {"runs": 1, "breaking": 0, "exact": 1, "alike": True})

    def test_where_it_is_wide(self):
        self.env["COLUMNS"] = "60"
        path = self.write("wide.sql", "schema { CREATE TABLE t (n INTEGER) {table_end} }\nsetup { INSERT INTO t VALUES (1), (2), (3) }\n" +
                          "".join("session %s step read { SELECT n, n + 1000000, n + 2000000 FROM t ORDER BY n }\n" % name for name in "ABCD"))
        out, _ = self.typed("ABCD\n", path, "--db", self.db, code=0)
        last = out[out.rindex("> ABCD"):]
        self.assertRegex(last, r"\n {16}read: \(1, 1000001, 2000001\)")
        self.assertRegex(last, r"\n  done {10}done {10}done {10}done\n")

    def test_the_engine_that_is_meant(self):
        """What is printed to have the order again."""
        out, _ = self.typed("finish\n", "update_first", "--sessions", 3, "--max-tries", 2,
                            "--no-transaction", "--set", "cache_size=10", "--db", self.db, code=0)
        self.assertRegex(out, r" explore update_first --db sqlite:x --set cache_size=10 --sessions 3 --no-transaction --max-tries 2 --order 'A\.add")

    def test_a_file_is_looked_at_as_it_is_opened(self):
        path = self.write("mode.sql", "session A step read { SELECT journal_mode FROM pragma_journal_mode }\nsession B like A\n")
        game = self.game(path, "--db", self.db, "--set", "journal_mode=delete")
        self.assertEqual([step["result"] for step in game.do("AB")["steps"]], ["'delete'"] * 2)

    def test_ends(self):
        """Nothing stays behind, whichever end of it goes away."""
        done = subprocess.run([lab.RACY, "step", *self.losing], env=self.env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                              stdout=os.open("/dev/full", os.O_WRONLY), timeout=lab.HUNG)
        self.assertEqual(done.returncode, 3)
        self.assertIn("cannot be written", done.stderr)
        closed = subprocess.run(["sh", "-c", '"$0" step "$@" <&-', lab.RACY, *self.losing], env=self.env, capture_output=True, text=True,
                                timeout=lab.HUNG)
        self.assertEqual((closed.returncode, closed.stdout), (3, ""))
        self.assertIn("standard input is closed", closed.stderr)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            game = self.game(*self.losing)
            game.do("A")
            game.process.send_signal(number)
            self.assertEqual(game.end(), 4)
        self.assertEqual(os.listdir(self.home), [])

    def test_at_a_terminal(self):
        self.env.pop("NO_COLOR")
        master, slave = pty.openpty()
        process = subprocess.Popen([lab.RACY, "step", *self.losing], env={**self.env, "TERM": "xterm", "COLUMNS": "70"}, stdin=slave, stdout=slave,
                                   stderr=slave, start_new_session=True)
        self.addCleanup(process.kill)
        os.close(slave)
        told = b""

        def until(words):
            nonlocal told
            while words not in told:
                self.assertTrue(select.select([master], [], [], lab.HUNG)[0], told)
                told += os.read(master, 4096)
            told = told[told.index(words) + len(words):]

        until(b"\n> ")
        os.write(master, b"AA\n")
        until(b"\033[1mrecord\033[0m")
        until(b"\n> ")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=lab.HUNG), 4)
        os.close(master)

    def test_wrong_usage(self):
        for args, words in (([], "name a variant"), (["deposit/no"], "no"), (["deposit/for_share", "--db", "sqlite:x"], "SQLite lacks"),
                            (["missing.sql"], "missing.sql")):
            out, err = self.typed("A\n", *args, code=2)
            self.assertEqual(out, "")
            self.assertIn(words, err)


class Server(Engine):
    lost = "A.begin A.read_balance B.begin B.read_balance A.record A.write_balance A.commit B.record B.write_balance B.commit"

    def test_a_deadlock_is_ended_by_the_engine(self):
        path = self.write("cross.sql", """
schema { CREATE TABLE account (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL) {table_end} }
setup { INSERT INTO account VALUES (1, 0), (2, 0) }
session A
step begin { BEGIN } step take { UPDATE account SET balance = balance - 1 WHERE id = 1 }
step give { UPDATE account SET balance = balance + 1 WHERE id = 2 } step commit { COMMIT }
session B
step begin { BEGIN } step take { UPDATE account SET balance = balance - 1 WHERE id = 2 }
step give { UPDATE account SET balance = balance + 1 WHERE id = 1 } step commit { COMMIT }
""")
        game = self.game(path, "--db", self.db)
        told = game.do("AABB")
        self.assertEqual(told["rows"], "(1, 0) (2, 0)")
        self.assertEqual(game.do("A")["waiting"], ["A"])
        for _ in range(200):  # a while, as somebody thinks: the older wait is not the one that finds the deadlock
            game.do("rows")
        told = game.do("B")
        give = {step["session"]: step for step in told["steps"] if step["step"] == "give"}
        self.assertEqual((give["B"]["error"], give["A"].get("error")), ("deadlock", None))
        self.assertEqual(game.session("A")["next"], "commit")
        told = game.do("finish")
        self.assertEqual((told["rows"], told["verdict"], game.session("B")["end"]), ("(1, -1) (2, 1)", "holds", "deadlock"))
        told = game.do("back")  # the same one is refused again
        self.assertEqual((told["rerun"], told["told"]), ("alike", ""))
        self.assertEqual(game.end(), 4)

    def test_tired_of_waiting(self):
        game = self.game("row_locking_atomic_long_delay", "--db", self.db, "--set", self.impatience)
        game.do("AA")
        told = game.do("BB")
        end = time.monotonic() + lab.HUNG
        while told["waiting"]:
            self.assertLess(time.monotonic(), end)
            told = game.do("rows")
        self.assertIn("the engine ended somebody's waiting", told["told"])
        self.assertEqual((told["steps"][-1]["error"], game.session("B")["next"], told["choices"]), ("lock_timeout", "rollback", ["A", "B"]))
        self.assertNotIn("woken_by", told["steps"][-1])
        self.assertEqual(game.do("finish")["rows"], "balance 100, recorded 100")
        told = game.do("back")  # nobody is tired yet
        self.assertEqual((told["rerun"], told["waiting"], told["taken"]), ("unlike", ["B"], 4))
        self.assertIn("cannot be chosen as it could before", told["told"])
        told = game.do("restart")
        self.assertEqual((told["steps"], told["rerun"]), ([], "alike"))

    def test_there_is_time_to_think(self):
        path = self.write("patience.sql", "session A step read { %s }\nsession B like A\n" % self.patience)
        self.assertEqual([step["result"] for step in self.game(path, "--db", self.db).do("AB")["steps"]], ["86400"] * 2)

    def test_looking_disturbs_nobody(self):
        """At each level each order comes to what it comes to unseen: a look takes no snapshot, no lock, no part."""
        for level in ("repeatable-read", "serializable"):
            explored = self.json_of("explore", os.path.join(FILES, "write-skew.sql"), "--db", self.db, "--isolation", level)
            unseen = {outcome["text"] for outcome in explored["outcomes"]}
            game = self.game(os.path.join(FILES, "write-skew.sql"), "--db", self.db, "--isolation", level)
            for start in ("ABAB", "AABB", "AAB", "ABBA", "AAAB"):
                for letter in start:
                    if letter in game.last["choices"]:
                        game.do(letter)
                        game.do("rows")
                told = game.do("finish")
                self.assertIn(self.behaviour(told), unseen)
                game.do("restart")

    @staticmethod
    def behaviour(told):
        """As `racy explore` writes it."""
        text = ""
        for session in told["sessions"]:
            text += session["session"] + ":"
            for step in told["steps"]:
                if step["session"] == session["session"]:
                    came = step.get("error", step.get("result", step.get("rows")))
                    text += " " + step["step"] + ("" if came is None else " " + str(came)) + ","
            text += " " + session["end"] + "\n"
        return text + "state: " + told["rows"] + "\n"

    def test_a_rerun_that_goes_another_way_is_told(self):
        read = self.write("ids.sql", """
schema { CREATE TABLE t (id {new_id}, n INTEGER NOT NULL) {table_end} }
session A step add { INSERT INTO t (n) VALUES (1) } step read { SELECT MAX(id) FROM t } into id
session B step add { INSERT INTO t (n) VALUES (2) } step count { SELECT COUNT(*) FROM t }
state { SELECT n FROM t ORDER BY n }
""")
        game = self.game(read, "--db", self.db)
        was = game.do("AAB")["steps"][1]["result"]
        told = game.do("back")
        now = told["steps"][1]["result"]
        self.assertEqual((told["rerun"], told["order"], told["choices"]), ("unlike", "A.add A.read", ["B"]))
        self.assertIn("A.read, step 2, read %s; before, it read %s." % (now, was), told["told"])
        # Who gets the seventh number is not refused: then another session can be chosen than before.
        other = self.write("seven.sql", """
schema { CREATE TABLE room (n INTEGER PRIMARY KEY) {table_end}; CREATE TABLE t (id {new_id}, n INTEGER NOT NULL REFERENCES room (n)) {table_end} }
setup { INSERT INTO room VALUES (7) }
session A step add { INSERT INTO t (n) VALUES (7) } step name { UPDATE t SET n = id } step read { SELECT COUNT(*) FROM t }
session B step read { SELECT COUNT(*) FROM room }
state { SELECT COUNT(*) FROM t }
""")
        game = self.game(other, "--db", self.db)
        self.assertEqual((game.do("AA")["choices"], game.session("A")["end"]), (["B"], "constraint"))
        told = game.last
        while told["rerun"] != "unlike":
            self.assertEqual(game.do("B")["verdict"], "holds")
            told = game.do("back")
        self.assertEqual((told["choices"], told["taken"], game.session("A")["next"]), (["A", "B"], 2, "read"))
        self.assertIn("A.name, step 2, wrote 1 row; before, it ended with \"constraint\".", told["told"])

    def test_a_table_that_is_locked_as_a_whole(self):
        path = self.write("locked.sql", "schema { CREATE TABLE t (n INTEGER) {table_end} }\nsetup { INSERT INTO t VALUES (7) }\n"
                          "session A %s\nsession B step read { SELECT 1 }\n" % self.locking)
        game = self.game(path, "--db", self.db)
        self.assertEqual(game.first["rows"], "(7)")
        told = game.do("AA")
        self.assertIsNone(told["rows"])
        self.assertIn("lock_timeout", told["no_rows"])
        self.assertEqual(game.do("A")["rows"], "(7)")

    def test_a_connection_that_is_killed(self):
        url = self.server(self.db)
        for who in "AB":
            game = self.game("row_locking_atomic_long_delay", "--db", url)
            game.do("AAA")
            self.assertEqual(game.do("BB")["waiting"], ["B"])
            self.kill(url, waiting=who == "B")
            end = time.monotonic() + lab.HUNG
            while game.last["waiting"]:
                self.assertLess(time.monotonic(), end)
                game.do("rows")
            self.assertIn("the engine ended somebody's waiting", game.last["told"])
            if who == "A":
                self.assertEqual(game.do("A")["steps"][-1]["error"], "lost")
            self.assertEqual(game.session(who)["end"], "lost")
            game.do("finish")
            self.assertEqual(game.last["rows"], "balance 200, recorded 200" if who == "A" else "balance 100, recorded 100")
            self.assertEqual((game.last["verdict"], game.last["why"]), ("untold", "a session's connection was lost"))
            game.do("restart")
            self.assertEqual(game.do("finish")["rows"], "balance 300, recorded 100 200")
            self.assertEqual(game.end(), 0)

    def test_a_server_of_somebody(self):
        url = self.server(self.db)
        game = self.game("deposit/update_first", "--db", url)
        game.do("A")
        game.process.stdin.close()
        game.process.stdin = None
        self.assertEqual(game.end(), 4)
        self.assertEqual(self.json_of("explore", "deposit/update_first", "--db", url)["verdict"], "proven")


class MariaDB(Server, Step):
    db = "mariadb"
    losing = ("deposit/atomic_no_delay", "--db", db, "--isolation", "read-committed")
    impatience = "innodb_lock_wait_timeout=1"
    patience = "SELECT @@innodb_lock_wait_timeout"
    locking = "step lock { LOCK TABLES t WRITE } step again { LOCK TABLES t WRITE } step unlock { UNLOCK TABLES }"

    def test_a_lock_by_name(self):
        """Any connection may hold one there: all of racy's are named, whoever looks on too."""
        game = self.game("advisory_lock", "--db", self.db)
        while game.last["choices"] == ["A", "B"]:
            game.do(game.last["choices"][len(game.last["steps"]) % 2])
        self.assertEqual((game.last["waiting"], game.last["verdict"]), (["B"], None))
        self.assertEqual(game.do("finish")["rows"], "balance 300, recorded 100 200")

    def kill(self, url, waiting):
        ask = ["mariadb", "--no-defaults", "--user=root", "--socket=" + re.search("socket=(.*)", url).group(1), "-N", "-e"]
        found = subprocess.run(ask + ["SELECT trx_mysql_thread_id FROM information_schema.INNODB_TRX WHERE trx_state %s 'LOCK WAIT'" %
                                      ("=" if waiting else "<>")], check=True, stdout=subprocess.PIPE, text=True, timeout=lab.HUNG)
        subprocess.run(ask + ["KILL " + found.stdout], check=True, timeout=lab.HUNG)


class PostgreSQL(Server, Step):
    db = "postgres"
    losing = ("deposit/atomic_no_delay", "--db", db)
    impatience = "lock_timeout=200ms"
    locking = "step begin { BEGIN } step lock { LOCK TABLE t IN ACCESS EXCLUSIVE MODE } step commit { COMMIT }"
    patience = "SELECT CAST(setting AS bigint) / 1000 FROM pg_settings WHERE name = 'lock_timeout'"

    def kill(self, url, waiting):
        user, folder = re.search("//([^@]*)@/.*socket=(.*)", url).groups()
        subprocess.run(["psql", "-q", "-h", folder, "-U", user, "-d", "postgres", "-c",
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'racy_explore%%' AND %s" %
                        ("wait_event_type = 'Lock'" if waiting else "state = 'idle in transaction'")], check=True, stdout=subprocess.DEVNULL,
                       timeout=lab.HUNG)

    def test_values_are_told_where_they_stand(self):
        """A mark in a text or a comment is none."""
        game = self.game(self.write("marks.sql", """
session A step read { SELECT 7 } into n
step again { SELECT '?' /* it's :n? */, :n + /* isn't it? */ 1 }
"""), "--db", self.db)
        self.assertEqual(game.do("AA")["steps"][-1]["sql"], "SELECT '?' /* it's :n? */, 7 + /* isn't it? */ 1")

    def test_whose_settings_they_are(self):
        scope = self.game("deposit/update_first", "--db", self.db, "--set", "work_mem=8MB").first["scope"]
        self.assertEqual((scope["settings"]["work_mem"], scope["settings"]["deadlock_timeout"]), ("8MB", "10ms"))
        self.assertEqual(set(scope["settings_by_racy"]), set(scope["settings"]) - {"work_mem"})

    def test_a_look_is_no_read_of_a_serializable_transaction(self):
        """The anomaly of Fekete, O'Neil and O'Neil (2004): whoever looks in between, as a third serializable one, gets A refused."""
        path = self.write("looked-at.sql", """
schema { CREATE TABLE account (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL) {table_end} }
setup { INSERT INTO account VALUES (1, 0), (2, 0) }
session A step begin { BEGIN } step read { SELECT balance FROM account ORDER BY id }
step fee { UPDATE account SET balance = -11 WHERE id = 1 } step commit { COMMIT }
session B step begin { BEGIN } step read { SELECT balance FROM account WHERE id = 2 }
step pay { UPDATE account SET balance = 20 WHERE id = 2 } step commit { COMMIT }
""")
        game = self.game(path, "--db", self.db, "--isolation", "serializable")
        game.do("AABBBB")
        self.assertEqual(game.do("rows")["rows"], "(1, 0) (2, 20)")
        told = game.do("finish")
        self.assertEqual((game.session("A")["end"], told["verdict"], told["rows"]), ("done", "holds", "(1, -11) (2, 20)"))


if __name__ == "__main__":
    unittest.main()
