"""The instrument beside the subject, from outside: its process, its pages, the guards of its API."""

import json
import os
import pty
import re
import signal
import socket
import subprocess
import threading
import urllib.parse

from instrument import PASSWORD, Client, InstrumentCase, instrument_of
from subject import HUNG, RACY, connections, deposit, read_reply, send_bytes, until

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def routes():
    """(method, path, right) of each line of the table that the program is built from."""
    with open(os.path.join(ROOT, "src/instrument/api_routes.def"), encoding="utf-8") as file:
        return re.findall(r'^API_ROUTE\("(\w+)", "([^"]+)", API_(\w+),', file.read(), re.M)


class Process(InstrumentCase):
    def deposit(self, server, account):
        return read_reply(send_bytes(server.port, deposit("non_atomic_no_delay", account))).status

    def test_the_page_and_its_headers(self):
        server = self.lab()
        client = Client(server.lab_port)
        for path in ("/admin/", "/admin/demo/account/1/change/"):
            status, headers, body = client.raw("GET", path)
            self.assertEqual((status, headers["Content-Type"]), (200, "text/html; charset=utf-8"))
            self.assertIn(b"/static/admin.js", body)
            self.assertNotIn("unsafe", headers["Content-Security-Policy"])
            self.assertIn("default-src 'none'", headers["Content-Security-Policy"])
            self.assertEqual((headers["X-Frame-Options"], headers["X-Content-Type-Options"]), ("DENY", "nosniff"))
        self.assertNotRegex(body, rb"<script(?![^>]*src=)[^>]*>[^<]|style=|onclick")
        for path, kind in (("/static/admin.js", "text/javascript"), ("/static/admin.css", "text/css")):
            status, headers, body = client.raw("GET", path)
            self.assertEqual((status, headers["Content-Type"]), (200, kind + "; charset=utf-8"))
            self.assertEqual(client.raw("GET", path, headers={"If-None-Match": headers["ETag"]})[0], 304)
        self.assertEqual(client.raw("GET", "/")[1]["Location"], "/admin/")
        self.assertEqual(client.raw("GET", "/static/../etc/passwd")[0], 404)
        self.assertEqual(client.raw("POST", "/admin/")[0], 405)

    def test_hosts(self):
        server = self.lab(None, "--lab-host", "shop.example,other.example")
        client = Client(server.lab_port)
        for host, status in (("localhost", 200), ("127.0.0.1:8080", 200), ("[::1]:80", 200), ("Shop.Example:80", 200),
                             ("10.1.2.3", 200), ("evil.example", 421), ("localhost.evil.example", 421), ("", 421)):
            self.assertEqual(client.raw("GET", "/api/health", headers={"Host": host})[0], status, host)
            self.assertEqual(client.raw("GET", "/admin/", headers={"Host": host})[0], status, host)

    def test_a_port_that_is_taken_is_a_warning(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            server = self.serve(None, "--lab", "127.0.0.1:%d" % taken.getsockname()[1], workers=1)
            server.await_line("there is no instrument: .* in use")
            self.assertEqual(self.deposit(server, server.new_account()), 200)

    def test_other_machines_are_told_of(self):
        server = self.serve(None, "--lab", "0.0.0.0:0", workers=1)
        server.await_line("can be reached from other machines")

    def test_it_dies_and_the_subject_goes_on(self):
        server = self.lab()
        account = server.new_account()
        first = instrument_of(server)
        os.kill(first, signal.SIGKILL)
        server.await_line("the instrument was ended by signal 9")
        self.assertEqual(self.deposit(server, account), 200)
        until(lambda: first not in (now := self.instruments(server)) and now, "another one")
        client = Client(server.lab_port)
        until(lambda: self.answers(client), "the other one answers")
        self.assertEqual(self.client(server).ask("GET", "/api/accounts/%d" % account)[1]["balance"], 100)

    def instruments(self, server):
        try:
            return [instrument_of(server)]
        except ValueError:
            return []

    @staticmethod
    def answers(client):
        try:
            return client.raw("GET", "/api/health")[0] == 200
        except OSError:
            return False

    def ends_after(self, number):
        server = self.lab()
        watched = os.pidfd_open(instrument_of(server))
        self.addCleanup(os.close, watched)
        server.process.send_signal(number)
        server.process.wait(HUNG)
        until(lambda: self.is_gone(watched), "the instrument ends after %s" % number)

    def test_it_ends_with_its_arbiter(self):
        self.ends_after(signal.SIGTERM)

    def test_it_ends_when_its_arbiter_is_killed(self):
        self.ends_after(signal.SIGKILL)

    @staticmethod
    def is_gone(pidfd):
        try:
            signal.pidfd_send_signal(pidfd, 0)
            return False
        except ProcessLookupError:
            return True

    def test_it_takes_no_worker_and_no_idle_client_takes_it(self):
        server = self.lab()
        idle = [socket.create_connection(("127.0.0.1", server.lab_port)) for _ in range(100)]
        half = send_bytes(server.lab_port, b"POST /api/session HTTP/1.1\r\nHost: localhost\r\nContent-Le")
        client = self.client(server)
        self.assertEqual(client.ask("GET", "/api/accounts")[0], 200)
        self.assertEqual([connections(pid, server.port) for pid in server.workers()], [0])
        for one in [*idle, half]:
            one.close()


class Guards(InstrumentCase):
    """401 or 403 before any other refusal, on every route that there is."""

    def test_nothing_is_told_to_strangers(self):
        client = Client(self.lab().lab_port)
        client.csrf = client.ask("GET", "/api/session")[1]["csrf"]
        for method, path, right in routes():
            path = path.replace("{id}", "1")
            status, told = client.ask(method, path, "{" if method in ("POST", "PUT") else None)
            if right == "OPEN":
                self.assertNotEqual(status, 401, path)
            else:
                self.assertEqual((status, told["error"]), (401, "login_required"), (method, path))
        for path in ("/api/", "/api/nothing", "/api/accounts/x", "/api/session/nothing"):
            self.assertEqual(client.ask("GET", path)[0], 401, path)

    def test_no_change_without_a_token(self):
        server = self.lab()
        client = self.client(server)
        for method, path, _ in routes():
            if method == "GET":
                continue
            for token in ("", "0" * 64, self.client(server).csrf):
                status, told = client.ask(method, path.replace("{id}", "1"), {} if method != "DELETE" else None,
                                          {"X-CSRF-Token": token})
                self.assertEqual((status, told["error"]), (403, "csrf"), (method, path))
        self.assertEqual(client.ask("POST", "/api/accounts", {"balance": 1}, {"Origin": "http://evil.example"})[0], 403)
        self.assertEqual(client.ask("GET", "/api/accounts")[1]["items"], [])
        origin = "http://127.0.0.1:%d" % server.lab_port
        self.assertEqual(client.ask("POST", "/api/accounts", {"balance": 1}, {"Origin": origin})[0], 201)

    def test_what_is_for_superusers(self):
        server = self.lab()
        self.user(server, "bob")
        client = self.client(server, "bob")
        for method, path, right in routes():
            if right == "SUPERUSER":
                status, told = client.ask(method, path.replace("{id}", "1"), {} if method in ("POST", "PUT") else None)
                self.assertEqual((status, told["error"]), (403, "forbidden"), (method, path))
        self.assertEqual(client.ask("GET", "/api/history?object=user")[0], 403)
        self.assertEqual(client.ask("GET", "/api/history")[1]["items"], [])

    def test_wrong_methods_and_paths(self):
        client = self.client(self.lab())
        status, headers, _ = client.raw("DELETE", "/api/accounts")
        self.assertEqual((status, headers["Allow"]), (405, "GET, POST"))
        for path in ("/api/nothing", "/api/accounts/0", "/api/accounts/01", "/api/accounts/1/", "/api/accounts/-1",
                     "/api/accounts/99999999999999999999", "/api/accounts/1/transactions/2"):
            self.assertEqual(client.ask("GET", path)[0], 404, path)

    def test_the_document_has_the_routes_and_no_others(self):
        status, document = Client(self.lab().lab_port).ask("GET", "/api/openapi.json")
        self.assertEqual((status, document["openapi"]), (200, "3.1.0"))
        told = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
        self.assertEqual(told, {(method, path) for method, path, _ in routes()})
        with open(os.path.join(ROOT, "docs/api.md"), encoding="utf-8") as file:
            text = file.read()
        for _, path, _ in routes():
            self.assertIn("`%s`" % path, text)
        for method, path, right in routes():
            open_ = {} in document["paths"][path][method.lower()]["security"] or right == "OPEN"
            self.assertEqual(open_, right == "OPEN", path)


class Sessions(InstrumentCase):
    def test_a_password_that_is_changed_ends_the_others(self):
        server = self.lab()
        one, other = self.client(server), self.client(server)
        before = one.cookies["racy_session"]
        status, told = one.ask("PUT", "/api/session/password", {"old_password": PASSWORD, "new_password": "another-Horse"})
        self.assertEqual(status, 200, told)
        self.assertNotEqual(one.cookies["racy_session"], before)
        one.csrf = told["csrf"]
        self.assertEqual(one.ask("POST", "/api/accounts", {"balance": 0})[0], 201)
        self.assertEqual(other.ask("GET", "/api/accounts")[0], 401)
        self.shell(server, "changepassword", "ann", "--password-file", self.password())
        self.assertEqual(one.ask("GET", "/api/accounts")[0], 401)

    def test_who_is_disabled_deleted_or_logs_out_is_out(self):
        server = self.lab()
        for name, how in (("bob", "disable"), ("carl", "delete")):
            self.user(server, name)
            client = self.client(server, name)
            self.shell(server, "user", how, name)
            self.assertEqual(client.ask("GET", "/api/accounts")[0], 401)
            self.assertEqual(Client(server.lab_port).log_in(name)[0], 401)
        client = self.client(server)
        kept = dict(client.cookies)
        self.assertEqual(client.ask("DELETE", "/api/session")[0], 204)
        client.cookies = kept
        self.assertEqual(client.ask("GET", "/api/accounts")[0], 401)

    def test_cookies(self):
        server = self.lab(None, "--forwarded-allow-ips", "127.0.0.1")
        for proto, secure in (("http", False), ("https", True)):
            client = Client(server.lab_port)
            _, headers, _ = client.raw("GET", "/api/session", headers={"X-Forwarded-Proto": proto})
            flags = headers["Set-Cookie"]
            self.assertIn("HttpOnly", flags)
            self.assertIn("SameSite=Lax", flags)
            self.assertEqual("Secure" in flags, secure)

    def test_a_token_that_was_there_before_is_not_the_sessions(self):
        server = self.lab()
        client = Client(server.lab_port)
        client.cookies["racy_session"] = "A" * 43
        client.csrf = client.ask("GET", "/api/session")[1]["csrf"]
        self.assertEqual(client.ask("POST", "/api/session", {"username": "ann", "password": PASSWORD})[0], 200)
        self.assertNotEqual(client.cookies["racy_session"], "A" * 43)

    def stored(self, server):
        """All that the database has, as its own files or tools tell it."""
        if self.engine == "sqlite":
            files = [os.path.join(self.folder, name) for name in os.listdir(self.folder) if name.startswith("test.db")]
            return b"".join(open(path, "rb").read() for path in files)
        folder = urllib.parse.unquote(re.search(r"socket=(.*)", server.lab_url).group(1))
        if self.engine == "postgres":
            return self.told("pg_dump", "--host=" + folder, "--username=postgres", "racy")
        client = ["mariadb", "--no-defaults", "--user=root", "--socket=" + folder, "--skip-column-names", "racy", "-e"]
        tables = self.told(*client, "SHOW TABLES").decode().split()
        return self.told(*client, "; ".join("SELECT * FROM " + table for table in tables))

    @staticmethod
    def told(*command):
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=HUNG).stdout

    def test_what_is_kept_tells_nothing(self):
        server = self.lab()
        client = self.client(server)
        stored = self.stored(server)
        for secret in (PASSWORD, client.cookies["racy_session"], client.csrf):
            self.assertNotIn(secret.encode(), stored)
        self.assertIn(b"$argon2id$", stored)
        key = os.path.join(self.folder, "racy", "secret")
        self.assertEqual((os.stat(key).st_mode & 0o777, os.path.getsize(key)), (0o600, 32))

    def test_nobody_guesses_for_long_and_nobody_locks_others_out(self):
        server = self.lab()
        # Each from an address of its own: the kernel answers for all of 127.0.0.0/8.
        guesser = Client(server.lab_port, "127.0.0.2")
        statuses = [guesser.log_in("ann", "wrong")[0] for _ in range(8)]
        self.assertEqual(statuses[:5], [401] * 5)
        self.assertIn(429, statuses)
        status, headers, _ = guesser.raw("POST", "/api/session", json.dumps({"username": "ann", "password": PASSWORD}),
                                         {"Content-Type": "application/json", "X-CSRF-Token": guesser.csrf})
        self.assertEqual(status, 429)
        self.assertGreater(int(headers["Retry-After"]), 0)
        self.client(server, source="127.0.0.3")
        self.assertEqual(Client(server.lab_port, "127.0.0.2").log_in("nobody", "wrong")[0], 401)

    def test_the_word_of_strangers_on_where_they_are_is_not_taken(self):
        server = self.lab(None, "--forwarded-allow-ips", "127.0.0.9")
        guesser = Client(server.lab_port, "127.0.0.2")
        guesser.csrf = guesser.ask("GET", "/api/session")[1]["csrf"]
        body = {"username": "ann", "password": "wrong"}
        statuses = [guesser.ask("POST", "/api/session", body, {"X-Forwarded-For": "10.0.0.%d" % i})[0] for i in range(8)]
        self.assertIn(429, statuses)
        proxied = Client(server.lab_port, "127.0.0.9")
        proxied.csrf = proxied.ask("GET", "/api/session")[1]["csrf"]
        statuses = [proxied.ask("POST", "/api/session", body, {"X-Forwarded-For": "1.1.1.1, 10.0.0.%d" % i})[0]
                    for i in range(8)]
        self.assertEqual(statuses, [401] * 8)


