"""The arbiter under load: a hundred signals in random order, and clients that never ask."""

import os
import random
import resource
import signal
import sqlite3
import threading
import unittest

import subject
from subject import HUNG, Case, children, deposit, pss, read_reply, send_bytes, state, until


class Load:
    """Deposits of amounts that are used once each, again and again until told to end. What came back is kept."""

    def __init__(self, port, account, clients=6):
        self.port, self.account, self.ended = port, account, False
        self.lock, self.next, self.told = threading.Lock(), 1, {}
        self.threads = [threading.Thread(target=self._fire, daemon=True) for _ in range(clients)]
        for thread in self.threads:
            thread.start()

    def _fire(self):
        while not self.ended:
            with self.lock:
                amount, self.next = self.next, self.next + 1
            try:
                client = send_bytes(self.port, deposit("row_locking_atomic_long_delay", self.account, amount))
                data = self._all(client)
            except OSError:
                data = b""
            with self.lock:
                self.told[amount] = data

    @staticmethod
    def _all(client):
        data = b""
        with client:
            try:
                while True:
                    more = client.recv(65536)
                    if not more:
                        return data
                    data += more
            except ConnectionResetError:
                return data

    def end(self):
        self.ended = True
        for thread in self.threads:
            thread.join(HUNG)
            assert not thread.is_alive(), "a request hangs"


class Signals(Case):
    SEED = int(os.environ.get("RACY_TEST_SEED", "41"))

    def recorded(self, account):
        with sqlite3.connect(self.sqlite()[len("sqlite:"):]) as db:
            amounts = [row[0] for row in db.execute("SELECT amount FROM demo_transaction WHERE account_id = ?",
                                                    (account,))]
            balance = db.execute("SELECT balance FROM demo_account WHERE id = ?", (account,)).fetchone()[0]
        return amounts, balance

    def storm(self, to_arbiter, to_workers, times, *options):
        rng = random.Random(self.SEED)
        server = self.serve(None, "--delay", "1ms..20ms", "--access-logfile", os.path.join(self.folder, "access"),
                            *options)
        account = server.new_account()
        load = Load(server.port, account)
        group = set()
        for _ in range(times):
            done = len(load.told)
            group |= set(server.workers())
            number = rng.choice(to_arbiter + to_workers)
            if number in to_arbiter:
                server.process.send_signal(number)
            else:
                try:
                    os.kill(rng.choice(until(server.workers, "a worker")), number)
                except ProcessLookupError:
                    pass
            # The next one meets others at work.
            until(lambda n=done: len(load.told) > n, "a request ends after %s (seed %d)\n%s" %
                  (number, self.SEED, server.log()[-3000:]))
        load.end()
        group |= set(server.workers())
        until(lambda: sorted(children(server.process.pid)) == sorted(server.workers()), "no zombie, nobody leaving")
        self.assertTrue(server.workers())
        self.assertEqual([pid for pid in children(server.process.pid) if state(pid)[0] == "Z"], [])
        self.assertEqual(server.end(), 0, server.log()[-3000:])
        until(lambda: not [pid for pid in group if state(pid)[0] != "gone"], "no orphan")
        self.check(load, account)
        return load

    def check(self, load, account):
        why = "seed %d" % self.SEED
        amounts, balance = self.recorded(account)
        answered = [amount for amount, data in load.told.items() if data.startswith(b"HTTP/1.1 200 ")]
        for amount, data in load.told.items():
            self.assertLessEqual(data.count(b"HTTP/1.1 "), 1, why)
        self.assertEqual(len(amounts), len(set(amounts)), "carried out twice: " + why)
        self.assertEqual(set(answered) - set(amounts), set(), "answered and missing: " + why)
        self.assertEqual(balance, sum(amounts), why)
        self.assertGreater(len(answered), 50, why)

    TO_ARBITER = [signal.SIGTTIN, signal.SIGTTOU, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2]
    THREADS = ("--threads", "3", "--keep-alive", "0")

    def all_kinds(self, *options):
        """Whoever is killed gives no answer; that is all that may happen to anybody."""
        self.storm(self.TO_ARBITER, [signal.SIGTERM, signal.SIGKILL, signal.SIGABRT, signal.SIGINT, signal.SIGQUIT,
                                     *self.TO_ARBITER], 100, *options)

    def gentle_ones(self, *options):
        load = self.storm(self.TO_ARBITER, [signal.SIGTERM], 60, *options)
        silent = [amount for amount, data in load.told.items() if not data.startswith(b"HTTP/1.1 ")]
        self.assertEqual(silent, [], "seed %d" % self.SEED)

    def test_a_hundred_of_all_kinds(self):
        self.all_kinds()

    def test_a_hundred_of_all_kinds_to_threaded_workers(self):
        self.all_kinds(*self.THREADS)

    def test_the_gentle_ones_cost_nobody_an_answer(self):
        self.gentle_ones()

    def test_the_gentle_ones_cost_nobody_of_threaded_workers_an_answer(self):
        self.gentle_ones(*self.THREADS)

    # What the file says, in turn.
    KINDS = ("worker-class = gthread\nthreads = 3\nkeep-alive = 0\n", "worker-class = sync\n")

    def test_workers_of_another_kind_cost_nobody_an_answer(self):
        path = os.path.join(self.folder, "racy.conf")
        with open(path, "w", encoding="ascii") as file:
            file.write(self.KINDS[1])
        server = self.serve(None, "--delay", "1ms..20ms", "--config", path)
        account = server.new_account()
        load = Load(server.port, account)
        before = self.workers_become(server, 3)
        for turn in range(6):
            with open(path, "w", encoding="ascii") as file:
                file.write(self.KINDS[turn % 2])
            server.process.send_signal(signal.SIGHUP)
            until(lambda old=before: not set(server.workers()) & set(old), "other workers")
            before = self.workers_become(server, 3)
            for pid in before:
                until(lambda pid=pid: len(os.listdir("/proc/%d/task" % pid)) >= (4, 1)[turn % 2], "its threads")
            self.assertEqual([len(os.listdir("/proc/%d/task" % pid)) > 1 for pid in before], [turn % 2 == 0] * 3)
            done = len(load.told)
            until(lambda n=done: len(load.told) > n + 20, "they answer")
        load.end()
        self.check(load, account)
        self.assertEqual([data for data in load.told.values() if not data.startswith(b"HTTP/1.1 ")], [])


class BadClients(Case):
    """Connections that never become a request, a few hundred; tests/soak/clients.py sends ten thousand."""

    def test_workers_come_back_and_the_arbiter_stays_as_it_is(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        server = self.serve(None, "--timeout", "1s", workers=20)
        account = server.new_account()
        arbiter = server.process.pid
        sizes = []
        for _ in range(3):
            clients = subject.BadClients(server.port, 100)
            clients.until_all_are_through()
            sizes.append(pss(arbiter))
            reply = read_reply(send_bytes(server.port, deposit("atomic_no_delay", account)))
            self.assertEqual(reply.status, 200)
            self.assertEqual(clients.answers - {0, 400}, set())
        self.workers_become(server, 20)
        # What a build with sanitizers keeps of each freed piece is far less than what a leak would be.
        self.assertLess(sizes[-1] - sizes[0], 2048, sizes)
        self.assertEqual(server.account("show", str(account))["transactions"], 3)


if __name__ == "__main__":
    unittest.main()
