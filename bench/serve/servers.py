"""Who takes part: one throw-away MariaDB for all, racy, Django under Gunicorn, and nginx in front of either.

The servers are measured one at a time, so that nobody's memory is shared with a neighbour's, and all get the same
listening socket, made once: connections may wait there before the server does, so that its start is measured without
polling, and nginx has one address to pass requests to."""
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import time

import MySQLdb

import front
import processes
from subject import HUNG, children, read_reply, send_bytes, deposit, until

HERE = os.path.dirname(os.path.abspath(__file__))
WORKERS = 3
TELLING = ("version", "innodb_flush_log_at_trx_commit", "innodb_flush_method", "innodb_doublewrite", "log_bin",
           "innodb_buffer_pool_size", "innodb_log_file_size")

# As an administrator writes it, but for the folder and the privileges: clients may keep their connections.
NGINX = """daemon off;
worker_processes 1;
pid %(folder)s/pid;
error_log %(folder)s/error.log notice;
events { worker_connections 512; }
http {
	access_log off;
	client_body_temp_path %(folder)s/body;
	proxy_temp_path %(folder)s/proxy;
	fastcgi_temp_path %(folder)s/fastcgi;
	uwsgi_temp_path %(folder)s/uwsgi;
	scgi_temp_path %(folder)s/scgi;
	upstream these { %(servers)s }
	include %(folder)s/site.conf;
}
"""


class Database(processes.Serving):
    """The throw-away MariaDB that `racy serve --db mariadb` starts; it is gone when that is."""

    def __init__(self, racy):
        super().__init__(racy, "mariadb", start_new_session=True)
        self.name, self.socket = re.search(r"/(\w+)\?socket=(.+)", self.url).groups()
        self.connection = MySQLdb.connect(unix_socket=self.socket, user="root", db=self.name, autocommit=True)
        self.pid = self._find_server()
        self.settings = dict(self.rows("SHOW GLOBAL VARIABLES WHERE Variable_name IN %s", [TELLING]))

    def _find_server(self):
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/cmdline" % name, encoding="utf-8") as file:
                    words = file.read().split("\0")
            except OSError:
                continue
            if words[0].endswith("mariadbd") and "--socket=" + self.socket in words:
                return int(name)
        raise RuntimeError("no process serves " + self.socket)

    def rows(self, sql, args=None):
        cursor = self.connection.cursor()
        cursor.execute(sql, args)
        return cursor.fetchall()

    def new_accounts(self, n):
        """(the first one's id, how many): fresh ones, with consecutive ids, and no transaction of anybody's."""
        self.rows("TRUNCATE TABLE demo_transaction")
        cursor = self.connection.cursor()
        cursor.execute("INSERT INTO demo_account (balance) VALUES " + ", ".join(["(0)"] * n))
        first = cursor.lastrowid
        found = self.rows("SELECT COUNT(*) FROM demo_account WHERE id BETWEEN %s AND %s", [first, first + n - 1])
        assert found == ((n,),), "the ids of new accounts are not consecutive"
        return first, n

    def sums(self, accounts):
        """Deposits on record, and what is in the balances: each was of 1."""
        between = [accounts[0], accounts[0] + accounts[1] - 1]
        (recorded,), = self.rows("SELECT COUNT(*) FROM demo_transaction WHERE account_id BETWEEN %s AND %s", between)
        (balance,), = self.rows("SELECT SUM(balance) FROM demo_account WHERE id BETWEEN %s AND %s", between)
        return int(recorded), int(balance)


class Place:
    """The listening socket, and nginx in front of it."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
        self.listener.setblocking(False)
        self.port = self.listener.getsockname()[1]
        self.front = front.Front(self.port, wrapper=NGINX)

    def hang_up(self):
        """Those who still wait for a server that has gone: their load has ended."""
        while True:
            try:
                self.listener.accept()[0].close()
            except BlockingIOError:
                return

    def end(self):
        self.front.end()
        self.listener.close()


class Server:
    """A command on the place's socket, passed as systemd passes it."""

    def __init__(self, place, command, env=None, cwd=None, log=None):
        self.place = place
        self.log = open(log or os.devnull, "ab")
        self.process = subprocess.Popen(
            ["sh", "-c", 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@" 3<&0 </dev/null', "sh", *command],
            stdin=place.listener, stdout=self.log, stderr=self.log, cwd=cwd, env=env, start_new_session=True)
        self.pid = self.process.pid

    def all_are_there(self):
        until(lambda: self.process.poll() is not None or len(children(self.pid)) == WORKERS, "the workers")
        if self.process.poll() is not None:
            raise RuntimeError("the server ended with code %d" % self.process.returncode)

    def end(self):
        """Requests under way are finished first, so that nothing changes afterwards."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(HUNG)
        self.place.hang_up()
        self.log.close()


class Racy:
    name = "racy"

    def __init__(self, program, url):
        self.program, self.url = program, url

    def start(self, place, log):
        return Server(place, [self.program, "serve", "--workers", str(WORKERS), "--db", self.url], log=log)


class Django:
    """bench/serve/django under Gunicorn's synchronous workers; a connection to the database for each request, as
    Django has it unless it is told otherwise, or persistent ones."""

    def __init__(self, database, persistent):
        self.name = "Django, CONN_MAX_AGE=%s" % ("None" if persistent else "0")
        self.env = {**os.environ, "BENCH_SOCKET": database.socket, "BENCH_DATABASE": database.name,
                    "BENCH_PERSISTENT": "yes" if persistent else "no", "BENCH_SECRET": secrets.token_hex(32),
                    "DJANGO_SETTINGS_MODULE": "shop.settings", "PYTHONDONTWRITEBYTECODE": "1"}

    def start(self, place, log):
        return Server(place, [shutil.which("gunicorn"), "--workers", str(WORKERS), "--worker-class", "sync",
                              "--log-level", "warning", "shop.wsgi"],
                      env=self.env, cwd=os.path.join(HERE, "django"), log=log)


def start_to_answer_ms(place, subject, account, log, expect=200):
    """From before the process is made until the first reply has been read: its client waits already."""
    client = send_bytes(place.port, deposit("non_atomic_no_delay", account, amount=1))
    before = time.perf_counter()
    server = subject.start(place, log)
    try:
        status = read_reply(client).status
        took_ms = (time.perf_counter() - before) * 1000
        if status != expect:
            raise RuntimeError("the first answer of %s was %d" % (subject.name, status))
        return took_ms
    finally:
        server.end()