class Bodies(InstrumentCase):
    def test_what_is_malformed_is_refused_and_loses_nothing(self):
        client = self.client(self.lab())
        for body, status, error in (
                ("{", 400, "malformed"), ("", 400, "malformed"), ("[]", 400, "malformed"), ("null", 400, "malformed"),
                ('{"balance":1}x', 400, "malformed"), ('{"balance":1,"balance":2}', 400, "malformed"),
                ('{"balance":' + "9" * 400 + "}", 400, "malformed"), ('{"balance":1e999}', 400, "malformed"),
                ('{"a":"\\u0000"}', 400, "malformed"), (b'{"a":"\xff"}', 400, "malformed"),
                ('{"balance":' + "[" * 100 + "]" * 100 + "}", 400, "malformed"), ("[" * 100000, 400, "malformed"),
                ("{}", 422, "invalid"), ('{"balance":"1"}', 422, "invalid"), ('{"balance":1.0}', 422, "invalid"),
                ('{"balance":true}', 422, "invalid"), ('{"balance":null}', 422, "invalid"),
                ('{"balance":2147483648}', 422, "invalid"), ('{"balance":-1}', 422, "invalid"),
                ('{"balance":1,"more":2}', 422, "invalid")):
            got, told = client.ask("POST", "/api/accounts", body)
            self.assertEqual((got, told["error"]), (status, error), body)
            self.assertTrue(told["message"])
        self.assertEqual(client.ask("POST", "/api/accounts", "balance=1", {"Content-Type": "text/plain"})[0], 415)
        self.assertEqual(client.raw("POST", "/api/accounts", b" " * (1024 * 1024 + 1), {"Content-Type": "application/json"})[0], 413)
        self.assertEqual(client.ask("GET", "/api/accounts")[1]["items"], [])

    def test_queries(self):
        client = self.client(self.lab())
        for path in ("/api/accounts?limit=0", "/api/accounts?limit=101", "/api/accounts?limit=x", "/api/accounts?after=x",
                     "/api/accounts?sort=name", "/api/accounts?search=1'%20OR%201=1", "/api/transactions?day=2026-02-30",
                     "/api/transactions?account=x", "/api/history?object=table", "/api/accounts?after=%ff"):
            status, told = client.ask("GET", path)
            self.assertEqual((status, told["error"]), (400, "malformed"), path)
        for path in ("/api/accounts?after=%zz", "/api/accounts?after=%00", "/api/%00", "/api/users?search=%zz",
                     "/api/users?search=%00", "/api/users?search=%ff", "/api/users?search=%a"):
            self.assertEqual(client.raw("GET", path)[0], 400, path)

    def test_what_is_stored_is_text(self):
        server = self.lab()
        client = self.client(server)
        for name in ("x'); DROP TABLE racy_user; --", "<script>", "a b", "a\nb", "\u202egnp", "a\r\nSet-Cookie: x=1", "%00"):
            status, told = client.ask("POST", "/api/users", {"username": name, "email": "", "password": PASSWORD,
                                                             "superuser": False, "active": True})
            self.assertEqual((status, told["error"]), (422, "invalid"), name)
        for name in ("müller", "O.Neil+x@y_z-1", "名前"):
            status, told = client.ask("POST", "/api/users", {"username": name, "email": "", "password": PASSWORD,
                                                             "superuser": False, "active": True})
            self.assertEqual((status, told["username"]), (201, name))
        self.assertEqual([user["username"] for user in client.ask("GET", "/api/users?search=%25")[1]["items"]], [])
        self.assertEqual(self.client(server, "müller").ask("GET", "/api/session")[1]["user"]["username"], "müller")


