"""What the tests of a running `racy serve` share: the server as a process, its workers as the kernel
sees them, and requests as bytes on a socket. Time limits only end what hangs."""

import glob
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

RACY = os.environ["RACY"]
os.environ.setdefault("RACY_LAB", "off")  # beside each of these servers it would want the same port
HUNG = float(os.environ.get("RACY_TEST_HUNG", "90"))


def until(condition, what):
    """Waits for what must come; the answer of `condition` when it is true."""
    end = time.monotonic() + HUNG
    while time.monotonic() < end:
        answer = condition()
        if answer:
            return answer
        time.sleep(0.005)
    raise AssertionError("never: " + what)


def gone(pidfd):
    """The process behind the descriptor has ended."""
    return bool(select.select([pidfd], [], [], HUNG)[0])


class Server:
    """racy serve on a free port. `database` is a word or a URL for --db; `within` goes before the command."""

    def __init__(self, database, *options, workers=3, host="127.0.0.1", within=(), **popen):
        self.database = database
        self.lines = []
        self.process = subprocess.Popen(
            [*within, RACY, "serve", "--bind", host + ":0", "--workers", str(workers), "--db", database, *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **popen)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        try:
            self.port = int(self.await_line(r"listening at http://%s:(\d+)" % re.escape(host)).group(1))
            until(lambda: len(self.workers()) == workers, "all workers at their posts")
        except AssertionError:
            self.process.kill()
            raise AssertionError("racy serve did not start:\n" + self.log()) from None

    def _read(self):
        for line in self.process.stderr:
            self.lines.append(line)

    def log(self):
        return "".join(self.lines)

    def await_line(self, pattern):
        def look():
            found = re.search(pattern, self.log())
            if not found and self.process.poll() is not None:
                self.reader.join(HUNG)
                found = re.search(pattern, self.log())
                if not found:
                    raise AssertionError("ended without saying %r:\n%s" % (pattern, self.log()))
            return found
        return until(look, pattern + " in\n" + self.log())

    def url(self):
        """The database's URL; of a throw-away server, as it tells it."""
        if self.database != "mariadb":
            return self.database
        return self.await_line(r"racy account create --db '([^']*)'").group(1)

    def workers(self):
        """The pids of the workers that have said that they are at their posts and still are there."""
        told = [int(pid) for pid in re.findall(r"is at its post, pid (\d+)", self.log())]
        return [pid for pid in told if os.path.exists("/proc/%d/stat" % pid) and state(pid)[0] != "Z"]

    def account(self, *args):
        done = subprocess.run([RACY, "account", *args, "--db", self.url(), "--json"], check=True,
                              stdout=subprocess.PIPE, text=True, timeout=HUNG)
        return json.loads(done.stdout)

    def new_account(self, balance=0):
        return self.account("create", "--balance", str(balance))["id"]

    def end(self, number=signal.SIGTERM):
        """Its exit code, and everything that it said."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(HUNG)
        self.reader.join(HUNG)
        self.process.stderr.close()
        return code


def state(pid):
    """State letter and parent of a process."""
    try:
        with open("/proc/%d/stat" % pid, encoding="ascii", errors="replace") as file:
            fields = file.read().rpartition(") ")[2].split()
        return fields[0], int(fields[1])
    except (FileNotFoundError, ProcessLookupError):
        return "gone", 0


def children(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def pss(pid):
    """Kilobytes of memory that a process has for itself, and its share of what it has with others."""
    with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as file:
        return int(re.search(r"^Pss: +(\d+) kB", file.read(), re.M).group(1))


def cpu_seconds(pid):
    with open("/proc/%d/stat" % pid, encoding="ascii", errors="replace") as file:
        fields = file.read().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def connections(pid, port):
    """How many accepted connections to the port a worker holds."""
    with open("/proc/net/tcp", encoding="ascii") as file:
        rows = [line.split() for line in file][1:]
    inodes = {row[9] for row in rows if int(row[1].split(":")[1], 16) == port and row[3] != "0A"}
    held = 0
    try:
        for name in os.listdir("/proc/%d/fd" % pid):
            try:
                held += os.readlink("/proc/%d/fd/%s" % (pid, name)).strip("socket:[]") in inodes
            except FileNotFoundError:
                pass
    except (FileNotFoundError, ProcessLookupError):
        pass
    return held


class Reply:
    """A whole reply, or none: `status` is 0 when the connection ended without one."""

    def __init__(self, data):
        head, _, self.body = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split()[1]) if lines[0].startswith("HTTP/1.1 ") else 0
        self.headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines[1:])}


def send_bytes(port, data):
    """An open socket on which the request was sent."""
    client = socket.create_connection(("127.0.0.1", port), timeout=HUNG)
    client.sendall(data)
    return client


def read_reply(client):
    data = b""
    try:
        while True:
            more = client.recv(65536)
            if not more:
                break
            data += more
    except ConnectionResetError:
        pass
    finally:
        client.close()
    return Reply(data)


class MariaDB:
    """A server that can go away and come back with its data, which a throw-away one cannot."""

    def __init__(self, folder, *settings):
        self.folder = os.path.join(folder, "mariadb")
        # Its temporary files are in its folder too: the machine's place for them need not be open to the server's user.
        self.settings = ["--tmpdir=" + self.folder, "--innodb-log-file-size=8M"]
        os.mkdir(self.folder)
        self.user = ["--user=mysql"] if os.geteuid() == 0 else []
        if self.user:
            os.chmod(folder, 0o755)
            shutil.chown(self.folder, "mysql")
        self.socket = os.path.join(self.folder, "socket")
        subprocess.run(["mariadb-install-db", "--no-defaults", "--datadir=" + self.folder + "/data", *self.user,
                        "--auth-root-authentication-method=normal", "--skip-test-db", *self.settings],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=HUNG)
        self.settings += settings or ["--skip-networking"]
        self.start()

    def url(self):
        return "mysql://root@/shop?socket=" + self.socket

    def start(self):
        self.process = subprocess.Popen(
            [shutil.which("mariadbd") or "/usr/sbin/mariadbd", "--no-defaults", "--datadir=" + self.folder + "/data",
             "--socket=" + self.socket, *self.settings, *self.user],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(self.answers, "MariaDB answers")

    def answers(self):
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(self.socket)
                return len(client.recv(1)) == 1
            except OSError:
                return False

    def kill(self):
        self.process.kill()
        self.process.wait(HUNG)


class Postgres:
    """A server that other hosts can reach, which a throw-away one is not for."""
    HBA = "local all all trust\nhost all all samenet trust\n"

    def __init__(self, folder, *settings):
        self.folder = os.path.join(folder, "postgres")
        os.mkdir(self.folder)
        self.user = {"user": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
        if self.user:
            os.chmod(folder, 0o755)
            shutil.chown(self.folder, "postgres")
        self.programs = max(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[-2]))
        data = os.path.join(self.folder, "data")
        subprocess.run([self.programs + "/initdb", "--pgdata=" + data, "--username=postgres", "--auth=trust", "--no-sync",
                        "--encoding=UTF8", "--locale=C.UTF-8"], check=True, stdout=subprocess.DEVNULL, cwd=self.folder,
                       timeout=HUNG, **self.user)
        with open(os.path.join(data, "pg_hba.conf"), "w", encoding="ascii") as file:
            file.write(self.HBA)
        self.process = subprocess.Popen([self.programs + "/postgres", "-D", data, "-k", self.folder, *settings],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        cwd=self.folder, **self.user)
        until(lambda: self.ask("SELECT 1", "postgres", check=False), "PostgreSQL answers")

    def ask(self, text, database="shop", check=True):
        """The words that its own client prints."""
        return subprocess.run(["psql", "--no-psqlrc", "--host=" + self.folder, "--username=postgres", "--tuples-only",
                               "--no-align", "--field-separator= ", "--command=" + text, database], check=check,
                              timeout=HUNG, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.split()

    def kill(self):
        self.process.send_signal(signal.SIGQUIT)  # at once, and its own processes with it
        self.process.wait(HUNG)


class Cut:
    """A proxy before a server's socket: passes everything on until the client says `word`, which still
    reaches the server; then the client's connection breaks before the answer."""

    def __init__(self, path, server, word):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen()
        self.server, self.word, self.armed = server, word, True
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pass, args=(client,), daemon=True).start()

    def _pass(self, client):
        with client, socket.socket(socket.AF_UNIX) as server:
            server.connect(self.server)
            while True:
                for source in select.select([client, server], [], [])[0]:
                    data = source.recv(65536)
                    if not data:
                        return
                    (server if source is client else client).sendall(data)
                    if source is client and self.armed and self.word in data:
                        self.armed = False
                        server.recv(65536)  # it was carried out
                        return

    def close(self):
        self.listener.close()


