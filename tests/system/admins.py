"""What the tests of the pages' API share: racy serve with its instrument, and admins who are logged in."""
import http.client
import json
import os
import re
import time

import lab

PASSWORD = "s3cret-Horse"
MISSING = object()


class Site(lab.Home):
    """A test with an instrument beside its subject. `engine`: sqlite, mariadb or postgres."""
    engine = "sqlite"
    options = ("--delay", "0s")

    def setUp(self):
        super().setUp()
        database = self.sqlite() if self.engine == "sqlite" else self.engine
        self.server = self.start("serve", "--db", database, "--bind", "127.0.0.1:0", "--lab", "127.0.0.1:0",
                                 "--workers", 2, *self.options)
        told = {}
        for line in self.server.stderr:
            for name, pattern in (("subject", r"listening at http://127\.0\.0\.1:(\d+)"),
                                  ("port", r"the instrument is at http://127\.0\.0\.1:(\d+)"),
                                  ("url", r"account create --db '([^']+)'"),
                                  ("post", r"worker (2) is at its post")):
                found = re.search(pattern, line)
                if found:
                    told[name] = found.group(1)
            if len(told) == 4:
                break
        else:
            self.fail("racy serve ended before it was ready: %s" % told)
        self.subject, self.port, self.url = int(told["subject"]), int(told["port"]), told["url"]
        with open(os.path.join(self.home, "password"), "w", encoding="ascii") as file:
            file.write(PASSWORD + "\n")
        self.add_user("ann")

    def add_user(self, name):
        self.racy("createsuperuser", "--username", name, "--password-file", os.path.join(self.home, "password"),
                  "--db", self.url, code=0)

    def admin(self, name="ann"):
        admin = Admin(self.port)
        self.addCleanup(admin.close)
        admin.log_in(name)
        return admin

    def deposit(self, account, amount, way="row_locking_atomic_long_delay"):
        """The status of a deposit that the subject makes."""
        connection = http.client.HTTPConnection("127.0.0.1", self.subject, timeout=lab.HUNG)
        connection.request("POST", "/demo/%s/" % way, "account=%d&amount=%d" % (account, amount),
                           {"Content-Type": "application/x-www-form-urlencoded"})
        status = connection.getresponse().status
        connection.close()
        return status


class Reply:
    def __init__(self, response):
        self.status, self.headers, self.bytes = response.status, response.headers, response.read()

    @property
    def json(self):
        return json.loads(self.bytes)


class Admin:
    """One browser: its cookies, its token, a connection that is kept."""

    def __init__(self, port):
        self.port, self.cookies, self.csrf = port, {}, ""
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=lab.HUNG)

    def close(self):
        self.connection.close()

    def send(self, method, path, body=b"", headers=None):
        """Bytes as they are. Connects anew where the kept connection was closed meanwhile."""
        all_headers = {"Cookie": "; ".join("%s=%s" % pair for pair in self.cookies.items()), "X-CSRF-Token": self.csrf,
                       "Content-Type": "application/json", **(headers or {})}
        try:
            self.connection.request(method, path, body, all_headers)
            reply = Reply(self.connection.getresponse())
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            self.connection.close()
            self.connection.request(method, path, body, all_headers)
            reply = Reply(self.connection.getresponse())
        for cookie in reply.headers.get_all("Set-Cookie") or ():
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return reply

    def call(self, method, path, body=MISSING):
        return self.send(method, "/api/" + path, b"" if body is MISSING else json.dumps(body).encode())

    def get(self, path):
        reply = self.call("GET", path)
        assert reply.status == 200, (path, reply.status, reply.bytes)
        return reply.json

    def must(self, status, method, path, body=MISSING):
        reply = self.call(method, path, body)
        assert reply.status == status, (method, path, body, reply.status, reply.bytes)
        return reply.json if reply.bytes else None

    def log_in(self, name, password=PASSWORD):
        self.csrf = self.get("session")["csrf"]
        for _ in range(100):
            reply = self.call("POST", "session", {"username": name, "password": password})
            if reply.status != 429:
                break
            time.sleep(float(reply.headers["Retry-After"]))
        assert reply.status == 200, reply.bytes
        self.csrf = reply.json["csrf"]

    def all(self, path, limit=100):
        """Every item of a list, page by page."""
        items, after = [], None
        while True:
            more = "%slimit=%d" % ("&" if "?" in path else "?", limit)
            page = self.get(path + more + ("&after=" + _quoted(after) if after else ""))
            items += page["items"]
            after = page["next"]
            if after is None:
                return items


def _quoted(text):
    return "".join("%%%02X" % byte for byte in text.encode())
