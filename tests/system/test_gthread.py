"""Threaded workers: one process that serves several requests at a time is a race like several processes are,
and keeps the same promises when it is told to leave."""

import json
import os
import re
import signal
import socket
import subprocess
import threading
import unittest

from lab import Home
from subject import HUNG, RACY, Case, Reply, Volley, connections, deposit, read_reply, request, send_bytes, until

DELAY = ("--delay", "150ms..300ms")  # long beside a statement, so that three threads surely overlap


class Run(Home):
    def race(self, variant, *args, code):
        return self.json_of("run", "deposit/" + variant, *DELAY, *args, code=code)

    def check_lost(self, result):
        self.assertEqual(result["verdict"], "violated")
        self.assertEqual(result["overlap"]["max_in_flight"], 3)
        self.assertGreaterEqual(result["lost_updates"], 3)

    def test_three_threads_of_one_worker_lose(self):
        for database in (self.sqlite(), "mariadb"):
            with self.subTest(database):
                result = self.race("non_atomic_long_delay", "-w", 1, "--threads", 3, "--db", database, code=1)
                self.check_lost(result)
                self.assertEqual((result["workers"], result["worker_class"], result["threads"]), (1, "gthread", 3))
                self.assertTrue(result["overlap"]["possible"])
                self.assertEqual(result["overlap"]["seen_by"], "workers")

    def test_one_worker_or_thread_loses_none(self):
        for kind in ("sync", "gthread"):
            for database in (self.sqlite(), "mariadb"):
                with self.subTest(kind=kind, database=database):
                    result = self.race("non_atomic_no_delay", "-w", 1, "-k", kind, "--db", database, code=0)
                    self.assertEqual((result["lost_updates"], result["actual_balance"]), (0, 1000))
                    self.assertEqual(result["overlap"]["max_in_flight"], 1)
                    self.assertTrue(result["serial_by_construction"])

    def test_row_locking_holds_between_threads(self):
        for database in (self.sqlite(), "mariadb"):
            with self.subTest(database):
                result = self.json_of("run", "deposit/row_locking_atomic_long_delay", "--delay", "20ms", "-w", 1,
                                      "--threads", 3, "--db", database, code=0)
                self.assertEqual((result["verdict"], result["missing"], result["transactions"]), ("none_seen", 0, 10))
                self.assertEqual(result["overlap"]["max_in_flight"], 3)
                self.assertGreater(result["overlap"]["pairs"], 0)

    def test_processes_and_threads_multiply(self):
        result = self.race("non_atomic_long_delay", "-w", 2, "--threads", 3, "-n", 12, code=1)
        self.assertEqual(result["overlap"]["max_in_flight"], 6)

    def test_each_thread_records_in_a_slot_of_its_own(self):
        path = os.path.join(self.home, "trace")
        self.race("non_atomic_long_delay", "-w", 2, "--threads", 3, "--trace", path, code=1)
        with open(path, encoding="ascii") as file:
            events = [json.loads(line) for line in file]
        self.assertEqual({event["slot"] for event in events}, set(range(6)))
        self.assertEqual({event["generation"] for event in events}, {1})

    def test_one_processor_is_enough_to_lose(self):
        self.check_lost(self.race("non_atomic_long_delay", "--cpus", 1, code=1))
        result = self.race("non_atomic_long_delay", "--cpus", 1, "-w", 1, "--threads", 3, code=1)
        self.check_lost(result)
        self.assertEqual(result["cpus"], 1)

    def test_workers_stay_on_the_processors_that_they_may_use(self):
        process = self.start("run", "deposit/non_atomic_long_delay", "--delay", "1000s", "--cpus", 1, "-w", 2,
                             "--threads", 2, "--timeout", 0)
        lowest = min(os.sched_getaffinity(0))

        def leaves(pid):
            with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as file:
                below = [int(word) for word in file.read().split()]
            return [leaf for child in below for leaf in leaves(child)] or [pid]

        def look():
            threads = [int(tid) for pid in leaves(process.pid) if pid != process.pid
                       for tid in os.listdir("/proc/%d/task" % pid)]
            # The main thread and two others, of each.
            return len(threads) == 6 and all(os.sched_getaffinity(tid) == {lowest} for tid in threads)
        until(look, "all threads on one processor")
        process.send_signal(signal.SIGINT)

    def test_more_processors_than_there_are(self):
        there = len(os.sched_getaffinity(0))
        done = self.racy("run", "deposit/atomic_no_delay", "--cpus", there + 1, code=2)
        self.assertIn("--cpus %d: the workers may use %d" % (there + 1, there), done.stderr)

    def test_bad_values(self):
        for args, words in ((("-k", "eventlet"), "'eventlet' is no kind of worker: sync or gthread"),
                            (("--threads", "0"), "threads"), (("--threads", "257"), "threads")):
            for command in (("run", "deposit/atomic_no_delay"), ("serve",)):
                with self.subTest(args=args, command=command):
                    self.assertIn(words, self.racy(*command, *args, code=2).stderr)


