"""racy serve as a set of processes: who serves what at the same time, who dies, who replaces whom, and
what the database and the clients are left with."""

import os
import random
import re
import sqlite3
import signal
import socket
import subprocess
import time
import unittest

import subject
from subject import (HUNG, RACY, Case, Server, Volley, connections, deposit, gone, read_reply, request, send_bytes,
                     state, until)


class Rounds(Case):
    def test_five_on_three_take_two_rounds(self):
        """All write the database, which is locked: three wait at the workers, two before the port."""
        server = self.serve(None)
        account = server.new_account()
        lock = sqlite3.connect(self.sqlite()[len("sqlite:"):], isolation_level=None)
        self.addCleanup(lock.close)
        lock.execute("BEGIN IMMEDIATE")
        volley = Volley(server.port, [deposit("non_atomic_no_delay", account)] * 5)
        self.held(server, 3)
        self.assertEqual([connections(pid, server.port) for pid in server.workers()], [1, 1, 1])
        self.assertEqual(sum(thread.is_alive() for thread in volley.threads), 5)
        lock.execute("COMMIT")
        most = 0
        while any(thread.is_alive() for thread in volley.threads):
            most = max([most] + [connections(pid, server.port) for pid in server.workers()])
        self.assertLessEqual(most, 1)
        self.assertEqual(volley.statuses(), [200] * 5)
        self.assertEqual(server.account("show", str(account))["transactions"], 5)

    def test_one_worker_is_one_at_a_time(self):
        server = self.serve(None, "--delay", "50ms", workers=1)
        account = server.new_account()
        self.assertEqual(Volley(server.port, [deposit("non_atomic_long_delay", account)] * 6).statuses(), [200] * 6)
        self.assertEqual(server.account("show", str(account))["balance"], 600)

    def test_a_client_that_sends_half_a_request_holds_one_worker_only(self):
        server = self.serve(None, workers=2)
        account = server.new_account()
        half = send_bytes(server.port, deposit("atomic_no_delay", account)[:-3])
        self.held(server, 1)
        for _ in range(4):
            self.assertEqual(read_reply(send_bytes(server.port, deposit("atomic_no_delay", account))).status, 200)
        half.sendall(b"100")
        self.assertEqual(read_reply(half).status, 200)


class FirstLines(Case):
    def test_they_say_where_and_how(self):
        server = self.serve(None, "--seed", "7", "--delay", "1..2s", workers=2)
        log = server.log()
        self.assertRegex(log, r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}\] \[\d+\] \[INFO\] racy \d")
        self.assertRegex(log, r"SQLite 3\.\d+\.\d+, sessions at SERIALIZABLE: " + re.escape(self.sqlite()))
        self.assertIn("racy account create --db '%s'" % self.sqlite(), log)
        self.assertIn("2 synchronous workers, time-out 30 s, delay 1 s to 2 s, seed 7", log)
        server.new_account()
        server.end()
        self.assertNotIn("account create", self.serve().log())

    def test_mariadb_is_called_by_its_name(self):
        server = self.serve("mariadb", "--isolation", "repeatable-read")
        self.assertRegex(server.log(), r"MariaDB 1\d\.\d+\.\d+.*, sessions at REPEATABLE READ: a throw-away server")
        self.assertEqual(server.end(), 0)