class Users(InstrumentCase):
    def values(self, user, **changes):
        kept = {name: user[name] for name in ("username", "email", "superuser", "active")}
        return {"loaded": kept, **kept, **changes}

    def test_the_last_superuser_stays(self):
        client = self.client(self.lab())
        ann = client.ask("GET", "/api/users/1")[1]
        for changes in ({"superuser": False}, {"active": False}):
            self.assertEqual(client.ask("PUT", "/api/users/1", self.values(ann, **changes))[1]["error"], "last_superuser")
        self.assertEqual(client.ask("DELETE", "/api/users/1")[1]["error"], "last_superuser")
        status, told = client.ask("PUT", "/api/users/1", self.values(ann, email="ann@shop.example"))
        self.assertEqual((status, told["email"]), (200, "ann@shop.example"))
        status, told = client.ask("PUT", "/api/users/1", self.values(ann, username="anna"))
        self.assertEqual((status, told["error"]), (409, "changed"))
        self.assertEqual(told["conflicts"], [{"object": "user", "id": 1, "field": "email", "loaded": "",
                                              "now": "ann@shop.example", "yours": ""}])

    def test_two_superusers_who_depose_each_other(self):
        """At the same time, again and again: one stays."""
        server = self.lab()
        ann = self.client(server)
        for turn in range(10):
            status, bob = ann.ask("POST", "/api/users", {"username": "bob%d" % turn, "email": "", "password": PASSWORD,
                                                         "superuser": True, "active": True})
            self.assertEqual(status, 201, bob)
            me = next(user for user in ann.ask("GET", "/api/users")[1]["items"] if user["id"] != bob["id"])
            other = self.client(server, bob["username"])
            ways = ({"superuser": False}, {"active": False})
            ready, told = threading.Barrier(2), [None, None]

            def depose(n, client, user):
                ready.wait(HUNG)
                if turn % 3 == 2:
                    told[n] = client.ask("DELETE", "/api/users/%d" % user["id"])[0]
                else:
                    told[n] = client.ask("PUT", "/api/users/%d" % user["id"], self.values(user, **ways[turn % 3]))[0]

            threads = [threading.Thread(target=depose, args=args) for args in ((0, ann, bob), (1, other, me))]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            left = json.loads(self.shell(server, "user", "list", "--json").stdout)
            mighty = [user["username"] for user in left if user["superuser"] and user["active"]]
            self.assertEqual(len(mighty), 1, (turn, told, left))
            ann = self.client(server, mighty[0])
            for user in left:
                if user["username"] != mighty[0]:
                    self.assertEqual(ann.ask("DELETE", "/api/users/%d" % user["id"])[0], 204)

    def test_names_are_taken_once_and_passwords_are_judged(self):
        client = self.client(self.lab())
        body = {"username": "ann", "email": "", "password": PASSWORD, "superuser": False, "active": True}
        self.assertEqual(client.ask("POST", "/api/users", body)[1]["error"], "taken")
        for password, word in (("short", "short"), ("12345678901", "numeric"), ("password1", "common"), ("bobby-bob", "similar")):
            status, told = client.ask("POST", "/api/users", {**body, "username": "bobby", "password": password})
            self.assertEqual(status, 422)
            self.assertIn(word, told["fields"]["password"])


