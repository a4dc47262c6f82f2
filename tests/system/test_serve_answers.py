"""racy serve, row by row of its table of answers, on SQLite and on MariaDB."""

import os
import shutil
import tempfile
import unittest

import subject
from subject import Server, Volley, deposit, read_reply, request, send_bytes

VARIANTS = ("non_atomic_no_delay", "non_atomic_long_delay", "atomic_no_delay", "atomic_long_delay",
            "row_locking_atomic_long_delay")
PATH = "/demo/atomic_no_delay/"
LARGEST = 2147483647


def multipart(fields, boundary):
    parts = "".join('--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (boundary, name, value)
                    for name, value in fields)
    return (parts + "--%s--\r\n" % boundary).encode()


class Answers:
    """The table; subclasses say on which database."""

    database = None

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="racy-test-")
        database = cls.database or "sqlite:" + os.path.join(cls.folder, "test.db")
        cls.server = Server(database, "--delay", "1ms")

    @classmethod
    def tearDownClass(cls):
        code = cls.server.end()
        shutil.rmtree(cls.folder)
        assert code == 0, cls.server.log()
        assert "ERROR" not in cls.server.log(), cls.server.log()

    def ask(self, data):
        return read_reply(send_bytes(self.server.port, data))

    def post(self, body, content_type=subject.FORM, path=PATH, headers=()):
        return self.ask(request("POST", path, body.encode() if isinstance(body, str) else body, content_type, headers))

    def assertDone(self, reply):
        self.assertEqual((reply.status, reply.body), (200, b"200"))

    def assertMalformed(self, reply):
        self.assertEqual((reply.status, reply.body), (400, b""))

    def assertOneLine(self, reply, status, *words):
        self.assertEqual(reply.status, status)
        self.assertEqual(reply.body.count(b"\n"), 1, reply.body)
        self.assertTrue(reply.body.endswith(b"\n"), reply.body)
        for word in words:
            self.assertIn(word.encode(), reply.body)

    def assertUntouched(self, account, balance):
        self.assertEqual(self.server.account("show", str(account)),
                         {"id": account, "balance": balance, "transactions": 0, "recorded_sum": 0,
                          "difference": -balance})

    def test_done(self):
        account = self.server.new_account()
        for variant in VARIANTS:
            self.assertDone(self.ask(deposit(variant, account)))
        self.assertEqual(self.server.account("show", str(account)),
                         {"id": account, "balance": 500, "transactions": 5, "recorded_sum": 500, "difference": 0})

    def test_connection_is_closed_after_each_reply(self):
        account = self.server.new_account()
        reply = self.ask(deposit("atomic_no_delay", account) + deposit("atomic_no_delay", account))
        self.assertDone(reply)
        self.assertEqual(reply.headers["connection"], "close")
        self.assertEqual(self.server.account("show", str(account))["transactions"], 1)

    def test_multipart(self):
        account = self.server.new_account()
        fields = [("account", account), ("amount", 100)]
        for boundary in ("x", "----WebKitFormBoundary7MA4YWxk"):
            self.assertDone(self.post(multipart(fields, boundary), "multipart/form-data; boundary=" + boundary))
        self.assertDone(self.post(multipart(fields, "b"), "Multipart/Form-Data; Boundary=\"b\""))
        self.assertEqual(self.server.account("show", str(account))["balance"], 300)

    def test_content_type_in_any_case_with_parameters(self):
        account = self.server.new_account()
        for kind in ("Application/X-WWW-Form-URLencoded", subject.FORM + "; charset=utf-8"):
            self.assertDone(self.post("account=%d&amount=1" % account, kind))

    def test_fields_as_forms_have_them(self):
        account = self.server.new_account()
        for body in ("amount=5&account=%d", "x=1&account=%d&amount=5&y=", "account=777&account=%d&amount=9&amount=5",
                     "%%61ccount=%d&amount=%%35", "account=+%d+&amount=%%205"):
            self.assertDone(self.post(body % account))
        self.assertEqual(self.server.account("show", str(account))["balance"], 25)
        self.assertMalformed(self.post("account=%d;amount=5" % account))

    def test_fields_that_are_no_deposit(self):
        account = self.server.new_account()
        for body in ("", "account=%d" % account, "amount=100", "account=&amount=100", "account=%d&amount=" % account,
                     "account=%d&amount=1.0" % account, "account=%d&amount=1e3" % account,
                     "account=%d&amount=0x10" % account, "account=%d&amount=_1" % account,
                     "account=%d&amount=1__0" % account, "account=%d&amount=1_" % account,
                     "account=%d&amount=ten" % account, "account=%d&amount=+%%2B+1" % account,
                     "account=%d&amount=-1" % account, "account=x&amount=100", "account=%d&amount=1%%00" % account,
                     "account=%d&amount=-99999999999999999999" % account, "Account=%d&Amount=1" % account):
            with self.subTest(body=body):
                self.assertMalformed(self.post(body))
        self.assertUntouched(account, 0)

    def test_integers_as_python_reads_them(self):
        account = self.server.new_account()
        texts = ("100", "  100 ", "%2B100", "0100", "1_00", "%0A100%09", "%D9%A1%D9%A0%D9%A0", "-0", "0")
        for text in texts:
            with self.subTest(text=text):
                self.assertDone(self.post("account=%d&amount=%s" % (account, text)))
        # A deposit of nothing is recorded.
        self.assertEqual(self.server.account("show", str(account)),
                         {"id": account, "balance": 700, "transactions": 9, "recorded_sum": 700, "difference": 0})

    def test_bodies_that_are_no_form(self):
        account = self.server.new_account()
        good = "account=%d&amount=100" % account
        for body, kind in (('{"account": %d, "amount": 100}' % account, "application/json"), (good, "text/plain"),
                           (good, None), ("", None), (good, "multipart/form-data"), (good, "multipart/form-data; boundary=x")):
            with self.subTest(kind=kind):
                self.assertMalformed(self.post(body, kind))
        self.assertUntouched(account, 0)

    def test_other_methods(self):
        account = self.server.new_account()
        for method in ("GET", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"):
            with self.subTest(method=method):
                self.assertMalformed(self.ask(request(method, PATH + "?account=%d&amount=1" % account)))
        self.assertMalformed(self.ask(request("PUT", PATH, b"account=%d&amount=1" % account)))
        self.assertUntouched(account, 0)

    def test_unknown_account(self):
        for variant in VARIANTS:
            for account in ("999999", "0", "-1", "99999999999", str(2**63 - 1), str(-2**63), str(2**63), str(-2**64), "9" * 40):
                with self.subTest(variant=variant, account=account):
                    self.assertOneLine(self.ask(deposit(variant, account)), 404)

    def test_too_large_an_amount(self):
        account = self.server.new_account()
        for variant in VARIANTS:
            for amount in (LARGEST + 1, 2**63 - 1, 2**63, 10**30):
                with self.subTest(variant=variant, amount=amount):
                    self.assertOneLine(self.ask(deposit(variant, account, amount)), 422, "too large")
        self.assertUntouched(account, 0)
        self.assertIn(self.ask(deposit("atomic_no_delay", 999999, LARGEST + 1)).status, range(400, 500))

    def test_too_large_a_balance(self):
        account = self.server.new_account(LARGEST - 99)
        for variant in VARIANTS:
            with self.subTest(variant=variant):
                self.assertOneLine(self.ask(deposit(variant, account, 100)), 422, "would not fit its column")
        self.assertUntouched(account, LARGEST - 99)
        self.assertDone(self.ask(deposit("atomic_no_delay", account, 99)))
        self.assertEqual(self.server.account("show", str(account))["balance"], LARGEST)

    def test_path_without_the_slash(self):
        for method in ("GET", "HEAD"):
            reply = self.ask(request(method, PATH[:-1]))
            self.assertEqual((reply.status, reply.headers["location"]), (301, PATH))
        account = self.server.new_account()
        reply = self.post("account=%d&amount=1" % account, path=PATH[:-1])
        self.assertOneLine(reply, 400, "redirect", "lose the body")
        self.assertUntouched(account, 0)

    def test_what_the_engine_lacks_is_not_applicable(self):
        account = self.server.new_account()
        for way, lack in (("for_share", "shared locks on rows"), ("advisory_lock", "locks by name"),
                          ("retry_lost_commit", "a connection that can break")):
            reply = self.post("account=%d&amount=1" % account, path="/demo/%s/" % way)
            if self.database is None:
                self.assertOneLine(reply, 501, "not applicable", lack)
            else:
                self.assertDone(reply)
        if self.database is None:
            self.assertUntouched(account, 0)

    def test_unknown_paths(self):
        for path in ("/", "/demo/", "/demo/atomic_no_delay/x/", "/demo/atomic/", "/atomic_no_delay/",
                     "/demo/atomic_no_delay//", "/DEMO/atomic_no_delay/", "/demo/atomic_no_delay/%2e"):
            for method in ("GET", "POST"):
                with self.subTest(path=path, method=method):
                    self.assertOneLine(self.ask(request(method, path, b"account=1&amount=1" * (method == "POST"))), 404)

    def test_paths_that_mean_the_same(self):
        account = self.server.new_account()
        for path in ("/demo/%61tomic_no_delay/", PATH + "?next=1"):
            self.assertDone(self.post("account=%d&amount=1" % account, path=path))

    def test_body_limit(self):
        account = self.server.new_account()
        good = b"account=%d&amount=1&pad=" % account
        for size, status in ((2621440, 200), (2621441, 413), (5000000, 413)):
            with self.subTest(size=size):
                self.assertEqual(self.post(good + b"x" * (size - len(good))).status, status)
        self.assertEqual(self.server.account("show", str(account))["transactions"], 1)

    def test_request_numbers_change_nothing(self):
        account = self.server.new_account()
        for number in ("r1/1", "1", "", "/", "x" * 2000):
            self.assertDone(self.post("account=%d&amount=1" % account, headers=["X-Racy-Request: " + number]))
        self.assertEqual(self.server.account("show", str(account))["balance"], 5)

    def test_what_is_no_request(self):
        """Closed without a word or refused, nothing done, and the worker lives on."""
        account = self.server.new_account()
        good = deposit("atomic_no_delay", account)
        before = self.server.workers()
        bad = (b"rubbish\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
               good.replace(b"Content-Length", b"Transfer-Encoding: chunked\r\nContent-Length"),
               good.replace(b"Content-Length", b"Content-Length: 5\r\nContent-Length"),
               good.replace(b"atomic_no_delay/", b"atomic_no_delay/%00"), good.replace(b"Host: test\r\n", b""),
               good.replace(b"Host", b"X: " + b"y" * 8200 + b"\r\nHost"),
               good.replace(b"Host", b"".join(b"X%d: y\r\n" % i for i in range(101)) + b"Host"),
               good.replace(b"delay/", b"delay/?" + b"q" * 4100))
        for data in bad:
            for _ in range(3):
                with self.subTest(data=data[:40]):
                    client = send_bytes(self.server.port, data)
                    client.shutdown(subject.socket.SHUT_WR)
                    self.assertIn(read_reply(client).status, [0, *range(400, 500)])
        self.assertUntouched(account, 0)
        self.assertDone(self.ask(good))
        self.assertEqual(self.server.workers(), before)


class OnSQLite(Answers, unittest.TestCase):
    pass


class OnMariaDB(Answers, unittest.TestCase):
    database = "mariadb"


class Refusals(subject.Case):
    """503: the database refuses, says why, and nothing is half-written."""

    def check(self, server, variant, reason, sentence):
        account = server.new_account()
        replies = Volley(server.port, [deposit(variant, account)] * 3).replies()
        self.assertEqual(sorted(reply.status for reply in replies), [200, 503, 503])
        for reply in replies:
            if reply.status == 503:
                self.assertEqual(reply.headers["retry-after"], "1")
                self.assertEqual(reply.headers["x-racy-refused"], reason)
                self.assertRegex(reply.body.decode(), "^refused: %s: .*%s.*\n$" % (reason, sentence))
        self.assertEqual(server.account("show", str(account)),
                         {"id": account, "balance": 100, "transactions": 1, "recorded_sum": 100, "difference": 0})

    def test_sqlite_busy(self):
        """Three transactions that have read the same snapshot: the first to write wins."""
        server = self.serve(None, "--delay", "1s")
        self.check(server, "atomic_long_delay", "busy", "locked")

    def test_who_is_refused_half_done_is_not_asked_to_try_again(self):
        """The UPDATE is refused: with a transaction nothing is left, without one the record is."""
        for way, call, again, left in (("atomic_no_delay", 4, "1", 0), ("non_atomic_no_delay", 3, None, 1)):
            with self.subTest(way=way):
                server = self.serve(None, "--fault", f"{call}:refuse")
                account = server.new_account()
                reply = Volley(server.port, [deposit(way, account)]).replies()[0]
                self.assertEqual((reply.status, reply.headers.get("retry-after")), (503, again))
                self.assertEqual(server.account("show", str(account))["transactions"], left)

    def test_mariadb_lock_timeout(self):
        server = self.serve("mariadb", "--delay", "4s", "--set", "innodb_lock_wait_timeout=1")
        self.check(server, "row_locking_atomic_long_delay", "lock_timeout", "Lock wait timeout")


if __name__ == "__main__":
    unittest.main()
