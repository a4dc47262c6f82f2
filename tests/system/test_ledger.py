"""Accounts and transactions over HTTP, as a page or a script has them: lists, one save, conflicts, deleting and
resetting; whatever is sent in their fields and parameters."""
import json
import threading
import unittest

import admins

NASTY = ["'; DROP TABLE demo_account; --", "1 OR 1=1", "1' OR '1'='1", '" OR ""="', "1; DELETE FROM demo_transaction",
         "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "javascript:alert(1)", "{{7*7}}", "{id}",
         "${x}", "%s%n%x",
         "a\r\nSet-Cookie: racy_session=evil\r\n\r\n<html>", "\nX-Evil: 1", "../../etc/passwd", "\\", "\\'",
         "\u0000", "\u202e\u2028\ufeff", "\U0001f4a5" * 50, "é" * 300, "A" * 100000, "-1", "0", "1e999", "NaN", "0x10",
         "9223372036854775808", "-9223372036854775809", "2147483648", "1.0", " 1", "1\t", "none", "null", "[]", ""]




class Ledger(admins.Site):
    def fill(self):
        self.ann = self.admin()
        self.account = self.ann.must(201, "POST", "accounts", {"balance": 100})["id"]
        self.rows = [self.ann.must(201, "POST", "transactions", {
            "amount": amount, "account": self.account, "timestamp": "2026-11-24T09:30:00.000000Z"})
            for amount in (10, 20, 30)]

    def loaded(self, row):
        return {"amount": row["amount"], "timestamp": row["timestamp"]}

    # ---- what pages do

    def test_a_list_shows_what_was_lost(self):
        self.fill()
        page = self.ann.get("accounts")
        self.assertEqual(page, {"items": [{"id": self.account, "balance": 100, "transactions": 3, "recorded_sum": 60,
                                           "difference": -40}],
                                "next": None, "count": 1, "count_exact": True})
        self.assertEqual(self.ann.get("accounts/%d" % self.account), page["items"][0])
        more = [self.ann.must(201, "POST", "accounts", {"balance": n % 3})["id"] for n in range(10)]
        for sort, key in (("id", lambda a: a["id"]), ("-id", lambda a: -a["id"]),
                          ("balance", lambda a: (a["balance"], a["id"])),
                          ("-balance", lambda a: (-a["balance"], -a["id"]))):
            items = self.ann.all("accounts?sort=" + sort, limit=3)
            self.assertEqual(items, sorted(items, key=key))
            self.assertEqual(len(items), 11)
        self.assertEqual([a["id"] for a in self.ann.get("accounts?search=%d" % more[4])["items"]], [more[4]])
        self.assertEqual(self.ann.get("accounts?search=")["count"], 11)

    def test_transactions_by_account_and_day(self):
        self.fill()
        free = self.ann.must(201, "POST", "transactions", {"amount": -1, "account": None,
                                                          "timestamp": "2026-11-25T00:00:00Z"})
        self.assertEqual(free["timestamp"], "2026-11-25T00:00:00.000000Z")
        self.assertIsNone(free["account"])
        ids = [row["id"] for row in self.rows]
        for path, expected in (("transactions", [free["id"], *reversed(ids)]),
                               ("transactions?sort=id", [*ids, free["id"]]),
                               ("transactions?account=none", [free["id"]]),
                               ("transactions?account=%d" % self.account, ids[::-1]),
                               ("transactions?day=2026-11-24", ids[::-1]),
                               ("transactions?day=2026-11-25", [free["id"]]),
                               ("transactions?day=2026-11-24&account=none", []),
                               ("transactions?account=&day=", [free["id"], *reversed(ids)]),
                               ("accounts/%d/transactions" % self.account, ids),
                               ("accounts/%d/transactions?sort=-id" % self.account, ids[::-1])):
            self.assertEqual([row["id"] for row in self.ann.all(path, limit=2)], expected, path)
        self.assertEqual(self.ann.call("GET", "accounts/999/transactions").status, 404)

    def test_one_save_and_its_history(self):
        self.fill()
        one, two, three = self.rows
        now = self.ann.must(200, "PUT", "accounts/%d" % self.account, {
            "loaded": {"balance": 100}, "balance": 61,
            "transactions": {"add": [{"amount": 5}], "delete": [{"id": two["id"], "loaded": self.loaded(two)}],
                             "change": [{"id": three["id"], "loaded": self.loaded(three), "amount": 31,
                                         "timestamp": "2026-11-24T10:00:00Z"}]}})
        self.assertEqual(now, {"id": self.account, "balance": 61, "transactions": 3, "recorded_sum": 46,
                               "difference": -15})
        self.assertEqual(self.ann.get("transactions/%d" % three["id"]), {
            "id": three["id"], "amount": 31, "account": self.account, "timestamp": "2026-11-24T10:00:00.000000Z"})
        told = self.ann.get("history?object=account&id=%d" % self.account)["items"]
        self.assertEqual([(note["user"], note["action"], note["changes"]) for note in told],
                         [("ann", "change", {"balance": [100, 61]}), ("ann", "add", {"balance": [None, 100]})])
        self.assertEqual(self.ann.get("history?object=transaction&id=%d" % two["id"])["items"][0]["action"], "delete")

    def test_an_edit_over_a_deposit_is_asked_for(self):
        self.fill()
        self.assertEqual(self.deposit(self.account, 200), 200)
        reply = self.ann.call("PUT", "accounts/%d" % self.account, {"loaded": {"balance": 100}, "balance": 50})
        self.assertEqual(reply.status, 409)
        self.assertEqual(reply.json["error"], "changed")
        self.assertEqual(reply.json["conflicts"], [{"object": "account", "id": self.account, "field": "balance",
                                                    "loaded": 100, "now": 300, "yours": 50}])
        self.assertEqual(self.ann.get("accounts/%d" % self.account)["balance"], 300)
        self.ann.must(200, "PUT", "accounts/%d" % self.account, {"loaded": {"balance": 300}, "balance": 50})

    def test_deleting_and_resetting(self):
        self.fill()
        other = self.ann.must(201, "POST", "accounts", {"balance": 7})["id"]
        reset = {"action": "reset", "ids": [other, self.account, 999]}
        self.assertEqual(self.ann.must(200, "POST", "accounts/actions", reset), {"accounts": 2, "transactions": 3})
        self.assertEqual(self.ann.get("accounts/%d" % self.account)["recorded_sum"], 0)
        kept = self.ann.must(201, "POST", "transactions", {"amount": 1, "account": other})
        self.ann.must(204, "DELETE", "accounts/%d?transactions=keep" % other)
        self.assertIsNone(self.ann.get("transactions/%d" % kept["id"])["account"])
        gone = self.ann.must(201, "POST", "transactions", {"amount": 1, "account": self.account})
        self.assertEqual(self.ann.must(200, "POST", "accounts/actions", {
            "action": "delete", "ids": [self.account], "transactions": "delete"}), {"accounts": 1, "transactions": 1})
        for path in ("transactions/%d" % gone["id"], "accounts/%d" % self.account, "accounts/%d" % other):
            self.assertEqual(self.ann.call("GET", path).status, 404, path)
        self.assertEqual(self.ann.call("DELETE", "accounts/%d" % self.account).status, 404)
        delete = {"action": "delete", "ids": [kept["id"], 999]}
        self.assertEqual(self.ann.must(200, "POST", "transactions/actions", delete), {"transactions": 1})

    # ---- whatever is sent

    def assert_refused_or_done(self, reply, what, no_http=False):
        """`no_http`: it may have been refused before the API saw it, in plain text."""
        self.assertTrue(200 <= reply.status < 300 or 400 <= reply.status < 500, (what, reply.status, reply.bytes))
        self.assertNotIn("X-Evil", reply.headers)
        self.assertFalse([c for c in reply.headers.get_all("Set-Cookie") or () if "evil" in c], what)
        if reply.status >= 400 and not (no_http and reply.headers["Content-Type"] != "application/json"):
            self.assertEqual(reply.headers["Content-Type"], "application/json", what)
            self.assertTrue(reply.json["error"] and reply.json["message"], what)

    def everything(self):
        return self.ann.all("accounts"), self.ann.all("transactions")

    def test_parameters_are_text(self):
        self.fill()
        before = self.everything()
        quoted = admins._quoted
        for text in NASTY:
            if len(text) > 1000:
                continue  # a head of its length is refused before
            for path in ("accounts?search=%s", "accounts?sort=%s", "accounts?after=%s", "accounts?limit=%s",
                         "accounts?sort=balance&after=1.%s", "transactions?account=%s", "transactions?day=%s",
                         "transactions?day=2026-11-24&after=1.%s", "transactions?day=2026-11-24&after=1.2026-11-24%s",
                         "transactions?after=%s", "transactions?sort=%s",
                         "accounts/%d/transactions?after=%%s" % self.account,
                         "accounts/%s", "transactions/%s", "history?object=%s", "history?id=%s", "users?search=%s",
                         "users?after=%s", "accounts?%s=1"):
                self.assert_refused_or_done(self.ann.call("GET", path % quoted(text)), (path, text), "\0" in text)
            for path in ("accounts/%s?transactions=delete", "transactions/%s"):
                if text not in ("-1", "0"):
                    reply = self.ann.call("DELETE", path % quoted("x" + text))
                    self.assert_refused_or_done(reply, (path, text), "\0" in text)
            reply = self.ann.call("DELETE", "accounts/%d?transactions=%s" % (self.account, quoted("x" + text)))
            self.assertEqual(reply.status, 400, text)
        self.assertEqual(self.everything(), before)

    def test_fields_are_text(self):
        self.fill()
        before = self.everything()
        account, row = "accounts/%d" % self.account, "transactions/%d" % self.rows[0]["id"]
        good = {"amount": 10, "account": self.account, "timestamp": "2026-11-24T09:30:00.000000Z"}
        for text in NASTY:
            for method, path, body in (
                    ("POST", "accounts", {"balance": text}),
                    ("PUT", account, {"loaded": {"balance": text}, "balance": 1}),
                    ("PUT", account, {"loaded": {"balance": 100}, "balance": text}),
                    ("POST", "transactions", {**good, "amount": text}),
                    ("POST", "transactions", {**good, "account": text}),
                    ("POST", "transactions", {**good, "timestamp": text}),
                    ("POST", "transactions", {**good, "x" + text: 1}),
                    ("PUT", row, {**good, "loaded": {**good, "amount": text}}),
                    ("PUT", row, {**good, "loaded": {**good, "timestamp": text}}),
                    ("PUT", row, {**good, "timestamp": text, "loaded": good}),
                    ("PUT", account, {"loaded": {"balance": 100}, "balance": 1,
                                      "transactions": {"add": [{"amount": text}]}}),
                    ("PUT", account, {"loaded": {"balance": 100}, "balance": 1, "transactions": {
                        "delete": [{"id": text, "loaded": self.loaded(self.rows[0])}]}}),
                    ("POST", "accounts/actions", {"action": text, "ids": [self.account]}),
                    ("POST", "accounts/actions", {"action": "delete", "ids": [text]}),
                    ("POST", "accounts/actions", {"action": "delete", "ids": [self.account],
                                                  "transactions": "x" + text}),
                    ("POST", "transactions/actions", {"action": "delete", "ids": text})):
                reply = self.ann.call(method, path, body)
                self.assert_refused_or_done(reply, (path, body))
                self.assertGreaterEqual(reply.status, 400, (path, body))
        self.assertEqual(self.everything(), before)

    def test_headers_are_text(self):
        self.fill()
        before = self.everything()
        for text in NASTY:
            try:
                text.encode("latin-1")
            except UnicodeEncodeError:
                continue
            if any(c in text for c in "\r\n\0") or len(text) > 1000:
                continue  # no HTTP
            for name in ("X-CSRF-Token", "Cookie", "Content-Type", "Origin", "X-Forwarded-For", "Accept", "User-Agent"):
                reply = self.ann.send("POST", "/api/accounts", json.dumps({"balance": text}).encode(), {name: text})
                # libmicrohttpd 0.9.75 refuses a cookie whose quotation mark has no other, 431
                self.assert_refused_or_done(reply, (name, text), name == "Cookie")
        self.assertEqual(self.everything(), before)

    def test_bodies_that_are_none(self):
        """Each is refused with a reason, and nothing is lost."""
        self.fill()
        before = self.everything()
        account, row = "/api/accounts/%d" % self.account, "/api/transactions/%d" % self.rows[0]["id"]
        good = json.dumps({"loaded": {"balance": 100}, "balance": 1})
        for status, body in ((400, b""), (400, b"{"), (400, b"}"), (400, b"null"), (400, b"1"), (400, b'"x"'),
                             (400, b"[]"), (400, b"[" * 100000), (400, b'{"a":' * 100000),
                             (400, b'{"balance":' + b"[" * 500 + b"]" * 500 + b"}"),
                             (400, b'{"balance":1,"balance":2}'), (400, b'{"balance":01}'), (400, b'{"balance":+1}'),
                             (400, b'{"balance":' + b"9" * 400 + b"}"), (400, b'{"balance":9223372036854775808}'),
                             (400, b'{"balance":1e999}'), (400, b'{"balance":NaN}'), (400, b'{"balance":"\xff"}'),
                             (400, b'{"balance":"\\ud800"}'), (400, b'{"balance":"\\u0000"}'), (400, b'{"balance":1}x'),
                             (400, b"\xef\xbb\xbf{}"), (400, b'{"balance":1}\0'), (400, b"balance=1"),
                             (422, b"{}"), (422, b'{"balance":null}'), (422, b'{"balance":true}'),
                             (422, b'{"balance":1.5}'),
                             (422, b'{"balance":1.0}'), (422, b'{"balance":-1}'), (422, b'{"balance":2147483648}'),
                             (422, b'{"balance":[1]}'), (422, b'{"balance":{}}'), (422, b'{"balance":"1"}'),
                             (422, b'{"balance":1,"x":1}'), (422, b'{"balance":1,"":1}'),
                             (422, b'{"balance":9223372036854775807}'), (413, b'{"x":"' + b"x" * (1 << 20) + b'"}')):
            for path, method in (("/api/accounts", "POST"), (account, "PUT")):
                reply = self.ann.send(method, path, body)
                self.assertEqual(reply.status, status, (method, body[:60], reply.bytes[:200]))
                self.assertTrue(status == 413 or reply.json["message"])
        for body in ({"loaded": None, "balance": 1}, {"loaded": [], "balance": 1}, {"balance": 1},
                     {"loaded": {}, "balance": 1}, {"loaded": {"balance": 100, "x": 1}, "balance": 1},
                     *({**json.loads(good), "transactions": rows} for rows in (
                         None, [], 1, {"x": []}, {"add": 1}, {"add": {}}, {"add": [1]}, {"add": [None]}, {"add": [[]]},
                         {"add": [{}]}, {"add": [{"amount": 2147483648}]}, {"add": [{"amount": 1, "id": 1}]},
                         {"add": [{"amount": 1, "timestamp": None}]}, {"change": [{"id": 1}]}, {"delete": [{"id": 1}]},
                         {"delete": [{"id": 0, "loaded": self.loaded(self.rows[0])}]},
                         {"delete": [{"id": self.rows[0]["id"], "loaded": self.loaded(self.rows[0])}] * 2},
                         {"delete": [{"id": 1, "loaded": {"amount": 1, "timestamp": 1}}]},
                         {"add": [{"amount": 1}] * 10001}))):
            reply = self.ann.send("PUT", account, json.dumps(body).encode())
            self.assertEqual(reply.status, 422, (body, reply.bytes[:200]))
            self.assertTrue(reply.json["fields"])
        for body in ({"action": "reset"}, {"action": "reset", "ids": []}, {"action": "reset", "ids": [1.5]},
                     {"action": "reset", "ids": list(range(1, 1002))},
                     {"action": "reset", "ids": [1], "transactions": "keep"},
                     {"action": "delete", "ids": [True]}, {"action": None, "ids": [1]}, {"ids": [1]}):
            self.assertEqual(self.ann.call("POST", "accounts/actions", body).status, 422, body)
        self.assertEqual(self.ann.send("PUT", row, good.encode(), {"Content-Type": "text/plain"}).status, 415)
        rows = {"add": [{"amount": 1}, {"amount": "x"}]}
        fields = self.ann.call("PUT", account[5:], {**json.loads(good), "transactions": rows})
        self.assertEqual(list(fields.json["fields"]), ["transactions.add.1.amount"])
        self.assertEqual(self.everything(), before)

    # ---- two admins

    def test_a_thousand_pairs_lose_nothing(self):
        """Ann and Bob save the same account at the same time while somebody deposits into it. What each edit added and
        what each deposit added is the balance in the end, and each edit that was answered 200 is in the history."""
        self.add_user("bob")
        people = [self.admin(), self.admin("bob")]
        path = "accounts/%d" % people[0].must(201, "POST", "accounts", {"balance": 0})["id"]
        account = int(path.split("/")[1])
        gate, over, added, deposits, failures = threading.Barrier(2), threading.Event(), [0, 0], [0], []

        def save(number):
            admin = people[number]
            try:
                for i in range(1000):
                    loaded = admin.get(path)["balance"]
                    gate.wait(admins.lab.HUNG)
                    # so far apart that no deposit leads from one to another
                    mine = 1000000 * (2 * i + number + 1)
                    reply = admin.call("PUT", path, {"loaded": {"balance": loaded}, "balance": mine})
                    if reply.status == 200:
                        added[number] += mine - loaded
                        wins[number].append(mine)
                    elif reply.status != 409 or reply.json["error"] != "changed":
                        failures.append((reply.status, reply.bytes))
                    gate.wait(admins.lab.HUNG)
            except Exception as error:  # pylint: disable=broad-except
                failures.append(error)
                gate.abort()

        def fire():
            while not over.is_set():
                if self.deposit(account, 3) == 200:
                    deposits[0] += 3

        wins = [[], []]
        threads = [threading.Thread(target=save, args=(number,)) for number in (0, 1)]
        firing = threading.Thread(target=fire)
        for thread in (*threads, firing):
            thread.start()
        for thread in threads:
            thread.join()
        over.set()
        firing.join()
        self.assertEqual(failures, [])
        now = people[0].get(path)
        self.assertEqual(now["balance"], added[0] + added[1] + deposits[0])
        self.assertEqual(now["recorded_sum"], deposits[0])
        told = [note["changes"]["balance"][1] for note in people[0].all("history?object=account&id=%d" % account)
                if note["action"] == "change"]
        self.assertEqual(sorted(told), sorted(wins[0] + wins[1]))
        self.assertTrue(told)


class SQLite(Ledger):
    pass


class MariaDB(Ledger):
    engine = "mariadb"


class PostgreSQL(Ledger):
    engine = "postgres"


del Ledger

if __name__ == "__main__":
    unittest.main()