class Ending(Case):
    def pidfds(self, server):
        fds = [os.pidfd_open(pid) for pid in server.workers()]
        for fd in fds:
            self.addCleanup(os.close, fd)
        return fds

    def test_term_finishes_what_is_under_way(self):
        server = self.serve(None, "--delay", "3s")
        account = server.new_account()
        volley = Volley(server.port, [deposit("atomic_long_delay", account), deposit("atomic_long_delay", account + 1)])
        self.held(server, 1)
        self.assertEqual(server.end(signal.SIGTERM), 0)
        self.assertEqual(volley.statuses(), [200, 404])
        self.assertIn("told to stop (TERM)", server.log())

    def test_term_refuses_new_clients_at_once(self):
        server = self.serve(None, "--delay", "3s")
        account = server.new_account()
        volley = Volley(server.port, [deposit("atomic_long_delay", account)])
        self.held(server, 1)
        server.process.send_signal(signal.SIGTERM)
        server.await_line("finishing the requests under way")
        until(lambda: self.refused(server), "new clients refused")
        self.assertIsNone(server.process.poll())
        self.assertEqual(volley.statuses(), [200])
        self.assertEqual(server.end(), 0)

    def test_term_is_never_lost(self):
        """Whenever it comes: during the boot, between two turns of the loop, beside a request."""
        for i in range(8):
            server = self.serve(None, "--delay", "1ms", "--graceful-timeout", "1000s")
            client = send_bytes(server.port, deposit("atomic_long_delay", 1))
            time.sleep(random.Random(i).random() * 0.02)
            self.assertEqual(server.end(signal.SIGTERM), 0)
            self.assertIn(read_reply(client).status, (0, 404))

    def test_term_during_the_boot(self):
        for i in range(8):
            process = subprocess.Popen([RACY, "serve", "-b", "0", "-w", "30", "--db", self.sqlite()], text=True,
                                       stderr=subprocess.PIPE)
            for line in process.stderr:
                if "worker 1 is at its post" in line:
                    break
            process.send_signal(signal.SIGTERM)
            process.stderr.read()
            self.assertEqual(process.wait(HUNG), 0)
            process.stderr.close()

    def test_signals_on_the_way_out(self):
        """A server of its own takes a while to stop, and impatience does not break that off."""
        server = self.serve("mariadb")
        while server.process.poll() is None:
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.001)
        self.assertEqual(server.process.returncode, 0)

    def test_graceful_timeout(self):
        server = self.serve(None, "--delay", "1000s", "--graceful-timeout", "0.3s")
        volley = Volley(server.port, [deposit("atomic_long_delay", server.new_account())])
        self.held(server, 1)
        fds = self.pidfds(server)
        self.assertEqual(server.end(signal.SIGTERM), 0)
        self.assertEqual(volley.statuses(), [0])
        self.assertIn("1 worker did not finish in time", server.log())
        self.assertTrue(all(gone(fd) for fd in fds))

    def test_int_and_quit_stop_at_once(self):
        for number in (signal.SIGINT, signal.SIGQUIT):
            server = self.serve(None, "--delay", "1000s")
            volley = Volley(server.port, [deposit("atomic_long_delay", server.new_account())])
            self.held(server, 1)
            fds = self.pidfds(server)
            self.assertEqual(server.end(number), 0)
            self.assertEqual(volley.statuses(), [0])
            self.assertTrue(all(gone(fd) for fd in fds))

    def test_a_second_signal_ends_the_patience(self):
        for second in (signal.SIGTERM, signal.SIGINT):
            server = self.serve(None, "--delay", "1000s", "--graceful-timeout", "1000s")
            volley = Volley(server.port, [deposit("atomic_long_delay", server.new_account())])
            self.held(server, 1)
            server.process.send_signal(signal.SIGTERM)
            server.await_line("finishing the requests")
            self.assertEqual(server.end(second), 0)
            self.assertEqual(volley.statuses(), [0])

    def test_ctrl_c(self):
        """The terminal sends it to all of the group, workers too."""
        server = self.serve("mariadb", "--delay", "1000s", start_new_session=True)
        volley = Volley(server.port, [deposit("atomic_long_delay", server.new_account())])
        self.held(server, 1)
        fds = self.pidfds(server)
        os.killpg(server.process.pid, signal.SIGINT)
        self.assertEqual(server.process.wait(HUNG), 0)
        self.assertEqual(volley.statuses(), [0])
        self.assertTrue(all(gone(fd) for fd in fds))

    def test_workers_leave_when_the_arbiter_is_killed(self):
        server = self.serve(None, "--delay", "3s")
        account = server.new_account()
        volley = Volley(server.port, [deposit("atomic_long_delay", account)])
        self.held(server, 1)
        fds = self.pidfds(server)
        self.assertEqual(len(fds), 3)
        server.process.kill()
        # The request under way is finished first.
        self.assertEqual(volley.statuses(), [200])
        self.assertTrue(all(gone(fd) for fd in fds))
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", server.port), timeout=HUNG)

    def test_a_worker_without_an_arbiter_takes_no_new_request(self):
        server = self.serve(None, "--delay", "3s", workers=1)
        account = server.new_account()
        volley = Volley(server.port, [deposit("atomic_long_delay", account)])
        self.held(server, 1)
        waiting = Volley(server.port, [deposit("atomic_long_delay", account)] * 3)
        server.process.kill()
        self.assertEqual(volley.statuses() + waiting.statuses(), [200, 0, 0, 0])

    def refused(self, server):
        try:
            socket.create_connection(("127.0.0.1", server.port), timeout=HUNG).close()
            return False
        except ConnectionError:
            return True

    def test_a_worker_without_an_arbiter_closes_the_port(self):
        server = self.serve(workers=1)
        half = send_bytes(server.port, deposit("atomic_no_delay", 1)[:-3])
        self.held(server, 1)
        server.process.kill()
        until(lambda: self.refused(server), "new clients refused")
        half.sendall(b"100")
        self.assertEqual(read_reply(half).status, 404)

    def test_a_worker_without_an_arbiter_does_not_wait_for_ever(self):
        server = self.serve(None, "--graceful-timeout", "0.3s", "--timeout", "1000s", workers=1)
        half = send_bytes(server.port, deposit("atomic_no_delay", 1)[:-3])
        self.held(server, 1)
        fds = self.pidfds(server)
        server.process.kill()
        self.assertTrue(gone(fds[0]))
        self.assertEqual(read_reply(half).status, 0)

    def test_who_waits_to_leave_does_not_spin(self):
        server = self.serve(None, "--graceful-timeout", "1000s", "--timeout", "1000s", workers=1)
        half = send_bytes(server.port, deposit("atomic_no_delay", 1)[:-3])
        self.held(server, 1)
        pid = server.workers()[0]
        server.process.send_signal(signal.SIGTERM)
        server.await_line("finishing the requests")
        before = subject.cpu_seconds(pid)
        time.sleep(1)
        self.assertLess(subject.cpu_seconds(pid) - before, 0.15)
        half.sendall(b"100")
        self.assertEqual(read_reply(half).status, 404)
        self.assertEqual(server.end(), 0)

    def test_the_port_is_free_again(self):
        server = self.serve()
        port = server.port
        self.assertEqual(read_reply(send_bytes(port, request("GET", "/"))).status, 404)
        self.assertEqual(server.end(), 0)
        again = Server(self.sqlite(), "--bind", "127.0.0.1:%d" % port)
        self.assertEqual(again.port, port)
        self.assertEqual(again.end(), 0)


