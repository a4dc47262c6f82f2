"""What the tests of the instrument share: racy serve with one, and a client of its API with cookies and tokens."""

import http.client
import json
import os
import re
import subprocess

from subject import HUNG, RACY, Case, Server, children

PASSWORD = "s3cret-Horse"


class Client:
    """One browser: its cookies, its CSRF token. `source` is the address that it connects from."""

    def __init__(self, port, source="127.0.0.1"):
        self.port, self.source, self.cookies, self.csrf = port, source, {}, ""

    def raw(self, method, path, body=None, headers=None):
        """Status, headers, bytes."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=HUNG, source_address=(self.source, 0))
        sent = {"Cookie": "; ".join("%s=%s" % pair for pair in self.cookies.items())} if self.cookies else {}
        sent.update(headers or {})
        connection.request(method, path, body=body, headers=sent)
        reply = connection.getresponse()
        data = reply.read()
        connection.close()
        for line in reply.headers.get_all("Set-Cookie") or []:
            name, value = line.split(";")[0].split("=", 1)
            self.cookies[name] = value
        return reply.status, reply.headers, data

    def ask(self, method, path, body=None, headers=None):
        """Status, and the JSON that was answered."""
        sent = {"X-CSRF-Token": self.csrf, **(headers or {})}
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
            body = body if isinstance(body, (str, bytes)) else json.dumps(body)
        status, _, data = self.raw(method, path, body, sent)
        return status, json.loads(data) if data else None

    def log_in(self, name="ann", password=PASSWORD):
        self.csrf = self.ask("GET", "/api/session")[1]["csrf"]
        status, told = self.ask("POST", "/api/session", {"username": name, "password": password})
        if status == 200:
            self.csrf = told["csrf"]
        return status, told


class InstrumentCase(Case):
    """`database`: see Server; without one, a fresh one on the `engine`: sqlite, mariadb or postgres."""
    engine = "sqlite"

    def lab(self, database=None, *options, workers=1, **more):
        """A server with an instrument and the superuser ann."""
        database = database or (self.sqlite() if self.engine == "sqlite" else self.engine)
        server = Server(database, "--lab", "127.0.0.1:0", *options, workers=workers,
                        env={**os.environ, "XDG_STATE_HOME": self.folder}, **more)
        self.addCleanup(server.end)
        server.lab_port = int(server.await_line(r"the instrument is at http://[^:]*:(\d+)/admin/").group(1))
        server.lab_url = server.await_line(r"createsuperuser --db '([^']*)'").group(1)
        self.shell(server, "createsuperuser", "--username", "ann", "--password-file", self.password())
        return server

    def password(self, text=PASSWORD):
        path = os.path.join(self.folder, "password")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text + "\n")
        return path

    def shell(self, server, *args, code=0, **more):
        done = subprocess.run([RACY, *args, "--db", server.lab_url], capture_output=True, text=True, timeout=HUNG,
                              check=False, env={**os.environ, "XDG_STATE_HOME": self.folder}, **more)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def client(self, server, name="ann", **more):
        client = Client(server.lab_port, **more)
        status, told = client.log_in(name)
        self.assertEqual(status, 200, told)
        return client

    def user(self, server, name):
        self.shell(server, "user", "create", name, "--password-file", self.password())


def instrument_of(server):
    """Its pid: the arbiter's child that is no worker."""
    told = {int(pid) for pid in re.findall(r"is at its post, pid (\d+)", server.log())}
    (pid,) = [pid for pid in children(server.process.pid) if pid not in told]
    return pid