class Superuser(InstrumentCase):
    """createsuperuser at a terminal, as Django's users know it."""

    def dialogue(self, args, *answers):
        """What was said, and the exit code. Each answer is given when its question was asked."""
        main, side = pty.openpty()
        process = subprocess.Popen([RACY, *args, "--db", self.sqlite()], stdin=side, stdout=side, stderr=side,
                                   env={**os.environ, "XDG_STATE_HOME": self.folder}, start_new_session=True)
        os.close(side)
        said, seen = "", 0
        for question, answer in answers:
            while question not in said[seen:]:
                said += os.read(main, 1024).decode()
            seen = said.index(question, seen) + len(question)
            os.write(main, answer.encode() + b"\n")
        try:
            while data := os.read(main, 1024):
                said += data.decode()
        except OSError:
            pass
        os.close(main)
        return said, process.wait(HUNG)

    def users(self):
        done = subprocess.run([RACY, "user", "list", "--json", "--db", self.sqlite()], capture_output=True, text=True,
                              check=True, timeout=HUNG, env={**os.environ, "XDG_STATE_HOME": self.folder})
        return [(user["username"], user["email"], user["superuser"]) for user in json.loads(done.stdout)]

    def test_asked(self):
        said, code = self.dialogue(["createsuperuser"], ("Username", "ann"), ("Email address", "no address"),
                                   ("Email address", "ann@shop.example"), ("Password: ", "one-Horse"),
                                   ("Password (again)", "other-Horse"), ("Password: ", PASSWORD), ("Password (again)", PASSWORD))
        self.assertEqual(code, 0, said)
        self.assertIn("Enter a valid e-mail address", said)
        self.assertIn("didn't match", said)
        self.assertIn("Superuser created successfully", said)
        self.assertNotIn("Horse", said)
        self.assertEqual(self.users(), [("ann", "ann@shop.example", True)])

    def test_a_weak_password_may_be_taken_all_the_same(self):
        weak = [("Username", "admin"), ("Email address", ""), ("Password: ", "admin"), ("Password (again)", "admin")]
        said, code = self.dialogue(["createsuperuser"], *weak, ("create user anyway? [y/N]", ""), ("Password: ", "admin"),
                                   ("Password (again)", "admin"), ("create user anyway? [y/N]", "y"))
        self.assertEqual(code, 0, said)
        for word in ("too similar", "too short", "too common"):
            self.assertIn(word, said)
        self.assertEqual(self.users(), [("admin", "", True)])
        said, code = self.dialogue(["createsuperuser"], ("Username", "admin"))
        self.assertEqual(code, 2)
        self.assertIn("there is a user 'admin' already", said)

    def test_not_asked(self):
        variables = {**os.environ, "XDG_STATE_HOME": self.folder, "RACY_SUPERUSER_USERNAME": "ann",
                     "RACY_SUPERUSER_PASSWORD": PASSWORD}
        run = [RACY, "createsuperuser", "--no-input", "--db", self.sqlite()]
        done = subprocess.run(run, env=variables, capture_output=True, text=True, timeout=HUNG, stdin=subprocess.DEVNULL,
                              check=False)
        self.assertEqual((done.returncode, done.stdout), (0, "Superuser created successfully.\n"))
        for missing in ("RACY_SUPERUSER_USERNAME", "RACY_SUPERUSER_PASSWORD"):
            less = {name: value for name, value in variables.items() if name != missing}
            less["RACY_SUPERUSER_USERNAME" if missing != "RACY_SUPERUSER_USERNAME" else "X"] = "bob"
            done = subprocess.run(run, env=less, capture_output=True, text=True, timeout=HUNG, stdin=subprocess.DEVNULL,
                                  check=False)
            self.assertEqual(done.returncode, 2)
            self.assertIn(missing, done.stderr)


def on(engine, case):
    return type("%sOn%s" % (case.__name__, engine), (case,), {"engine": engine.lower()})


# What the guards look up is in the database.
GuardsOnMariaDB, GuardsOnPostgres = on("MariaDB", Guards), on("Postgres", Guards)
SessionsOnMariaDB, SessionsOnPostgres = on("MariaDB", Sessions), on("Postgres", Sessions)
BodiesOnMariaDB, BodiesOnPostgres = on("MariaDB", Bodies), on("Postgres", Bodies)
UsersOnMariaDB, UsersOnPostgres = on("MariaDB", Users), on("Postgres", Users)
