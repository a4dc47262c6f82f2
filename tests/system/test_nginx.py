"""A real nginx with deploy/nginx.conf in front of a real racy: what stands between a client and its deposit,
and what an answer then means. What blocks a deposit is a write lock that the test holds, so that nothing
depends on how long anything takes."""

import os
import re
import socket
import sqlite3
import subprocess

import subject
from front import Front
from subject import HUNG, RACY, Case, Volley, connections, deposit, read_reply, request, send_bytes, until

IMPATIENT = ("proxy_read_timeout 60s;", "proxy_read_timeout 300ms;")
TRIES_AGAIN = ("proxy_next_upstream off;", "proxy_next_upstream error timeout non_idempotent;")
WAY = "non_atomic_no_delay"


class Behind(Case):
    def front(self, *ports, **more):
        front = Front(*ports, **more)
        self.addCleanup(lambda: self.assertEqual(front.end(), (0, [])))
        return front

    def lock(self):
        """No deposit gets further than its first write until this transaction is rolled back."""
        database = sqlite3.connect(os.path.join(self.folder, "test.db"), isolation_level=None, check_same_thread=False)
        database.execute("BEGIN IMMEDIATE")
        self.addCleanup(database.close)
        return database

    def rows(self, server, account):
        show = server.account("show", str(account))
        return show["transactions"], show["balance"]

    def deposited(self, server, account, n):
        until(lambda: self.rows(server, account)[0] == n, "%d deposits" % n)


class Passing(Behind):
    def test_deposits(self):
        server = self.serve(None, "--delay", "1ms")
        front = self.front(server.port)
        account = server.new_account()
        for way in ("non_atomic_no_delay", "atomic_no_delay", "non_atomic_long_delay", "atomic_long_delay",
                    "row_locking_atomic_long_delay"):
            reply = read_reply(send_bytes(front.port, deposit(way, account)))
            self.assertEqual((reply.status, reply.body[:3]), (200, b"200"))
        self.assertEqual(self.rows(server, account), (5, 500))

    def test_refusals_come_through_as_they_are(self):
        server = self.serve()
        front = self.front(server.port)
        for data in (request("GET", "/demo/%s/" % WAY), request("POST", "/demo/%s/" % WAY, b"account=1&amount=x"),
                     deposit(WAY, 1), request("GET", "/demo/nothing/")):
            direct, through = (read_reply(send_bytes(port, data)) for port in (server.port, front.port))
            self.assertEqual((through.status, through.body), (direct.status, direct.body))

    def test_fire(self):
        server = self.serve()
        front = self.front(server.port)
        account = server.new_account()
        done = subprocess.run([RACY, "fire", "--url", "http://127.0.0.1:%d" % front.port, "--wait", "0", "-n", "10",
                               "--target", WAY, "--account", str(account)], capture_output=True, text=True,
                              timeout=HUNG)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(re.findall(r"^\d+: POST http://127\.0\.0\.1:%d/demo/%s/ 200$" % (front.port, WAY),
                                        done.stdout, re.M)), 10, done.stdout)
        self.assertEqual(self.rows(server, account)[0], 10)

    def test_what_does_not_change_needs_no_worker(self):
        with socket.create_server(("127.0.0.1", 0), backlog=1) as nobody:
            front = self.front(nobody.getsockname()[1])
            for path, start in (("/", b"<!doctype html>"), ("/index.html", b"<!doctype html>"), ("/style.css", b":root")):
                reply = read_reply(send_bytes(front.port, request("GET", path)))
                self.assertEqual((reply.status, reply.body[:len(start)]), (200, start))
            nobody.settimeout(0)
            self.assertRaises(BlockingIOError, nobody.accept)

    def test_no_server_behind_it(self):
        server = self.serve()
        front = self.front(server.port)
        self.assertEqual(server.end(), 0)
        self.assertEqual(read_reply(send_bytes(front.port, deposit(WAY, 1))).status, 502)

    def test_slow_clients_take_no_worker(self):
        """Of one worker, which without nginx would wait for the first half-sent request's rest."""
        server = self.serve(workers=1)
        front = self.front(server.port)
        account = server.new_account()
        halves = [send_bytes(front.port, deposit(WAY, account)[:-3]) for _ in range(3)]
        self.assertEqual(read_reply(send_bytes(front.port, deposit(WAY, account))).status, 200)
        self.assertEqual(self.rows(server, account), (1, 100))
        for half in halves:
            half.sendall(b"100")
            self.assertEqual(read_reply(half).status, 200)
        self.assertEqual(self.rows(server, account), (4, 400))

    def test_streams_are_not_held_back(self):
        """The second event is only sent when the client has told that it has the first."""
        with socket.create_server(("127.0.0.1", 0)) as instrument:
            front = self.front(1, instrument=instrument.getsockname()[1])
            client = send_bytes(front.port, request("GET", "/api/events"))
            upstream, _ = instrument.accept()
            with client, upstream:
                upstream.settimeout(HUNG)
                self.assertTrue(upstream.recv(65536).startswith(b"GET /api/events HTTP/1.1\r\n"))
                upstream.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
                got = b""
                for event in (b"data: 1\n\n", b"data: 2\n\n"):
                    upstream.sendall(event)
                    while event not in got:
                        more = client.recv(65536)
                        self.assertTrue(more, got)
                        got += more


