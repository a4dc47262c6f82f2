"""The arbiter as those who run a server meet it: signals and settings in, processes, files, replies and exit
codes out. Nothing here waits for a guess of time: what must come is looked for until it is there."""

import fcntl
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import unittest

from subject import HUNG, RACY, Case, Server, Volley, children, deposit, read_reply, request, send_bytes, until


class ArbiterCase(Case):
    def ask(self, server, path="/", headers=()):
        return read_reply(send_bytes(server.port, request("GET", path, headers=headers)))

    def file(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def read(self, name):
        with open(os.path.join(self.folder, name), encoding="utf-8", errors="replace") as file:
            return file.read()

    def path(self, name):
        return os.path.join(self.folder, name)


class Numbers(ArbiterCase):
    def test_one_more_and_the_oldest_less(self):
        server = self.serve(None, workers=2)
        first = server.workers()
        server.process.send_signal(signal.SIGTTIN)
        three = self.workers_become(server, 3)
        self.assertTrue(set(first) < set(three))
        oldest = [pid for _, pid in sorted((int(self.field(pid, 22)), pid) for pid in three)]
        server.process.send_signal(signal.SIGTTOU)
        self.assertEqual(set(self.workers_become(server, 2)), set(oldest[1:]))
        server.process.send_signal(signal.SIGTTOU)
        self.assertEqual(self.workers_become(server, 1), oldest[2:])

    @staticmethod
    def field(pid, number):
        """Of /proc/PID/stat; and the pid, where two processes began in the same tick."""
        with open("/proc/%d/stat" % pid, encoding="ascii") as file:
            return int(file.read().rpartition(") ")[2].split()[number - 3]) * 10 ** 8 + pid

    def test_never_below_one(self):
        server = self.serve(None, workers=1)
        before = server.workers()
        server.process.send_signal(signal.SIGTTOU)
        server.await_line("it stays at 1")
        self.assertEqual(self.workers_become(server, 1), before)
        self.assertEqual(self.ask(server).status, 404)

    def test_the_one_taken_finishes_its_request(self):
        server = self.serve(None, "--delay", "1s", workers=2)
        account = server.new_account()
        volley = Volley(server.port, [deposit("non_atomic_long_delay", account)] * 2)
        self.held(server, 2)
        server.process.send_signal(signal.SIGTTOU)
        server.await_line("1 from now on")
        self.assertEqual(volley.statuses(), [200, 200])
        self.workers_become(server, 1)

    def test_usr2_ends_nobody(self):
        """Gunicorn's starts a second arbiter; there is none here, and no reason to be gone."""
        server = self.serve(None, workers=1)
        before = server.workers()
        server.process.send_signal(signal.SIGUSR2)
        server.await_line("USR2.*everything stays as it is")
        self.assertEqual((self.ask(server).status, self.workers_become(server, 1)), (404, before))

    def test_what_is_the_arbiters_means_nothing_to_a_worker(self):
        """A terminal that goes away sends HUP to the whole group."""
        server = self.serve(None, workers=1)
        before = server.workers()
        for number in (signal.SIGHUP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGUSR1, signal.SIGUSR2):
            os.kill(before[0], number)
            self.assertEqual(self.ask(server).status, 404)
            self.assertEqual(server.workers(), before)


class Reloading(ArbiterCase):
    def test_all_new_with_the_configured_number(self):
        config = self.file("racy.conf", "workers = 2\n")
        server = Reloadable(self.sqlite(), 2, "--config", config)
        self.addCleanup(lambda: server.end(signal.SIGINT))
        first = self.workers_become(server, 2)
        server.process.send_signal(signal.SIGTTIN)
        self.workers_become(server, 3)
        server.process.send_signal(signal.SIGHUP)
        server.await_line(r"told to reload \(HUP\): 2 new workers")
        second = self.workers_become(server, 2)
        self.assertFalse(set(first) & set(second))
        self.file("racy.conf", "workers = 4\n")
        server.process.send_signal(signal.SIGHUP)
        server.await_line(r"\(HUP\): 4 new workers")
        self.assertFalse(set(second) & set(self.workers_become(server, 4)))
        self.assertEqual(self.ask(server).status, 404)

    def test_a_file_that_is_wrong_changes_nothing(self):
        config = self.file("racy.conf", "workers = 2\n")
        server = Reloadable(self.sqlite(), 2, "--config", config)
        self.addCleanup(lambda: server.end(signal.SIGINT))
        before = server.workers()
        self.file("racy.conf", "# now\nworkers = none\n")
        server.process.send_signal(signal.SIGHUP)
        server.await_line(r"everything stays as it is: .*racy\.conf:2: workers: 'none' is not a whole number")
        self.assertEqual(self.workers_become(server, 2), before)

    def test_other_settings_too_and_what_takes_a_new_start(self):
        config = self.file("racy.conf", "workers = 1\ntimeout = 1000\ndelay = 1000\n")
        server = Reloadable(self.sqlite(), 1, "--config", config)
        self.addCleanup(lambda: server.end(signal.SIGINT))
        account = server.new_account()
        before = server.workers()
        self.file("racy.conf", "workers = 1\ntimeout = 1\ndelay = 1ms\nbind = 127.0.0.1:1\nbacklog = 7\n")
        server.process.send_signal(signal.SIGHUP)
        server.await_line("backlog is another now: that takes effect with a new start only")
        self.assertNotIn("bind is another now", server.log())  # a flag says where
        until(lambda: self.workers_become(server, 1) != before, "a new worker")
        done = Volley(server.port, [deposit("non_atomic_long_delay", account)]).statuses()
        self.assertEqual(done, [200])

    def test_requests_under_way_are_answered(self):
        server = self.serve(None, "--delay", "1s", workers=2)
        account = server.new_account()
        before = server.workers()
        volley = Volley(server.port, [deposit("non_atomic_long_delay", account)] * 2)
        self.held(server, 2)
        server.process.send_signal(signal.SIGHUP)
        # Served by the new ones while the old ones are still at it.
        until(lambda: len(set(server.workers()) - set(before)) == 2, "new workers beside the old")
        self.assertEqual(self.ask(server).status, 404)
        self.assertEqual(volley.statuses(), [200, 200])
        self.assertFalse(set(self.workers_become(server, 2)) & set(before))


class Reloadable(Server):
    """Its number of workers is the settings file's."""

    def __init__(self, database, workers, *options):
        self.database, self.lines = database, []
        self.process = subprocess.Popen([RACY, "serve", "--bind", "127.0.0.1:0", "--db", database, *options],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.port = int(self.await_line(r"listening at http://127\.0\.0\.1:(\d+)").group(1))
        until(lambda: len(self.workers()) == workers, "all workers at their posts")


class Requests(ArbiterCase):
    def limits(self, seed, requests):
        server = self.serve(None, "--max-requests", "3", "--max-requests-jitter", "4", "--seed", str(seed), workers=1)
        statuses = [self.ask(server).status for _ in range(requests)]
        server.end()
        self.assertEqual(statuses, [404] * requests)
        return [int(n) for n in re.findall(r"has served its (\d+) requests: leaving", server.log())]

    def test_replaced_after_so_many(self):
        server = self.serve(None, "--max-requests", "2", workers=1)
        pids = []
        for _ in range(4):
            pids += self.workers_become(server, 1)
            self.assertEqual([self.ask(server).status for _ in range(2)], [404, 404])
            until(lambda: server.workers() not in ([], pids[-1:]), "the next worker")
        self.assertEqual(len(set(pids)), 4)
        self.assertNotIn("WARNING", server.log())

    def test_jitter_by_the_seed(self):
        first = self.limits(5, 40)
        self.assertTrue(set(first) <= {3, 4, 5, 6, 7}, first)
        self.assertGreater(len(set(first)), 1, first)
        self.assertEqual(first, self.limits(5, 40))
        self.assertNotEqual(first, self.limits(6, 40))

    def test_many_clients_and_all_are_answered(self):
        server = self.serve(None, "--max-requests", "1", workers=3)
        account = server.new_account()
        self.assertEqual(Volley(server.port, [deposit("atomic_no_delay", account)] * 30).statuses().count(0), 0)


class TimedOut(ArbiterCase):
    def test_its_transaction_is_rolled_back(self):
        server = self.serve("mariadb", "--timeout", "2s", "--delay", "1000s", workers=2)
        account = server.new_account()
        volley = Volley(server.port, [deposit("row_locking_atomic_long_delay", account)])
        self.held(server, 1)
        self.assertEqual(volley.statuses(), [0])
        # The row is not locked any more, and holds nothing of it.
        reply = read_reply(send_bytes(server.port, deposit("atomic_no_delay", account)))
        self.assertEqual(reply.status, 200)
        show = server.account("show", str(account))
        self.assertEqual((show["balance"], show["transactions"]), (100, 1))

    def test_a_byte_now_and_then_does_not_hold_a_worker(self):
        server = self.serve(None, "--timeout", "2s", workers=1)
        before = server.workers()
        client = socket.create_connection(("127.0.0.1", server.port), timeout=HUNG)
        client.settimeout(0.3)
        said = b""
        try:
            for byte in b"POST /demo/" + b"x" * 100:
                client.sendall(bytes([byte]))
                try:
                    said += client.recv(1)
                    break
                except socket.timeout:
                    pass
        except ConnectionError:
            pass
        self.assertEqual(said, b"")
        server.await_line(r"the worker with pid %d was busy for more than 2 s" % before[0])
        until(lambda: server.workers() not in ([], before), "a new worker")
        self.assertEqual(self.ask(server).status, 404)

    def test_silence_costs_a_connection_and_not_a_process(self):
        server = self.serve(None, "--timeout", "2s", workers=1)
        before = server.workers()
        for said in (b"", b"POST /demo/atomic_no_delay/ HTTP/1.1\r\nHos"):
            self.assertEqual(read_reply(send_bytes(server.port, said)).status, 0)
        self.assertEqual(self.ask(server).status, 404)
        self.assertEqual(server.workers(), before, server.log())

    def test_a_stream_of_requests_is_no_long_request(self):
        """Each connection has the time-out for itself, also when the next is there before the last has gone."""
        server = self.serve(None, "--timeout", "2s", "--delay", "300ms", workers=1)
        before = server.workers()
        account = server.new_account()
        volley = Volley(server.port, [deposit("non_atomic_long_delay", account)] * 15)
        self.assertEqual(volley.statuses(), [200] * 15)
        self.assertEqual(server.workers(), before, server.log())


class PidFile(ArbiterCase):
    def test_written_and_removed(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            server = self.serve(None, "--pid", self.path("pid"))
            self.assertEqual(self.read("pid"), "%d\n" % server.process.pid)
            self.assertEqual(server.end(number), 0)
            self.assertFalse(os.path.exists(self.path("pid")))
            self.assertEqual([name for name in os.listdir(self.folder) if "pid" in name], [])

    def test_stale_ones_are_replaced(self):
        done = subprocess.Popen(["true"])
        done.wait()
        for text in ("%d\n" % done.pid, "", "no number\n"):
            self.file("pid", text)
            server = self.serve(None, "--pid", self.path("pid"), workers=1)
            self.assertEqual(self.read("pid"), "%d\n" % server.process.pid)
            server.end()

    def test_a_living_one_is_an_error(self):
        server = self.serve(None, "--pid", self.path("pid"), workers=1)
        done = subprocess.run([RACY, "serve", "-b", "0", "--db", self.sqlite(), "--pid", self.path("pid")],
                              stderr=subprocess.PIPE, text=True, timeout=HUNG, check=False)
        self.assertEqual(done.returncode, 3)
        self.assertIn("names a process that is alive, pid %d" % server.process.pid, done.stderr)
        self.assertEqual(self.read("pid"), "%d\n" % server.process.pid)

    def test_one_of_another_is_not_removed(self):
        server = self.serve(None, "--pid", self.path("pid"), workers=1)
        self.file("pid", "1\n")
        server.end()
        self.assertEqual(self.read("pid"), "1\n")

    def test_removed_also_when_the_workers_do_not_start(self):
        os.mkdir(self.path("going"))
        process = subprocess.Popen([RACY, "serve", "-b", "0", "-w", "40", "--pid", self.path("pid"), "--db",
                                    "sqlite:" + self.path("going/test.db")], stderr=subprocess.PIPE, text=True)
        for line in process.stderr:
            if "synchronous workers" in line:
                break
        os.rename(self.path("going"), self.path("gone"))
        process.stderr.read()
        process.stderr.close()
        self.assertEqual(process.wait(HUNG), 3)
        self.assertFalse(os.path.exists(self.path("pid")))


LINE = (r'127\.0\.0\.1 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] '
        r'"%s" %d %d "%s" "%s"\n')


class Logs(ArbiterCase):
    def test_accesses_as_gunicorn_tells_them(self):
        server = self.serve(None, "--access-logfile", self.path("access"))
        account = server.new_account()
        self.assertEqual(read_reply(send_bytes(server.port, deposit("atomic_no_delay", account))).status, 200)
        self.ask(server, "/no?a=b%20c", ["Referer: http://x/", 'User-Agent: a"b\\c'])
        read_reply(send_bytes(server.port, b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"))
        until(lambda: self.read("access").count("\n") >= 3, "three lines")
        server.end()
        lines = self.read("access").splitlines(True)
        self.assertRegex(lines[0], "^" + LINE % (r"POST /demo/atomic_no_delay/ HTTP/1\.1", 200, 3, "-", "-") + "$")
        self.assertRegex(lines[1], "^" + LINE % (r"GET /no\?a=b%20c HTTP/1\.1", 404, 55, "http://x/",
                                                 re.escape('a\\"b\\\\c')) + "$")
        self.assertIn('"GET / HTTP/1.1" 400 ', lines[2])
        self.assertEqual(len(lines), 3)

    def test_accesses_on_stdout(self):
        process = subprocess.Popen([RACY, "serve", "-b", "127.0.0.1:0", "-w", "1", "--db", self.sqlite(),
                                    "--access-logfile", "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        port = None
        for line in process.stderr:
            found = re.search(r"listening at http://127\.0\.0\.1:(\d+)", line)
            port = int(found.group(1)) if found else port
            if "is at its post" in line:
                break
        read_reply(send_bytes(port, request("GET", "/")))
        self.assertRegex(process.stdout.readline(), r'"GET / HTTP/1\.1" 404 \d+ "-" "-"')
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=HUNG)
        self.assertEqual(process.returncode, 0)

    def test_opened_anew_by_all(self):
        server = LoggedServer(self.sqlite(), self.path("log"), "--access-logfile", self.path("access"),
                              "--lab", "127.0.0.1:0")
        self.addCleanup(lambda: server.end(signal.SIGINT))
        (instrument,) = until(lambda: set(children(server.process.pid)) - set(server.workers()), "the instrument")
        account = server.new_account()
        self.assertRegex(server.log(), r"^\[\d{4}-\d\d-\d\d .*\] \[\d+\] \[INFO\] racy ")
        busy = Volley(server.port, [deposit("non_atomic_long_delay", account)])
        self.held(server, 1)
        for name in ("log", "access"):
            os.rename(self.path(name), self.path(name + ".1"))
        server.process.send_signal(signal.SIGUSR1)
        server.await_line(r"\(USR1\)")
        until(lambda: os.path.exists(self.path("access")), "a new access log")
        until(lambda: self.logs_of(instrument) == {self.path("log"), self.path("access")}, "the instrument writes it too")
        # The one that was in a request all the while tells it in the new file.
        self.assertEqual(busy.statuses(), [200])
        for _ in range(9):
            self.ask(server)
        until(lambda: self.read("access").count("\n") == 10, "ten lines")
        self.assertEqual(self.read("access.1"), "")
        server.process.send_signal(signal.SIGTERM)
        self.assertEqual(server.process.wait(HUNG), 0)
        self.assertIn("stopped", self.read("log"))
        self.assertNotIn("stopped", self.read("log.1"))

    def logs_of(self, pid):
        links = (os.readlink("/proc/%d/fd/%s" % (pid, fd)) for fd in os.listdir("/proc/%d/fd" % pid))
        return {link for link in links if link.startswith((self.path("log"), self.path("access")))}

    def test_a_file_that_cannot_be(self):
        for option in ("--access-logfile", "--error-logfile"):
            done = subprocess.run([RACY, "serve", "-b", "0", "--db", self.sqlite(), option, self.path("no/log")],
                                  stderr=subprocess.PIPE, text=True, timeout=HUNG, check=False)
            self.assertEqual(done.returncode, 3)
            self.assertIn("no/log cannot be opened", done.stderr)


class LoggedServer(Server):
    """Its log lines are in a file; on stderr there is nothing."""

    def __init__(self, database, path, *options):
        self.path, self.database, self.lines = path, database, []
        self.process = subprocess.Popen([RACY, "serve", "--bind", "127.0.0.1:0", "--db", database, "--delay", "1s",
                                         "--error-logfile", path, *options], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                        env={**os.environ, "XDG_STATE_HOME": os.path.dirname(path)})
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.port = int(self.await_line(r"listening at http://127\.0\.0\.1:(\d+)").group(1))
        until(lambda: len(self.workers()) == 3, "all workers at their posts")

    def log(self):
        text = "".join(self.lines)
        for name in (self.path + ".1", self.path):
            if os.path.exists(name):
                with open(name, encoding="utf-8") as file:
                    text += file.read()
        return text


class AddressInUse(ArbiterCase):
    def start(self, port):
        return subprocess.Popen([RACY, "serve", "-b", "127.0.0.1:%d" % port, "-w", "1", "--db", self.sqlite()],
                                stderr=subprocess.PIPE, text=True)

    def test_tried_five_times_again(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            process = self.start(taken.getsockname()[1])
            said = process.stderr.read()
            process.stderr.close()
            self.assertEqual(process.wait(HUNG), 3)
        self.assertEqual(re.findall(r"trying again in a second \((\d) of 5\)", said), ["1", "2", "3", "4", "5"])
        self.assertRegex(said.splitlines()[-1], "^racy serve: .* is in use by another program")

    def test_served_when_it_is_free(self):
        taken = socket.create_server(("127.0.0.1", 0))
        process = self.start(taken.getsockname()[1])
        said = ""
        for line in process.stderr:
            said += line
            if "(1 of 5)" in line:
                taken.close()
            if "is at its post" in line:
                process.send_signal(signal.SIGTERM)
        process.stderr.close()
        self.assertEqual(process.wait(HUNG), 0, said)

    def test_the_backlog_is_the_kernels(self):
        for n in (7, 300):
            server = self.serve(None, "--backlog", str(n), workers=1)
            told = subprocess.run(["ss", "-ltnH", "sport = :%d" % server.port], stdout=subprocess.PIPE, text=True,
                                  check=True).stdout.split()
            self.assertEqual(told[2], str(n))


class Inherited(ArbiterCase):
    """The socket comes from outside, as from a socket unit of systemd."""

    PASS = ("import os, sys\n"
            "for i, fd in enumerate(sys.argv[3].split(',')):\n"
            "    os.dup2(int(fd), 3 + i)\n"
            "os.environ['LISTEN_FDS'] = str(i + 1)\n"
            "os.environ['LISTEN_PID'] = str(os.getpid() + int(sys.argv[2]))\n"
            "os.execv(sys.argv[4], sys.argv[4:])\n")

    def passing(self, *sockets, other=0):
        """What goes before the command, and what goes with it. `other`: they are meant for another process."""
        # High numbers, so that none is overwritten before it was passed.
        fds = [fcntl.fcntl(one.fileno(), fcntl.F_DUPFD, 100) for one in sockets]
        for fd in fds:
            self.addCleanup(os.close, fd)
        return {"within": (sys.executable, "-c", self.PASS, "-", str(other), ",".join(map(str, fds))),
                "pass_fds": fds}

    def listening(self, host="127.0.0.1", family=socket.AF_INET):
        one = socket.create_server((host, 0), family=family)
        self.addCleanup(one.close)
        return one

    def test_it_is_served_and_waits_for_the_next(self):
        port = self.listening()
        number = port.getsockname()[1]
        first = self.serve(None, "--bind", "127.0.0.1:1", workers=2, **self.passing(port))
        self.assertEqual(first.port, number)
        self.assertEqual(self.ask(first).status, 404)
        self.assertEqual(first.end(signal.SIGTERM), 0)
        client = send_bytes(number, request("GET", "/"))
        self.serve(None, workers=1, **self.passing(port))
        self.assertEqual(read_reply(client).status, 404)

    def test_an_ipv6_one(self):
        port = self.listening("::1", socket.AF_INET6)
        self.serve(None, workers=1, host="[::1]", **self.passing(port))
        with socket.create_connection(port.getsockname()[:2], timeout=HUNG) as client:
            client.sendall(request("GET", "/"))
            self.assertEqual(client.recv(12), b"HTTP/1.1 404")

    def test_what_is_meant_for_another_is_left_alone(self):
        port = self.listening()
        server = self.serve(None, workers=1, **self.passing(port, other=1))
        self.assertNotEqual(server.port, port.getsockname()[1])

    def refused(self, *sockets):
        with_it = self.passing(*sockets)
        done = subprocess.run([*with_it["within"], RACY, "serve", "-b", "127.0.0.1:0", "--db", self.sqlite()],
                              pass_fds=with_it["pass_fds"], stderr=subprocess.PIPE, text=True, timeout=HUNG,
                              check=False)
        self.assertEqual(done.returncode, 3, done.stderr)
        return done.stderr

    def test_what_cannot_be_served(self):
        self.assertIn("2 sockets were passed", self.refused(self.listening(), self.listening()))
        with socket.socket() as idle, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams, \
             socket.socket(socket.AF_UNIX) as local, open("/dev/null", "rb") as file:
            for one in (idle, datagrams, file):
                self.assertIn("is not a listening stream socket", self.refused(one))
            local.bind(self.path("socket"))
            local.listen()
            self.assertIn("has no IPv4 or IPv6 address", self.refused(local))


class Settings(ArbiterCase):
    def ask_config(self, *args, code=0, **variables):
        plain = {name: value for name, value in os.environ.items()
                 if not name.startswith(("RACY_", "GUNICORN_", "WEB_CONC"))}
        done = subprocess.run([RACY, "serve", "--print-config", *args], env={**plain, **variables}, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=HUNG, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout if code == 0 else done.stderr

    def value(self, name, *args, **variables):
        found = [(one["value"], one["source"], one["where"])
                 for one in json.loads(self.ask_config("--json", *args, **variables)) if one["name"] == name]
        return found[0] if len(found) == 1 else found

    def test_strength(self):
        config = self.file("racy.conf", "workers = 2\n")
        self.assertEqual(self.value("workers"), ("3", "default", None))
        self.assertEqual(self.value("workers", "-c", config), ("2", "file", config + ":1"))
        self.assertEqual(self.value("workers", RACY_CONFIG=config), ("2", "file", config + ":1"))
        more = {"WEB_CONCURRENCY": "4"}
        self.assertEqual(self.value("workers", "-c", config, **more), ("4", "environment", "WEB_CONCURRENCY"))
        more["GUNICORN_WORKERS"] = "5"
        self.assertEqual(self.value("workers", "-c", config, **more), ("5", "environment", "GUNICORN_WORKERS"))
        more["RACY_WORKERS"] = "6"
        self.assertEqual(self.value("workers", "-c", config, **more), ("6", "environment", "RACY_WORKERS"))
        self.assertEqual(self.value("workers", "-c", config, "-w", "7", **more), ("7", "flag", "--workers"))
        self.assertEqual(self.value("workers", RACY_WORKERS=""), ("3", "default", None))

    def test_they_take_effect(self):
        config = self.file("racy.conf", "workers = 2\ngraceful_timeout = '7s'\n")
        process = subprocess.Popen([RACY, "serve", "-b", "0", "-c", config, "--db", self.sqlite()],
                                   env={**os.environ, "RACY_TIMEOUT": "11"}, stderr=subprocess.PIPE, text=True)
        said = ""
        for line in process.stderr:
            said += line
            if said.count("is at its post") == 2:
                process.send_signal(signal.SIGTERM)
        process.stderr.close()
        self.assertEqual(process.wait(HUNG), 0)
        self.assertIn("2 synchronous workers, time-out 11 s", said)

    def test_every_option_by_the_environment(self):
        self.assertEqual(self.value("graceful-timeout", RACY_GRACEFUL_TIMEOUT="4")[:2], ("4", "environment"))
        self.assertEqual(self.value("no-transaction", RACY_NO_TRANSACTION="yes")[:2], ("yes", "environment"))
        config = self.file("racy.conf", "set = a=b\nset = c=d\n")
        self.assertEqual([one[0] for one in self.value("set", "-c", config)], ["a=b", "c=d"])
        self.assertEqual(self.value("set", "-c", config, "--set", "x=y")[0], "x=y")

    def test_gunicorns_names_in_a_file(self):
        config = self.file("racy.conf", "pidfile = a\naccesslog = b\nerrorlog = c\nkeepalive = 4\nworker_class = gthread\n")
        self.assertEqual([self.value(name, "-c", config)[0] for name in
                          ("pid", "access-logfile", "error-logfile", "keep-alive", "worker-class")],
                         ["a", "b", "c", "4", "gthread"])
        config = self.file("racy.conf", "pid = a\npidfile = b\n")
        self.assertIn(":2: pidfile is set a second time; before at", self.ask_config("-c", config, code=2))

    def test_what_is_wrong_is_told_with_its_place(self):
        for text, told in (("\nworkers = x\n", ":2: workers: 'x' is not a whole number"),
                           ("colour = red\n", ":1: there is no setting 'colour'"),
                           ("workers = 1\nworkers = 2\n", ":2: workers is set a second time; before at"),
                           ("workers 3\n", ":1: a line is 'name = value'"),
                           ("no-transaction = maybe\n", ":1: no-transaction: 'maybe' is neither yes nor no"),
                           ("config = x\n", ":1: there is no setting 'config'"),
                           ("db = oracle:x\n", ":1: db: ")):
            config = self.file("racy.conf", text)
            with self.subTest(text=text):
                said = self.ask_config("-c", config, code=2)
                self.assertTrue(said.startswith("racy serve: " + config + told), said)
                # Also where something stronger was said.
                self.assertEqual(said, self.ask_config("-c", config, "-w", "4", "--db", self.sqlite(), code=2))
        self.assertIn("racy serve: RACY_TIMEOUT: ", self.ask_config(RACY_TIMEOUT="soon", code=2))
        self.assertIn("cannot be read: No such file", self.ask_config("-c", self.path("none"), code=2))

    def test_what_was_not_set_is_no_file(self):
        """A dash would be one: stdout or stderr."""
        said = self.ask_config("--error-logfile", "-")
        self.assertRegex(said, r"(?m)^access-logfile +\(not set\) +default$")
        self.assertRegex(said, r"(?m)^error-logfile +- +--error-logfile$")

    def test_no_password_is_shown(self):
        said = self.ask_config(RACY_DB="mysql://ann:secret@h/x") + self.ask_config("--db", "mysql://ann:secret@h/x")
        self.assertNotIn("secret", said)
        self.assertIn("mysql://ann:***@h/x", said)


if __name__ == "__main__":
    unittest.main()