class Settings(Home):
    def shown(self, *args, **variables):
        done = subprocess.run([RACY, "serve", "--print-config", "--json", *args], env={**self.env, **variables},
                              text=True, check=True, capture_output=True, timeout=HUNG)
        return {item["name"]: (item["value"], item["source"]) for item in json.loads(done.stdout)}

    def test_from_each_place(self):
        self.assertEqual([self.shown()[name] for name in ("worker-class", "threads", "keep-alive")],
                         [("sync", "default"), ("1", "default"), ("2s", "default")])
        path = os.path.join(self.home, "racy.conf")
        with open(path, "w", encoding="ascii") as file:
            file.write("worker_class = gthread\nthreads = 4\nkeep_alive = 5s\n")
        found = self.shown("-c", path, "--keep-alive", "1s", RACY_THREADS="3")
        self.assertEqual([found[name] for name in ("worker-class", "threads", "keep-alive")],
                         [("gthread", "file"), ("3", "environment"), ("1s", "flag")])

    def test_a_bad_value_is_told_with_its_place(self):
        done = subprocess.run([RACY, "serve", "--print-config"], env={**self.env, "RACY_WORKER_CLASS": "tornado"},
                              text=True, capture_output=True, timeout=HUNG)
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, "RACY_WORKER_CLASS.*'tornado' is no kind of worker")


class Client:
    """A connection on which replies are read by their length."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=HUNG)
        self.data = b""

    def ask(self, data):
        self.socket.sendall(data)
        return self.reply()

    def reply(self):
        while b"\r\n\r\n" not in self.data:
            self.more()
        head, _, rest = self.data.partition(b"\r\n\r\n")
        length = int(re.search(rb"(?i)content-length: (\d+)", head).group(1))
        while len(self.data) < len(head) + 4 + length:
            self.more()
        end = len(head) + 4 + length
        reply, self.data = Reply(self.data[:end]), self.data[end:]
        return reply

    def more(self):
        more = self.socket.recv(65536)
        if not more:
            raise EOFError
        self.data += more

    def ended(self):
        """The server closes the connection without another word."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True