class NoAnswer(Behind):
    """What is not answered may be done all the same."""

    def test_a_504_is_a_deposit_that_is_made_all_the_same(self):
        server = self.serve()
        front = self.front(server.port, changes=[IMPATIENT])
        account = server.new_account()
        lock = self.lock()
        self.assertEqual(read_reply(send_bytes(front.port, deposit(WAY, account))).status, 504)
        self.assertEqual(self.rows(server, account), (0, 0))
        lock.rollback()
        self.deposited(server, account, 1)
        self.assertEqual(front.told(1), ["504 [127.0.0.1:%d] POST /demo/%s/ HTTP/1.1" % (server.port, WAY)])
        self.settled(server, account, (1, 100))

    def test_a_client_that_goes_away_does_not_stop_its_deposit(self):
        server = self.serve()
        front = self.front(server.port)
        account = server.new_account()
        lock = self.lock()
        client = send_bytes(front.port, deposit(WAY, account))
        self.held(server, 1)
        client.close()
        self.assertEqual(front.told(1), ["499 [127.0.0.1:%d] POST /demo/%s/ HTTP/1.1" % (server.port, WAY)])
        self.assertEqual(self.rows(server, account), (0, 0))
        lock.rollback()
        self.deposited(server, account, 1)
        self.settled(server, account, (1, 100))

    def settled(self, server, account, rows):
        """What there is when all that was under way has ended."""
        self.assertEqual(server.end(), 0)
        self.assertEqual(self.rows(server, account), rows)


class SecondTry(Behind):
    def two(self):
        return [self.serve(self.sqlite(), "--delay", "1ms", workers=1) for _ in range(2)]

    def asked(self, servers):
        """The one of the two whose worker has the request."""
        return until(lambda: [server for server in servers for pid in server.workers()
                              if connections(pid, server.port)], "a worker has the request")[0]

    def killed_in_the_middle(self, **more):
        """A deposit is with one of two servers when that one is gone: the status, and what was deposited."""
        servers = self.two()
        front = self.front(*(server.port for server in servers), **more)
        account = servers[0].new_account()
        lock = self.lock()
        volley = Volley(front.port, [deposit(WAY, account)])
        victim = self.asked(servers)
        other = servers[servers[0] is victim]
        workers = victim.workers()
        victim.process.kill()
        for pid in workers:
            os.kill(pid, subject.signal.SIGKILL)
        if more:
            self.held(other, 1)
        else:
            self.assertEqual(volley.statuses(), [502])
        lock.rollback()
        statuses = volley.statuses()
        self.assertEqual(other.end(), 0)
        asked = re.findall(r"127\.0\.0\.1:(\d+)", front.told(1)[0])
        return statuses, [int(port) for port in asked], (victim.port, other.port), self.rows(other, account)

    def test_a_server_dies_and_the_other_one_is_not_asked(self):
        statuses, asked, (victim, _), rows = self.killed_in_the_middle()
        self.assertEqual((statuses, asked, rows), ([502], [victim], (0, 0)))

    def test_a_server_dies_and_the_other_one_is_asked_where_nginx_was_told_so(self):
        """The control: the same, seen to be able to end otherwise."""
        statuses, asked, both, rows = self.killed_in_the_middle(changes=[TRIES_AGAIN])
        self.assertEqual((statuses, asked, rows), ([200], list(both), (1, 100)))

    def too_slow(self, *changes):
        """A deposit that two servers are both too slow for: what was deposited when they are done."""
        servers = self.two()
        front = self.front(*(server.port for server in servers), changes=[IMPATIENT, *changes])
        account = servers[0].new_account()
        lock = self.lock()
        self.assertEqual(read_reply(send_bytes(front.port, deposit("row_locking_atomic_long_delay", account))).status,
                         504)
        self.assertEqual(self.rows(servers[0], account), (0, 0))
        asked = len(re.findall(r"127\.0\.0\.1:\d+", front.told(1)[0]))
        lock.rollback()
        self.assertEqual([server.end() for server in servers], [0, 0])
        return asked, self.rows(servers[0], account)

    def test_a_504_is_deposited_once(self):
        self.assertEqual(self.too_slow(), (1, (1, 100)))

    def test_a_post_that_is_tried_again_is_deposited_twice(self):
        """The row's lock does not help: these are two deposits, one after the other."""
        self.assertEqual(self.too_slow(TRIES_AGAIN), (2, (2, 200)))
