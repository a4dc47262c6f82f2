"""racy fire and make_requests: against sockets whose scripts hold, cut and mumble. A script goes on when
the bytes it waits for are there."""
import ctypes
import fcntl
import functools
import json
import os
import re
import signal
import socket
import struct
import subprocess
import threading
import time
import traceback
import unittest

from lab import HUNG, RACY, Home
from subject import Server

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n200"
PATH = "/demo/atomic_long_delay/"


def reply(status, *headers):
    lines = ["HTTP/1.1 %d Said" % status, "Content-Length: 0", *headers, "", ""]
    return "\r\n".join(lines).encode()


def read_request(connection):
    """A whole request: its head as text and its body."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536) or b"\r\n\r\n"
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(re.search(rb"Content-Length: (\d+)", head).group(1))
    while len(body) < length:
        more = connection.recv(65536)
        if not more:
            break
        body += more
    return head.decode(), body.decode()


class Script:
    """A listening socket and the thread that follows a script on it; what the script raises, end() raises."""

    def __init__(self, script, host="127.0.0.1", port=0):
        self.listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET,
                                             backlog=2048)
        self.port = self.listener.getsockname()[1]
        self.url = "http://%s:%d" % ("[%s]" % host if ":" in host else host, self.port)
        self.failure = None
        self.connections = []
        self.thread = threading.Thread(target=self._follow, args=(script,), daemon=True)
        self.thread.start()

    def _follow(self, script):
        try:
            script(self)
        except Exception as failure:  # it belongs to the test, not to this thread
            self.failure = failure
        finally:
            for connection in self.connections:
                connection.close()

    def accept(self):
        connection, _ = self.listener.accept()
        connection.settimeout(HUNG)
        self.connections.append(connection)
        return connection

    def take(self, n):
        """n connections whose requests have wholly arrived; nobody was answered meanwhile."""
        taken = [self.accept() for _ in range(n)]
        return [(connection, *read_request(connection)) for connection in taken]

    def end(self):
        self.thread.join(HUNG)
        self.listener.close()
        if self.failure is not None:
            raise self.failure
        assert not self.thread.is_alive(), "the script still waits"


def one_by_one(*replies):
    """Answers each connection with the next reply; None: closes it without a word."""
    def script(server):
        for text in replies:
            connection = server.accept()
            read_request(connection)
            if text is not None:
                connection.sendall(text)
            connection.shutdown(socket.SHUT_WR)
    return script


def all_together(n, text=OK):
    def script(server):
        for connection, _, _ in server.take(n):
            connection.sendall(text)
            connection.shutdown(socket.SHUT_WR)
    return script


def enter_own_network():
    """A network of this process's own, so that port 80 is free and allowed, whoever runs the tests."""
    newuser, newnet, siocsifflags, iff_up = 0x10000000, 0x40000000, 0x8914, 1
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(newnet if os.geteuid() == 0 else newuser | newnet) != 0:
        raise unittest.SkipTest("no network of its own: " + os.strerror(ctypes.get_errno()))
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, siocsifflags, struct.pack("16sh22x", b"lo", iff_up))


def in_own_network(test):
    """Runs the test in a child, since a process cannot leave such a network as easily."""
    @functools.wraps(test)
    def run(self):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                enter_own_network()
                test(self)
                code = 0
            except unittest.SkipTest as skip:
                os.write(writer, str(skip).encode())
                code = 2
            except BaseException:
                os.write(writer, traceback.format_exc().encode())
            finally:
                os._exit(code)
        os.close(writer)
        with os.fdopen(reader) as pipe:
            told = pipe.read()
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code == 2:
            self.skipTest(told)
        self.assertEqual(code, 0, told)
    return run


class FireCase(Home):
    def script(self, script, **where):
        try:
            server = Script(script, **where)
        except OSError as error:
            self.skipTest("cannot listen there: %s" % error)
        self.addCleanup(server.listener.close)
        return server

    def fire(self, server, *args, code=0):
        done = self.racy("fire", "--url", server.url, *args, code=code)
        server.end()
        return done

    def fire_json(self, server, *args, code=0):
        done = self.fire(server, "--json", *args, code=code)
        self.assertEqual(done.stdout.count("\n"), 1)
        return json.loads(done.stdout)