class Replacing(Case):
    def replaced(self, server, pid, n=3):
        until(lambda: pid not in server.workers() and len(server.workers()) == n, "a new worker for pid %d" % pid)

    def no_zombies(self, server):
        children = [int(name) for name in os.listdir("/proc") if name.isdigit()]
        self.assertEqual([pid for pid in children if state(pid) == ("Z", server.process.pid)], [])

    def test_killed_as_soon_as_it_is_at_its_post(self):
        """That is not a failure to start."""
        for _ in range(10):
            process = subprocess.Popen([RACY, "serve", "-b", "0", "-w", "1", "--db", self.sqlite()], text=True,
                                       stderr=subprocess.PIPE)
            posts = 0
            for line in process.stderr:
                found = re.search(r"is at its post, pid (\d+)", line)
                posts += bool(found)
                if found and posts == 1:
                    os.kill(int(found.group(1)), signal.SIGKILL)
                elif found:
                    process.send_signal(signal.SIGINT)
            process.stderr.close()
            self.assertEqual((process.wait(HUNG), posts), (0, 2))

    def test_idle_workers_are_replaced(self):
        server = self.serve()
        account = server.new_account()
        for number, told in ((signal.SIGKILL, "was ended by signal 9"), (signal.SIGTERM, "ended with code 0"),
                             (signal.SIGINT, "ended with code 130"), (signal.SIGQUIT, "ended with code 131"),
                             (signal.SIGABRT, "ended with code 134"), (signal.SIGKILL, "was ended by signal 9")):
            pid = server.workers()[0]
            os.kill(pid, number)
            self.replaced(server, pid)
            self.assertIn("the worker with pid %d %s" % (pid, told), server.log())
            self.no_zombies(server)
            self.assertEqual(read_reply(send_bytes(server.port, deposit("atomic_no_delay", account))).status, 200)
        self.assertEqual(server.account("show", str(account))["balance"], 600)

    def test_whoever_started_it_ignored_the_ends_of_children(self):
        server = self.serve(preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
        pid = server.workers()[0]
        os.kill(pid, signal.SIGKILL)
        self.replaced(server, pid)
        self.assertIn("the worker with pid %d was ended by signal 9" % pid, server.log())
        self.assertEqual(server.end(), 0)

    def killed_in_a_request(self, database):
        """At a random moment of a request: it may be unanswered and done, the others never notice."""
        server = self.serve(database, "--delay", "40ms")
        account = server.new_account()
        statuses = []
        for seed in range(10):
            rng = random.Random(seed)
            volley = Volley(server.port, [deposit("row_locking_atomic_long_delay", account)] * 3)
            time.sleep(rng.random() * 0.15)
            victim = rng.choice(server.workers())
            os.kill(victim, signal.SIGKILL)
            self.assertIn(sorted(volley.statuses()), ([0, 200, 200], [200, 200, 200]), server.log())
            statuses += volley.statuses()
            self.replaced(server, victim)
            self.no_zombies(server)
        show = server.account("show", str(account))
        self.assertEqual(show["difference"], 0)
        self.assertEqual(show["balance"], 100 * show["transactions"])
        self.assertGreaterEqual(show["transactions"], statuses.count(200))
        self.assertLessEqual(show["transactions"], len(statuses))
        self.assertIn(0, statuses, "no kill met a request: the test has shown nothing")

    def test_kill_in_a_request_on_sqlite(self):
        self.killed_in_a_request(None)

    def test_kill_in_a_request_on_mariadb(self):
        self.killed_in_a_request("mariadb")

    def test_busy_for_longer_than_the_timeout(self):
        server = self.serve(None, "--timeout", "3s", "--delay", "1000s")
        account = server.new_account()
        before = set(server.workers())
        self.assertEqual(Volley(server.port, [deposit("non_atomic_long_delay", account)]).statuses(), [0])
        victim = int(server.await_line(r"the worker with pid (\d+) was busy for more than 3 s").group(1))
        self.replaced(server, victim)
        self.no_zombies(server)
        # The others did not notice.
        self.assertEqual(len(before & set(server.workers())), 2)
        self.assertEqual(read_reply(send_bytes(server.port, deposit("atomic_no_delay", account))).status, 200)
        self.assertEqual(server.account("show", str(account))["transactions"], 1)

    def test_no_timeout(self):
        server = self.serve(None, "--timeout", "0", "--delay", "2.5s")
        self.assertIn("time-out none", server.log())
        volley = Volley(server.port, [deposit("atomic_long_delay", server.new_account())])
        self.held(server, 1)
        time.sleep(1.2)
        server.process.send_signal(signal.SIGCHLD)  # whatever wakes the arbiter, it does not look
        self.assertEqual(volley.statuses(), [200])

    def test_one_that_does_not_even_abort(self):
        server = self.serve(None, "--timeout", "1s")
        victim = server.workers()[1]
        os.kill(victim, signal.SIGSTOP)
        server.await_line(r"the worker with pid %d gave no sign of life for more than 1 s: still there, killed" % victim)
        self.replaced(server, victim)

    def test_idle_workers_live_on(self):
        """Also where the time-out is shorter than the second between two looks."""
        server = self.serve(None, "--timeout", "0.9s")
        before = server.workers()
        looks = time.monotonic() + 3.5
        while time.monotonic() < looks:
            self.assertEqual(server.workers(), before)
            time.sleep(0.1)

    def test_all_stopped_and_continued(self):
        """As Ctrl-Z does it: nobody's silence is held against him."""
        server = self.serve(None, "--timeout", "2s", start_new_session=True)
        before = server.workers()
        os.killpg(server.process.pid, signal.SIGSTOP)
        until(lambda: state(server.process.pid)[0] == "T", "stopped")
        time.sleep(4)
        # The arbiter first, so that it looks before a worker could show that it lives.
        server.process.send_signal(signal.SIGCONT)
        until(lambda: state(server.process.pid)[0] == "S", "the arbiter waits again")
        os.killpg(server.process.pid, signal.SIGCONT)
        looks = time.monotonic() + 2.5
        while time.monotonic() < looks:
            self.assertEqual(server.workers(), before, server.log())
            time.sleep(0.1)

    def test_a_crash_loop_is_slowed_down(self):
        server = self.serve(None, workers=1)
        began = time.monotonic()
        for _ in range(5):
            pid = until(server.workers, "a worker")[0]
            os.kill(pid, signal.SIGKILL)
            until(lambda victim=pid: victim not in server.workers(), "it is gone")
        until(server.workers, "a worker")
        # The first had lived for long enough; each of the other four waits for its quarter of a second.
        self.assertGreaterEqual(time.monotonic() - began, 0.9)


class DatabaseAway(Case):
    def ask(self, server, account):
        return read_reply(send_bytes(server.port, deposit("atomic_no_delay", account)))

    def refused(self, server, account, reasons):
        reply = self.ask(server, account)
        self.assertEqual((reply.status, reply.headers["retry-after"]), (503, "1"))
        self.assertIn(reply.headers["x-racy-refused"], reasons)
        self.assertEqual(reply.body.count(b"\n"), 1)

    def test_away_and_back(self):
        mariadb = subject.MariaDB(self.folder)
        self.addCleanup(mariadb.kill)
        server = self.serve(mariadb.url())
        account = server.new_account()
        before = server.workers()
        self.assertEqual(self.ask(server, account).status, 200)
        mariadb.kill()
        for _ in range(6):
            self.refused(server, account, ("lost", "unavailable"))
        # A worker that starts meanwhile waits for the database as the others do.
        os.kill(before[0], signal.SIGKILL)
        until(lambda: len(server.workers()) == 3, "a new worker")
        self.refused(server, account, ("lost", "unavailable"))
        mariadb.start()
        # A worker that has not been asked meanwhile meets its broken connection once.
        statuses = [self.ask(server, account).status for _ in range(12)]
        self.assertLessEqual(statuses.count(503), 2)
        self.assertEqual(statuses[-1], 200)
        self.assertEqual(set(statuses) - {200, 503}, set())
        self.assertEqual(set(before) - set(server.workers()), {before[0]})
        self.assertEqual(server.account("show", str(account))["balance"], 100 + 100 * statuses.count(200))

    def test_lost_in_the_middle(self):
        """The connection breaks while a request pauses inside of its transaction."""
        mariadb = subject.MariaDB(self.folder)
        self.addCleanup(mariadb.kill)
        server = self.serve(mariadb.url(), "--delay", "3s")
        account = server.new_account()
        volley = Volley(server.port, [deposit("atomic_long_delay", account)])
        self.held(server, 1)
        mariadb.kill()
        reply = volley.replies()[0]
        self.assertEqual((reply.status, reply.headers["x-racy-refused"]), (503, "lost"))
        mariadb.start()
        self.assertEqual(server.account("show", str(account))["transactions"], 0)


    def test_lost_in_the_commit(self):
        """Nobody can tell then: it is not called refused, and nobody is asked to try again."""
        mariadb = subject.MariaDB(self.folder)
        self.addCleanup(mariadb.kill)
        path = os.path.join(self.folder, "cut")
        cut = subject.Cut(path, mariadb.socket, b"COMMIT")
        self.addCleanup(cut.close)
        cut.armed = False
        server = self.serve("mysql://root@/shop?socket=" + path)
        account = server.new_account()
        cut.armed = True
        reply = self.ask(server, account)
        self.assertEqual((reply.status, reply.headers["x-racy-refused"]), (503, "lost"))
        self.assertNotIn("retry-after", reply.headers)
        self.assertIn(b"may have been done or not", reply.body)
        self.assertEqual(server.account("show", str(account))["balance"], 100)
        self.assertEqual(self.ask(server, account).status, 200)


class CannotStart(Case):
    def run_serve(self, *args):
        done = subprocess.run([RACY, "serve", *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=HUNG, check=False)
        self.assertEqual(done.stdout, "")
        return done.returncode, done.stderr

    def test_port_in_use(self):
        server = self.serve()
        code, said = self.run_serve("-b", "127.0.0.1:%d" % server.port, "--db", self.sqlite())
        self.assertEqual(code, 3)
        self.assertRegex(said, r"racy serve: 127\.0\.0\.1:\d+ is in use .*choose another port")

    def test_unknown_host(self):
        code, said = self.run_serve("-b", "no-such-host.invalid:8000", "--db", self.sqlite())
        self.assertEqual(code, 3)
        self.assertIn("no-such-host.invalid", said)

    def test_bad_flags(self):
        for args in (["-w", "0"], ["-w", "1001"], ["-w", "three"], ["-w", "-1"], ["-t", "-1"], ["-t", "soon"],
                     ["--delay", "2..1"], ["--delay", "x"], ["--delay", ""], ["--graceful-timeout", "1h"],
                     ["--seed", "-1"], ["--seed", "x"], ["-b", "8000x"], ["-b", "::1:80"], ["-b", ""],
                     ["--isolation", "strict"], ["--set", "novalue"], ["--db", "oracle:x"], ["--db", ""],
                     ["--unheard-of"], ["operand"], ["-w"]):
            with self.subTest(args=args):
                code, said = self.run_serve(*args, *([] if "--db" in args else ["--db", self.sqlite()]))
                self.assertEqual(code, 2, said)
                self.assertRegex(said.splitlines()[-1], "^racy serve: .")

    def test_help(self):
        done = subprocess.run([RACY, "serve", "--help"], stdout=subprocess.PIPE, text=True, timeout=HUNG, check=True)
        for option in ("--bind", "--workers", "--timeout", "--graceful-timeout", "--delay", "--db", "--isolation",
                       "--set", "--seed"):
            self.assertIn(option, done.stdout)

    def test_no_database(self):
        for url in ("mysql://nobody@127.0.0.1:1/shop", "mysql://root@/shop?socket=" + self.folder + "/none",
                    "sqlite:" + self.folder + "/none/test.db"):
            with self.subTest(url=url):
                code, said = self.run_serve("-b", "0", "--db", url)
                self.assertEqual(code, 3, said)
                self.assertRegex(said.splitlines()[-1], "^racy serve: .")

    def test_workers_without_a_database(self):
        """It was there for the arbiter, and is not for the workers: all stops, nobody stays."""
        folder = os.path.join(self.folder, "going")
        os.mkdir(folder)
        process = subprocess.Popen([RACY, "serve", "-b", "0", "-w", "40", "--db", "sqlite:" + folder + "/test.db"],
                                   stderr=subprocess.PIPE, text=True)
        for line in process.stderr:
            if "synchronous workers" in line:
                break
        os.rename(folder, folder + "2")
        said = process.stderr.read()
        process.stderr.close()
        self.assertEqual(process.wait(HUNG), 3, said)
        self.assertRegex(said, r"worker \d+ cannot start: .")
        self.assertIn("the workers do not start: stopping", said)


if __name__ == "__main__":
    unittest.main()