class BadClients:
    """Connections at once, a quarter each of a kind: they send nothing, a byte a second, garbage, half a request."""

    def __init__(self, port, n):
        self.answers = set()
        self.poll = select.epoll()
        self.open = {}
        for i in range(n):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
            self.open[client.fileno()] = (client, i % 4)
            # Those with something to say do it as soon as they are connected.
            self.poll.register(client, select.EPOLLIN | (select.EPOLLOUT if i % 4 else 0))

    def _say(self, fd):
        client, kind = self.open[fd]
        text = (b"", b"P", os.urandom(64) + b"\r\n\r\n", b"POST /demo/atomic_no_delay/ HTTP/1.1\r\nHost: x\r\nContent-L")
        try:
            client.send(text[kind])
        except OSError:
            pass
        self.poll.modify(fd, select.EPOLLIN)

    def _hear(self, fd):
        client, _ = self.open[fd]
        try:
            data = client.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self.answers.add(Reply(data).status)
        if not data:
            self.poll.unregister(fd)
            self.open.pop(fd)[0].close()

    def _drip(self):
        for client, kind in list(self.open.values()):
            if kind == 1:
                try:
                    client.send(b"x")
                except OSError:
                    pass

    def until_all_are_through(self, limit=HUNG):
        end = time.monotonic() + limit
        drip = time.monotonic() + 1
        while self.open:
            assert time.monotonic() < end, "%d connections are still held" % len(self.open)
            for fd, event in self.poll.poll(0.2):
                if event & ~select.EPOLLOUT:
                    self._hear(fd)
                elif event & select.EPOLLOUT:
                    self._say(fd)
            if time.monotonic() > drip:
                drip = time.monotonic() + 1
                self._drip()
        self.poll.close()