class Lines(FireCase):
    def test_each_line_comes_when_its_answer_does(self):
        """The script answers the last request first, and the next one only when the line before was read."""
        read = threading.Semaphore(0)

        def backwards(server):
            for connection, _, _ in reversed(server.take(3)):
                connection.sendall(OK)
                assert read.acquire(timeout=HUNG)

        server = self.script(backwards)
        process = self.start("fire", "--url", server.url + "/", "-n", 3, "--wait", "10ms")
        lines = []
        for _ in range(3):
            lines.append(process.stdout.readline())
            read.release()
        out, err = process.communicate(timeout=HUNG)
        server.end()
        self.assertEqual(lines, ["%d: POST %s%s 200\n" % (i, server.url, PATH) for i in (3, 2, 1)])
        self.assertEqual((out, process.returncode), ("", 0))
        self.assertIn("3 requests: 3 answered 200, 0 refused, 0 answered otherwise, 0 without an answer.", err)
        self.assertIn("At most 3 in flight, 3 of 3 pairs overlapped", err)
        self.assertRegex(err, r"min [\d.]+ [mu]?s, median [\d.]+ m?s, p95 [\d.]+ m?s, max [\d.]+ m?s\.")

    def test_what_is_sent(self):
        seen = []

        def script(server):
            seen.extend(server.take(2))
            for connection, _, _ in seen:
                connection.sendall(OK)

        server = self.script(script)
        self.fire(server, "-n", 2, "--wait", 0, "--account", -7, "--amount=23", "--target", "deposit/non_atomic_no_delay")
        for _, head, body in seen:
            lines = head.split("\r\n")
            self.assertEqual(lines[0], "POST /demo/non_atomic_no_delay/ HTTP/1.1")
            self.assertIn("Host: 127.0.0.1:%d" % server.port, lines)
            self.assertIn("Content-Type: application/x-www-form-urlencoded", lines)
            self.assertEqual(body, "account=-7&amount=23")
            self.assertNotIn("X-Racy", head)

    def test_the_defaults_are_ten_deposits_a_second_apart(self):
        """All ten are there before the first is answered: so no request waits for an answer."""
        server = self.script(all_together(10))
        told = self.fire_json(server)
        self.assertEqual(told["url"], server.url + PATH)
        self.assertEqual([told[k] for k in ("requests", "account", "amount", "wait_ns", "timeout_ns")],
                         [10, 1, 100, 10**9, None])
        self.assertEqual([shot["planned_ns"] for shot in told["shots"]], [i * 10**9 for i in range(10)])
        for shot in told["shots"]:
            self.assertGreaterEqual(shot["sent_ns"], shot["planned_ns"])
        self.assertEqual(told["overlap"], {"max_in_flight": 10, "pairs": 45})
        self.assertGreaterEqual(told["latency_ns"]["max"], 9 * 10**9)

    def test_answers_by_their_kind(self):
        replies = [OK, reply(503, "X-Racy-Refused: deadlock"), reply(404), reply(503), reply(404), reply(500)]
        err = self.fire(self.script(one_by_one(*replies)), "-n", 6, "--wait", "1ms").stderr
        self.assertIn("6 requests: 1 answered 200, 2 refused (1 deadlock, 1 unknown), "
                      "3 answered otherwise (2 with 404, 1 with 500), 0 without an answer.", err)
        self.assertNotIn("racy account create", err)

    def test_no_such_account_is_hinted_at(self):
        done = self.fire(self.script(one_by_one(reply(404), reply(404))), "-n", 2, "--wait", "1ms", "--account", 7)
        self.assertIn("All answers are 404: is there an account 7? `racy account create` makes one", done.stderr)


