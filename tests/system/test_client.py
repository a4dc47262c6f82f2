"""What racy replay --export client writes, typed into the engines' own clients: the same values, waits and end."""
import glob
import json
import os
import re
import subprocess
import threading
import unittest
import urllib.parse

import lab

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
FILES = os.path.join(ROOT, "docs", "explore")
HISTORIES = os.path.join(ROOT, "docs", "isolation")


class Client:
    """mariadb or psql on a pipe: what is typed, and what it prints until it says that it is done."""

    def __init__(self, command, mark):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.mark, self.thread = mark, None

    def type(self, statement):
        self.process.stdin.write(statement + "\n" + self.mark + "\n")
        self.process.stdin.flush()
        self.lines = []
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            if line.strip() == "done":
                return
            self.lines.append(line.strip())

    def answer(self):
        self.thread.join(lab.HUNG)
        assert not self.thread.is_alive(), self.lines
        return self.lines

    def waits(self):
        return self.thread.is_alive()

    def close(self):
        self.process.stdin.close()
        self.process.wait(lab.HUNG)
        self.process.stdout.close()


class Witnesses(lab.Home):
    def setUp(self):
        super().setUp()
        self.servers = {word: self.server(word) for word in ("mariadb", "postgres")}

    def client(self, word):
        socket = urllib.parse.unquote(re.search("socket=(.*)", self.servers[word]).group(1))
        if word == "mariadb":
            return Client(["mariadb", "--no-defaults", "--user=root", "--socket=" + socket, "--skip-column-names", "--batch", "--force",
                           "--unbuffered", "racy"], "SELECT 'done';")
        parts = urllib.parse.urlsplit(self.servers[word])
        return Client(["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--host", os.path.dirname(socket)
                       if os.path.basename(socket).startswith(".s.") else socket, "--username", parts.username or "postgres",
                       parts.path.strip("/")], "\\echo done")

    def play(self, word, script):
        clients, waiting = {}, []
        for line in script.splitlines():
            if line.startswith("--"):
                continue
            name, statement, note = re.fullmatch(r"(\w): (.*?;)(?:  -- (.*))?", line).groups()
            if name not in clients:
                clients[name] = self.client(word)
                self.addCleanup(clients[name].close)
            clients[name].type(statement)
            if note is not None and note.startswith("waits for "):
                waiting.append((name, note.split()[2]))
                self.assertTrue(clients[name].waits(), line)
                continue
            answer = clients[name].answer()
            if note is not None and re.fullmatch(r"-?\d+", note):
                self.assertEqual(answer, [note], (line, script))
            elif note is None:
                self.assertEqual([text for text in answer if "ERROR" in text], [], line)
            for waiter, _ in waiting:
                if clients[waiter].thread.is_alive() and statement.startswith("COMMIT"):
                    clients[waiter].answer()
        return clients

    def check(self, word, name, *level):
        path = os.path.join(self.home, "witness.json")
        with open(path, "w", encoding="ascii") as file:
            file.write(self.racy("explore", name, "--db", self.servers[word], *level, "--json", code=1).stdout)
        with open(path, encoding="ascii") as file:
            witness = json.load(file)["witness"]
        script = self.racy("replay", path, "--db", self.servers[word], "--export", "client", code=1).stdout
        clients = self.play(word, script)
        table = re.search(r"CREATE TABLE (\w+)", script).group(1)
        clients["0"].type("SELECT * FROM %s ORDER BY 1;" % table)
        rows = ["(%s)" % ", ".join(re.split(r"[\t|]", line)) for line in clients["0"].answer()]
        self.assertEqual(" ".join(rows), witness["state"])
        clients["0"].type("DROP TABLE %s;" % table)
        clients["0"].answer()
        return witness

    def test_isolationtester(self):
        """PostgreSQL's own tester runs what is written for it: the same values, waits and refusals."""
        tester = glob.glob("/usr/lib/postgresql/*/lib/pgxs/src/test/isolation/isolationtester")[-1]
        url = self.servers["postgres"]
        socket = urllib.parse.unquote(re.search("socket=(.*)", url).group(1))
        path = os.path.join(self.home, "witness.json")
        subprocess.run(["psql", "-X", "-h", socket, "-U", "postgres", "-c", "CREATE DATABASE spec"], check=True, stdout=subprocess.PIPE)
        for args, words in (((os.path.join(FILES, "deposit.sql"),), ("step B.read: ", "step B.write: ")),
                            (("deposit/atomic_no_delay", "--sessions", 3, "--max-schedules", 100), ("step C.read balance: ",)),
                            (("deposit/non_atomic_no_delay",), ("step A.read balance: ", "step B.record: ")),
                            ((os.path.join(FILES, "write-skew.sql"), "--isolation", "repeatable-read"), ("step A.count: ",))):
            with open(path, "w", encoding="ascii") as file:
                file.write(self.racy("explore", *args, "--db", url, "--json", code=1).stdout)
            spec = self.racy("replay", path, "--db", url, "--export", "isolationtester", code=1).stdout
            done = subprocess.run([tester, "host=%s user=postgres dbname=spec" % socket], input=spec, capture_output=True, text=True,
                                  timeout=lab.HUNG)
            self.assertEqual((done.returncode, done.stderr), (0, ""), (args, spec))
            self.assertNotIn("ERROR", done.stdout)
            self.assertNotIn("invalid permutation", done.stdout)
            for word in words:
                self.assertIn(word, done.stdout)
            with open(path, encoding="ascii") as file:
                steps = json.load(file)["witness"]["steps"]
            for step in steps:
                result = step.get("result", "")
                if re.fullmatch(r"-?\d+", result):
                    self.assertRegex(done.stdout, r"step %s\.%s: [^\n]*\n[^\n]*\n-+\n +%s\n" % (step["session"], step["step"], result))

    def test_what_isolationtester_could_not_read_is_not_written_for_it(self):
        """Its scanner ends a block at a brace in a text."""
        url, path = self.servers["postgres"], os.path.join(self.home, "braces.sql")
        with open(os.path.join(FILES, "deposit.sql"), encoding="ascii") as file:
            text = file.read()
        for old, new in (("VALUES (1, 0)", "SELECT 1, length('}') - 1"), ("WHERE id = 1", "WHERE id = 1 AND '{}' <> ''")):
            self.assertIn(old, text)
            with open(path, "w", encoding="ascii") as file:
                file.write(text.replace(old, new))
            told = self.racy("explore", path, "--db", url, "--json", code=1).stdout
            with open(os.path.join(self.home, "witness.json"), "w", encoding="ascii") as file:
                file.write(told)
            replay = ("replay", os.path.join(self.home, "witness.json"), "--db", url, "--export")
            self.assertIn("ends a block of SQL at its first '}'", self.racy(*replay, "isolationtester", code=3).stderr)
            self.assertIn(new.split(" ")[-3], self.racy(*replay, "client", code=1).stdout)

    def test_lost_update(self):
        for word in ("mariadb", "postgres"):
            witness = self.check(word, os.path.join(FILES, "deposit.sql"))
            self.assertEqual((witness["anomaly"], witness["sentence"]),
                             ("P4", "Lost update: B read 0 before A committed, and then wrote over it."))

    def test_histories(self):
        for word, level, names in (
                ("mariadb", "repeatable-read",
                 {"G-single-write": "G-single", "MAV-own-write": "G-single", "G2-item": "G2-item", "PMP-write": "G-single", "P4": "P4"}),
                ("postgres", "read-committed", {"G-single": "G-single", "PMP": "G-single", "G2-two-edges": "G2"}),
                ("mariadb", "read-uncommitted", {"G1a": "G1a", "G1c": "G1c"})):
            for name, anomaly in names.items():
                witness = self.check(word, os.path.join(HISTORIES, name + ".sql"), "--isolation", level)
                self.assertEqual(witness["anomaly"], anomaly, (word, name, witness["sentence"]))


if __name__ == "__main__":
    unittest.main()