FORM = "application/x-www-form-urlencoded"


def request(method, path, body=b"", content_type=FORM, headers=()):
    lines = ["%s %s HTTP/1.1" % (method, path), "Host: test"]
    if content_type is not None:
        lines.append("Content-Type: " + content_type)
    if body or method == "POST":
        lines.append("Content-Length: %d" % len(body))
    lines += headers
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def deposit(variant, account, amount=100):
    return request("POST", "/demo/%s/" % variant, ("account=%s&amount=%s" % (account, amount)).encode())


class Volley:
    """Requests sent at once, each on its own connection; replies in the order in which they ended."""

    def __init__(self, port, requests):
        self.order = []
        lock = threading.Lock()
        self.clients = [send_bytes(port, data) for data in requests]

        def wait(i, client):
            reply = read_reply(client)
            with lock:
                self.order.append((i, reply))
        self.threads = [threading.Thread(target=wait, args=pair, daemon=True) for pair in enumerate(self.clients)]
        for thread in self.threads:
            thread.start()

    def replies(self):
        """Indexed as the requests were."""
        for thread in self.threads:
            thread.join(HUNG)
            assert not thread.is_alive(), "a request hangs"
        return [reply for _, reply in sorted(self.order, key=lambda pair: pair[0])]

    def statuses(self):
        return [reply.status for reply in self.replies()]


class Case(unittest.TestCase):
    """A test with a folder of its own and servers that do not outlive it."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="racy-test-")
        self.addCleanup(shutil.rmtree, self.folder)

    def sqlite(self):
        return "sqlite:" + os.path.join(self.folder, "test.db")

    def serve(self, database=None, *options, **more):
        server = Server(database or self.sqlite(), *options, **more)
        self.addCleanup(lambda: server.end(signal.SIGINT))
        return server

    def workers_become(self, server, n):
        """All that is left are n workers at their posts."""
        def look():
            return len(server.workers()) == n and sorted(children(server.process.pid)) == sorted(server.workers())
        until(look, "%d workers and nobody else" % n)
        return server.workers()

    def held(self, server, n):
        """Waits until the workers hold n connections between them."""
        until(lambda: sum(connections(pid, server.port) for pid in server.workers()) == n,
              "%d connections with the workers" % n)