class Serve(Case):
    def threaded(self, *options, threads=3, database=None, **more):
        return self.serve(database, "--threads", str(threads), "--seed", "7", *options, **{"workers": 1, **more})

    def test_it_says_what_it_is(self):
        log = self.threaded().log()
        self.assertIn("3 threads are not for sync workers: gthread workers are started instead", log)
        self.assertIn("1 gthread worker of 3 threads, time-out 30 s", log)
        log = self.threaded("-k", "gthread", threads=1, workers=2).log()
        self.assertNotIn("not for sync", log)
        self.assertIn("2 gthread workers of 1 thread each", log)

    def test_three_at_a_time_in_one_process_lose(self):
        for database in (None, "mariadb"):
            with self.subTest(database):
                server = self.threaded("--delay", "1s", database=database)
                account = server.new_account()
                volley = Volley(server.port, [deposit("non_atomic_long_delay", account)] * 3)
                self.held(server, 3)
                self.assertEqual(len(server.workers()), 1)
                self.assertEqual(volley.statuses(), [200] * 3)
                found = server.account("show", str(account))
                self.assertEqual(found["transactions"], 3)
                self.assertLess(found["balance"], 300)

    def test_one_sync_worker_loses_none_of_the_same(self):
        server = self.serve(None, "--delay", "50ms", workers=1)
        account = server.new_account()
        self.assertEqual(Volley(server.port, [deposit("non_atomic_long_delay", account)] * 3).statuses(), [200] * 3)
        self.assertEqual(server.account("show", str(account))["balance"], 300)

    def test_a_connection_is_kept(self):
        server = self.threaded("--keep-alive", "1000s")
        account = server.new_account()
        client = Client(server.port)
        for _ in range(5):
            reply = client.ask(deposit("atomic_no_delay", account))
            self.assertEqual((reply.status, reply.headers.get("connection", "").lower()), (200, ""))
        # Several in one piece are answered in turn.
        client.socket.sendall(deposit("atomic_no_delay", account) * 2)
        self.assertEqual([client.reply().status, client.reply().status], [200, 200])
        self.assertEqual(server.account("show", str(account))["balance"], 700)
        last = client.ask(request("POST", "/demo/atomic_no_delay/", b"account=1&amount=1",
                                  headers=["Connection: close"]))
        self.assertEqual(last.headers["connection"].lower(), "close")
        self.assertTrue(client.ended())

    def test_a_kept_connection_is_closed_in_time(self):
        server = self.threaded("-k", "gthread", "--keep-alive", "10ms", threads=1)
        client = Client(server.port)
        self.assertEqual(client.ask(deposit("atomic_no_delay", 1)).status, 404)
        self.assertTrue(client.ended())
        # And its thread is free again.
        self.assertEqual(Client(server.port).ask(deposit("atomic_no_delay", 1)).status, 404)

    def test_who_keeps_a_connection_idle_holds_nobody_up(self):
        server = self.threaded("--keep-alive", "1000s", threads=2)
        idle = [Client(server.port) for _ in range(2)]
        for client in idle:
            self.assertEqual(client.ask(deposit("atomic_no_delay", 1)).status, 404)
        self.assertEqual(Client(server.port).ask(deposit("atomic_no_delay", 1)).status, 404)

    def test_who_keeps_a_connection_busy_holds_nobody_up(self):
        server = self.threaded("-k", "gthread", "--keep-alive", "1000s", threads=1)
        client, replies = Client(server.port), []

        def ask_for_ever():
            while not replies or "connection" not in replies[-1].headers:
                replies.append(client.ask(deposit("atomic_no_delay", 1)))
        thread = threading.Thread(target=ask_for_ever, daemon=True)
        thread.start()
        until(lambda: replies, "a first reply")
        self.assertEqual(Client(server.port).ask(deposit("atomic_no_delay", 1)).status, 404)
        thread.join(HUNG)
        # Told before it was closed, so that no request met a closed connection.
        self.assertEqual(replies[-1].headers["connection"].lower(), "close")

    def test_nothing_is_kept_of_sync_workers_nor_without_time(self):
        for options in (("-k", "sync"), ("-k", "gthread", "--keep-alive", "0")):
            with self.subTest(options):
                client = Client(self.threaded(*options, threads=1).port)
                self.assertEqual(client.ask(deposit("atomic_no_delay", 1)).headers["connection"].lower(), "close")
                self.assertTrue(client.ended())

    def test_a_refused_request_is_the_last(self):
        client = Client(self.threaded("--keep-alive", "1000s").port)
        reply = client.ask(request("GET", "/", headers=["Host: another"]))
        self.assertEqual((reply.status, reply.headers["connection"].lower()), (400, "close"))
        self.assertTrue(client.ended())

    def test_who_never_comes_to_an_end_is_cut_off(self):
        """A byte now and then moves something: no idle time-out ends it, and no arbiter either."""
        server = self.threaded("-k", "gthread", "--timeout", "2s", threads=1)
        client = socket.create_connection(("127.0.0.1", server.port), timeout=HUNG)
        stop = threading.Event()

        def drip():
            try:
                while not stop.wait(0.1):
                    client.send(b"x")
            except OSError:
                pass
        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        self.addCleanup(client.close)
        self.addCleanup(stop.set)
        self.assertEqual(read_reply(send_bytes(server.port, request("POST", "/demo/atomic_no_delay/",
                                                                    b"account=1&amount=1"))).status, 404)
        self.assertNotIn("ended", server.log())

    def test_the_time_out_does_not_bound_a_request(self):
        """The main thread gives the signs of life: who knows Gunicorn's gthread knows it."""
        server = self.threaded("--timeout", "1s", "--delay", "4s")
        account = server.new_account()
        pids = server.workers()
        self.assertEqual(Volley(server.port, [deposit("atomic_long_delay", account)]).statuses(), [200])
        self.assertEqual(server.workers(), pids)

    def test_term_in_a_volley_loses_nothing_that_was_answered(self):
        server = self.threaded("--delay", "20ms", workers=2)
        account = server.new_account()
        answered, lock, enough = [], threading.Lock(), threading.Event()

        def fire():
            try:
                client = Client(server.port)
                while True:
                    if client.ask(deposit("row_locking_atomic_long_delay", account)).status == 200:
                        with lock:
                            answered.append(1)
                            if len(answered) > 20:
                                enough.set()
            except (OSError, EOFError):
                pass
        threads = [threading.Thread(target=fire, daemon=True) for _ in range(6)]
        for thread in threads:
            thread.start()
        self.assertTrue(enough.wait(HUNG))
        self.assertEqual(server.end(signal.SIGTERM), 0)
        for thread in threads:
            thread.join(HUNG)
        found = server.account("show", str(account))
        # Every client got the answer to what was under way: neither more nor less is there.
        self.assertEqual(found["transactions"], len(answered))
        self.assertEqual(found["balance"], 100 * len(answered))

    def test_term_finishes_what_is_under_way(self):
        server = self.threaded("--delay", "2s", "--keep-alive", "1000s")
        account = server.new_account()
        idle = Client(server.port)
        self.assertEqual(idle.ask(deposit("atomic_no_delay", account)).status, 200)
        volley = Volley(server.port, [deposit("non_atomic_long_delay", account)] * 2)
        self.held(server, 3)
        until(lambda: server.account("show", str(account))["balance"] == 100, "one is done")
        self.assertEqual(server.end(signal.SIGTERM), 0)
        self.assertEqual(volley.statuses(), [200] * 2)
        self.assertTrue(idle.ended())

    def test_who_is_late_is_ended(self):
        server = self.threaded("--delay", "1000s", "--graceful-timeout", "1s")
        account = server.new_account()
        volley = Volley(server.port, [deposit("atomic_long_delay", account)])
        self.held(server, 1)
        self.assertEqual(server.end(signal.SIGTERM), 0)
        self.assertEqual(volley.statuses(), [0])
        self.assertEqual(server.account("show", str(account))["transactions"], 0)

    def test_max_requests_counts_over_all_threads(self):
        server = self.threaded("--max-requests", "6", "--keep-alive", "1000s")
        account = server.new_account()
        first = server.workers()
        clients = [Client(server.port) for _ in range(3)]
        for _ in range(2):
            for client in clients:
                self.assertEqual(client.ask(deposit("atomic_no_delay", account)).status, 200)
        server.await_line("has served its 6 requests")
        self.assertTrue(all(client.ended() for client in clients))
        until(lambda: server.workers() and server.workers() != first, "another worker")
        self.assertEqual(server.account("show", str(account))["balance"], 600)

    def test_access_lines_are_whole(self):
        path = os.path.join(self.folder, "access.log")
        server = self.threaded("--access-logfile", path, threads=4)
        agent = "a" * 500
        wanted = 4 * 50

        def fire(i):
            client = Client(server.port)
            for _ in range(50):
                client.ask(request("GET", "/nothing%d/" % i, headers=["User-Agent: " + agent]))
        threads = [threading.Thread(target=fire, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(HUNG)
        server.end(signal.SIGTERM)
        with open(path, encoding="ascii") as file:
            lines = file.read().splitlines()
        self.assertEqual(len(lines), wanted)
        for line in lines:
            self.assertRegex(line, r'^127\.0\.0\.1 - - \[[^]]+\] "GET /nothing\d/ HTTP/1\.1" 404 \d+ "-" "a{500}"$')


if __name__ == "__main__":
    unittest.main()