class Together(FireCase):
    def test_all_are_in_flight_at_once(self):
        err = self.fire(self.script(all_together(20)), "-n", 20, "--wait", 0).stderr
        self.assertIn("At most 20 in flight, 190 of 190 pairs overlapped", err)

    def test_none_of_two_thousand_is_lost(self):
        done = self.fire(self.script(all_together(2000)), "-n", 2000, "--wait", 0)
        told = re.findall(r"^(\d+): POST \S+ 200$", done.stdout, re.M)
        self.assertEqual(sorted(map(int, told)), list(range(1, 2001)))
        self.assertIn("2000 requests: 2000 answered 200", done.stderr)
        self.assertIn("At most 2000 in flight, 1999000 of 1999000 pairs overlapped", done.stderr)

    def test_more_than_the_limit_of_open_files_allows(self):
        done = subprocess.run(["sh", "-c", 'ulimit -n 100; exec "$0" fire --wait 0 -n 50 --url http://127.0.0.1:1', RACY],
                              env=self.env, capture_output=True, text=True, timeout=HUNG)
        self.assertEqual((done.returncode, done.stdout), (3, ""))
        self.assertIn("50 requests at once need 114 open files, and this process may have 100", done.stderr)


class WithoutAnAnswer(FireCase):
    def test_cut_and_garbled_replies(self):
        replies = [None, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n200", b"SSH-2.0-OpenSSH_9.2\r\n", OK]
        done = self.fire(self.script(one_by_one(*replies)), "-n", 4, "--wait", "1ms", code=4)
        failed = dict(re.findall(r"^(\d): POST http://\S+ failed: (.*)$", done.stdout, re.M))
        self.assertEqual(failed, {"1": "the connection was closed without a reply",
                                  "2": "the connection was closed in the middle of the reply",
                                  "3": "the reply is not HTTP"})
        self.assertIn("4 requests: 1 answered 200, 0 refused, 0 answered otherwise, "
                      "3 without an answer (0 not sent, 3 cut off, 0 timed out).", done.stderr)

    def test_a_time_limit(self):
        def silent(server):
            (connection, _, _), = server.take(1)
            assert connection.recv(1) == b"", "the client left"

        told = self.fire_json(self.script(silent), "-n", 1, "--timeout", "300ms", code=4)
        self.assertEqual(told["timeout_ns"], 300 * 10**6)
        self.assertEqual(told["unanswered"], 1)
        self.assertIsNone(told["latency_ns"])
        shot, = told["shots"]
        self.assertEqual((shot["end"], shot["status"], shot["error"]), ("timeout", None, "no whole reply within 300 ms"))
        self.assertGreaterEqual(shot["ended_ns"], 300 * 10**6)

    def test_nobody_listens(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        done = self.racy("fire", "--url", "http://127.0.0.1:%d" % port, "-n", 2, "--wait", 0, code=3)
        self.assertEqual(done.stdout, "".join("%d: POST http://127.0.0.1:%d%s failed: Connection refused\n"
                                              % (i, port, PATH) for i in (1, 2)))
        self.assertIn("racy fire: nothing could be sent to http://127.0.0.1:%d (Connection refused): "
                      "start a server with `racy serve`, or name another with --url" % port, done.stderr)

    def test_a_host_that_is_not_known(self):
        done = self.racy("fire", "--url", "http://no-such-host.invalid", code=3)
        self.assertIn("the host 'no-such-host.invalid' was not found", done.stderr)
        self.assertEqual(done.stdout, "")

    def test_lines_that_cannot_be_written(self):
        server = self.script(one_by_one(OK))
        with open("/dev/full", "w") as full:
            done = subprocess.run([RACY, "fire", "--url", server.url, "-n", "1"], env=self.env, stdout=full,
                                  stderr=subprocess.PIPE, text=True, timeout=HUNG)
        server.end()
        self.assertEqual(done.returncode, 3)
        self.assertIn("standard output", done.stderr)


class Json(FireCase):
    def test_its_shape(self):
        replies = [OK, reply(503, "X-Racy-Refused: busy"), reply(404), None]
        told = self.fire_json(self.script(one_by_one(*replies)), "-n", 4, "--wait", "1ms", code=4)
        self.assertEqual(set(told), {"url", "scenario", "variant", "account", "amount", "wait_ns", "timeout_ns",
                                     "requests", "interrupted", "answered", "refused", "other", "unanswered",
                                     "latency_ns", "overlap", "shots"})
        self.assertEqual((told["scenario"], told["variant"]), ("deposit", "atomic_long_delay"))
        self.assertEqual((told["answered"], told["refused"], told["other"], told["unanswered"], told["interrupted"]),
                         (1, {"busy": 1}, {"404": 1}, 1, False))
        self.assertEqual(set(told["latency_ns"]), {"min", "median", "p95", "max"})
        shots = told["shots"]
        self.assertEqual([shot["i"] for shot in shots], [1, 2, 3, 4])
        self.assertEqual([shot["end"] for shot in shots], ["answered"] * 3 + ["cut"])
        self.assertEqual([shot["status"] for shot in shots], [200, 503, 404, None])
        self.assertEqual([shot["reason"] for shot in shots], [None, "busy", None, None])
        for shot in shots:
            self.assertEqual(set(shot), {"i", "end", "status", "reason", "error", "planned_ns", "connected_ns",
                                         "sent_ns", "ended_ns"})
            self.assertLessEqual(shot["planned_ns"], shot["connected_ns"])
            self.assertLessEqual(shot["connected_ns"], shot["sent_ns"])
            self.assertLessEqual(shot["sent_ns"], shot["ended_ns"])
        answered = [shot["ended_ns"] - shot["planned_ns"] for shot in shots[:3]]
        self.assertEqual((told["latency_ns"]["min"], told["latency_ns"]["max"]), (min(answered), max(answered)))


class Addresses(FireCase):
    def test_an_ipv6_literal(self):
        hosts = []

        def script(server):
            (connection, head, _), = server.take(1)
            hosts.append(re.search(r"^Host: (.*?)\r?$", head, re.M).group(1))
            connection.sendall(OK)

        server = self.script(script, host="::1")
        done = self.fire(server, "-n", 1)
        self.assertEqual(done.stdout, "1: POST http://[::1]:%d%s 200\n" % (server.port, PATH))
        self.assertEqual(hosts, ["[::1]:%d" % server.port])

    def test_a_server_below_a_path(self):
        paths = []

        def script(server):
            (connection, head, _), = server.take(1)
            paths.append(head.split(" ")[1])
            connection.sendall(OK)

        server = self.script(script)
        server.url += "/lab//"
        self.fire(server, "-n", 1)
        self.assertEqual(paths, ["/lab" + PATH])


class WrongUse(FireCase):
    def test_every_flag_names_what_is_wrong(self):
        cases = {
            ("--target", "nope"): "--target: there is no 'nope'; there are: deposit/",
            ("--target",): "--target needs a value",
            ("--wait", "-1"): "--wait: '-1' is not a duration: write 300us, 20ms, 1.5s",
            ("--wait", "soon"): "--wait: 'soon' is not a duration",
            ("--wait="): "--wait: '' is not a duration",
            ("--wait", "2000000"): "--wait: '2000000' is longer than a day",
            ("--url", "localhost:8000"): "--url: 'localhost:8000' is not an http:// URL such as",
            ("--url", "https://localhost"): "https is not spoken here",
            ("--url", "http://"): "is not HOST, HOST:PORT or [IPV6]:PORT",
            ("--url", "http://localhost:0"): "with a port from 1 to 65535",
            ("--url", "http://localhost:65536"): "with a port from 1 to 65535",
            ("--url", "http://a b"): "--url: 'http://a b' has a space",
            ("--url", "http://h/\r\nX: y"): "has a space or another character",
            ("--url", "http://ann:secret@h"): "user name or password",
            ("--url", "http://h/?q=1"): "--url: 'http://h/?q=1': leave the query out",
            ("--url", ""): "is not an http:// URL",
            ("-n", "0"): "-n: 0 is outside of 1 to 10000",
            ("--requests", "10001"): "--requests: 10001 is outside of 1 to 10000",
            ("--requests", "ten"): "--requests: 'ten' is not a whole number",
            ("--account", "1.5"): "--account: '1.5' is not a whole number",
            ("--account", "9223372036854775808"): "--account: 9223372036854775808 is outside of",
            ("--amount", "0x10"): "--amount: '0x10' is not a whole number",
            ("--timeout", "-1s"): "--timeout: '-1s' is not a duration",
            ("--json=yes",): "--json takes no value",
            ("--a", "1"): "--a may stand for --account, --amount: write more of it",
            ("--colour",): "there is no option --colour",
            ("atomic_no_delay",): "'atomic_no_delay' is no option; did you mean --target atomic_no_delay?",
        }
        for args, told in cases.items():
            args = (args,) if isinstance(args, str) else args
            with self.subTest(args=args):
                done = self.racy("fire", *args, code=2)
                self.assertTrue(done.stderr.startswith("racy fire: "), done.stderr)
                self.assertIn(told, done.stderr)
                self.assertEqual(done.stdout, "")

    def test_help_goes_to_stdout(self):
        done = self.racy("fire", "--help", code=0)
        for flag in ("--target", "--wait", "--url", "--requests", "--account", "--amount", "--timeout", "--json"):
            self.assertIn(flag, done.stdout)
        self.assertEqual(done.stderr, "")


class Interrupted(FireCase):
    def held(self, number, *args):
        """Fires three requests an hour apart and sends the signal when the first one is there."""
        arrived, left = threading.Event(), []

        def hold(server):
            (connection, _, _), = server.take(1)
            arrived.set()
            left.append(connection.recv(1))

        server = self.script(hold)
        process = self.start("fire", "--url", server.url, "-n", 3, "--wait", "3600", *args)
        self.assertTrue(arrived.wait(HUNG))
        process.send_signal(number)
        out, err = process.communicate(timeout=HUNG)
        server.end()
        self.assertEqual(left, [b""])
        return process.returncode, out, err, server.url

    def test_ctrl_c_tells_what_happened_until_then(self):
        code, out, err, url = self.held(signal.SIGINT)
        self.assertEqual(code, 130)
        self.assertEqual(out, "1: POST %s%s failed: the volley was ended before\n" % (url, PATH))
        self.assertIn("Interrupted. 3 requests: 0 answered 200, 0 refused, 0 answered otherwise, "
                      "3 without an answer (2 not sent, 1 cut off, 0 timed out).", err)

    def test_term_ends_it_too_and_json_stays_whole(self):
        code, out, err, _ = self.held(signal.SIGTERM, "--json")
        self.assertEqual((code, err), (143, ""))
        told = json.loads(out)
        self.assertTrue(told["interrupted"])
        self.assertEqual([shot["end"] for shot in told["shots"]], ["cut", "not_sent", "not_sent"])


class AtTheLaboratory(FireCase):
    def test_every_endpoint_answers(self):
        server = Server(self.sqlite(), "--delay", "1ms..2ms", workers=1)
        self.addCleanup(server.end)
        account = server.new_account()
        for target in ("atomic_no_delay", "non_atomic_no_delay", "atomic_long_delay", "non_atomic_long_delay",
                       "row_locking_atomic_long_delay"):
            done = self.racy("fire", "--url", "http://127.0.0.1:%d" % server.port, "--target", target, "--account",
                             account, "-n", 2, "--wait", 0, "--amount", 10, code=0)
            self.assertIn("2 answered 200", done.stderr, target)
        self.assertEqual(server.account("show", str(account))["balance"], 100)


class MakeRequests(FireCase):
    URL = "http://localhost" + PATH

    def setUp(self):
        super().setUp()
        self.tool = os.path.join(self.home, "make_requests")
        os.symlink(os.path.abspath(RACY), self.tool)

    def run_tool(self, *args):
        return subprocess.run([self.tool, *args], env=self.env, capture_output=True, text=True, timeout=HUNG)

    def test_its_two_errors(self):
        for args in (("-target", "nope"), ("--target=nope",), ("-target", "deposit/atomic_no_delay"), ("-target=",)):
            done = self.run_tool(*args)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (1, "Invalid target endpoint.\n", ""))
        for args in (("-wait", "-1"), ("-wait=-1",), ("--wait", "-0.5"), ("--wait=-3",)):
            done = self.run_tool(*args)
            self.assertEqual((done.returncode, done.stdout, done.stderr),
                             (1, "The delay (wait value) must be positive.\n", ""))

    def test_other_wrong_use(self):
        for args, told in {("-wait", "soon"): "-wait: 'soon' is not a duration", ("-wait",): "-wait needs a value",
                           ("-n", "3"): "there is no option -n",
                           ("-colour",): "there is no option -colour", ("atomic_no_delay",): "did you mean -target"}.items():
            done = self.run_tool(*args)
            self.assertEqual((done.returncode, done.stdout), (2, ""), args)
            self.assertIn(told, done.stderr)

    def test_help(self):
        for flag in ("-h", "-help", "--help"):
            done = self.run_tool(flag)
            self.assertEqual(done.returncode, 0)
            self.assertIn("-target", done.stdout)

    @in_own_network
    def test_ten_deposits_at_once_in_every_spelling(self):
        for args in (("-wait=0",), ("-wait", "0"), ("--wait", "0"), ("--wait=-0",)):
            seen = []

            def slow(server):
                """Nobody is answered within half a second of the first arrival: who started with the
                first therefore waits so long, and who starts a second later would not."""
                first = server.accept()
                open_until = time.monotonic() + 0.5
                seen.append((first, *read_request(first)))
                seen.extend(server.take(9))
                time.sleep(max(0, open_until - time.monotonic()))
                for connection, _, _ in seen:
                    connection.sendall(OK)
                    connection.shutdown(socket.SHUT_WR)

            server = self.script(slow, port=80)
            done = self.run_tool(*args)
            server.end()
            self.assertEqual(done.returncode, 0)
            shortest, unit = re.search(r"min ([\d.]+) (\w+),", done.stderr).groups()
            self.assertGreaterEqual(float(shortest) * {"us": 1e-6, "ms": 1e-3, "s": 1}[unit], 0.49)
            self.assertEqual(sorted(done.stdout.splitlines()),
                             sorted("%d: POST %s 200" % (i, self.URL) for i in range(1, 11)))
            for _, head, body in seen:
                self.assertEqual(body, "account=1&amount=100")
                self.assertTrue(head.startswith("POST %s HTTP/1.1\r\n" % PATH))

    @in_own_network
    def test_another_target_and_a_pause(self):
        paths = []

        def script(server):
            for _ in range(10):
                (connection, head, _), = server.take(1)
                paths.append(head.split(" ")[1])
                connection.sendall(OK)

        server = self.script(script, port=80)
        done = self.run_tool("-target", "row_locking_atomic_long_delay", "-wait", "0.001")
        server.end()
        self.assertEqual(done.returncode, 0)
        self.assertEqual(paths, ["/demo/row_locking_atomic_long_delay/"] * 10)

    @in_own_network
    def test_it_goes_on_after_a_refused_connection(self):
        for command in ([self.tool], [RACY, "make_requests"]):
            done = subprocess.run([*command, "-wait=0"], env=self.env, capture_output=True, text=True, timeout=HUNG)
            self.assertEqual(done.returncode, 3)
            self.assertEqual(sorted(done.stdout.splitlines()),
                             sorted("%d: POST %s failed: Connection refused" % (i, self.URL) for i in range(1, 11)))
            self.assertIn("`racy serve` listens on http://localhost:8000; to send there: racy fire", done.stderr)


if __name__ == "__main__":
    unittest.main()
