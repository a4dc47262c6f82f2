"""racy on several hosts, as it stands in production: an instance each, one database, one nginx before all. The
hosts are network namespaces with links to one more, in which the test runs, and with it nginx and the database.
All of that hangs on the processes in it: nothing has a name outside, and nothing is left when they are gone."""

import os
import shutil
import subprocess
import sys
import threading

from front import Front
from subject import HUNG, Case, MariaDB, Postgres, Server, deposit, read_reply, send_bytes, until

ROW_LOCKING = "row_locking_atomic_long_delay"
# What every nginx does that is not told otherwise: a server that cannot be connected to is passed over. A POST
# that was sent is not sent again all the same, as without it.
PASSES_OVER = ("proxy_next_upstream off;", "proxy_next_upstream error;")
USERS = """CREATE DATABASE shop;
CREATE USER shop@'10.99.%' IDENTIFIED BY 'open';
GRANT ALL ON shop.* TO shop@'10.99.%';
"""


def setUpModule():
    """Goes on in a network of its own; who is not root needs a user namespace for that."""
    if "RACY_TEST_OWN_NETWORK" in os.environ:
        return ip("link", "set", "lo", "up")
    if not shutil.which("ip"):
        raise AssertionError("there is no `ip`: script/bootstrap test installs it (iproute2)")
    own = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-current-user", "--keep-caps", "--net"]
    tried = subprocess.run([*own, "ip", "link", "set", "lo", "up"], capture_output=True, text=True, check=False)
    if tried.returncode:
        raise AssertionError("no network namespace can be made (run this as root, or allow user namespaces): " +
                             tried.stderr)
    os.environ["RACY_TEST_OWN_NETWORK"] = "1"
    sys.stdout.flush()
    os.execvp(own[0], [*own, *sys.orig_argv])


def ip(*args):
    subprocess.run(["ip", *args], check=True, timeout=HUNG)


class Host:
    """A namespace that lives as long as a process in it; 10.99.n.2 there, 10.99.n.1 here."""

    def __init__(self, n):
        self.address, here = "10.99.%d.2" % n, "10.99.%d.1" % n
        self.keeper = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec cat"], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE)
        try:
            self.keeper.stdout.readline()
            self.within = ["nsenter", "--net=/proc/%d/ns/net" % self.keeper.pid]
            ip("link", "add", "host%d" % n, "type", "veth", "peer", "name", "eth0", "netns", str(self.keeper.pid))
            ip("address", "add", here + "/30", "dev", "host%d" % n)
            ip("link", "set", "host%d" % n, "up")
            for args in (("address", "add", self.address + "/30", "dev", "eth0"), ("link", "set", "eth0", "up"),
                         ("route", "add", "default", "via", here)):
                subprocess.run([*self.within, "ip", *args], check=True, timeout=HUNG)
        except BaseException:
            self.end()
            raise

    def end(self):
        self.keeper.communicate(timeout=HUNG)


class Customers:
    """So many at a time, each of whom makes one deposit after the other. Every deposit has an amount of its own:
    the one by which it is known in the rows."""

    def __init__(self, port, account, variant, n):
        self.answered, self.unanswered, self.enough, self.lock, self.amount = set(), {}, False, threading.Lock(), 0

        def deposits():
            while not self.enough:
                with self.lock:
                    self.amount += 1
                    amount = self.amount
                status = read_reply(send_bytes(port, deposit(variant, account, amount))).status
                with self.lock:
                    if status == 200:
                        self.answered.add(amount)
                    else:
                        self.unanswered[amount] = status
        self.threads = [threading.Thread(target=deposits, daemon=True) for _ in range(n)]
        for thread in self.threads:
            thread.start()

    def answers(self, n):
        until(lambda: len(self.answered) >= n, "%d answers" % n)

    def end(self):
        self.enough = True
        for thread in self.threads:
            thread.join(HUNG)
            assert not thread.is_alive(), "a request hangs"


class Hosts:
    def setUp(self):
        super().setUp()
        self.start_database()
        self.addCleanup(self.database.kill)
        self.servers = []
        for n in range(3):
            host = Host(n)
            self.addCleanup(host.end)
            server = Server(self.url("10.99.%d.1" % n), "--delay", "10ms", host=host.address,
                            within=host.within)
            self.addCleanup(server.end)
            server.address = "%s:%d" % (host.address, server.port)
            self.servers.append(server)
        # Or else nginx itself would leave out for 10 s the one that failed it, and no request would meet a dead host.
        self.front = Front(*(server.address + " max_fails=0" for server in self.servers), changes=[PASSES_OVER])
        self.addCleanup(lambda: self.assertEqual(self.front.end(), (0, [])))

    def rows(self, account):
        """The amounts on record, and the balance."""
        amounts = sorted(map(int, self.sql("SELECT amount FROM demo_transaction WHERE account_id = %d" % account)))
        return amounts, int(self.sql("SELECT balance FROM demo_account WHERE id = %d" % account)[0])

    def volley(self, variant):
        """Deposits through nginx, in the middle of which a host's arbiter and workers are killed."""
        account = self.servers[0].account("create", "--balance", "0")["id"]
        customers = Customers(self.front.port, account, variant, 12)
        customers.answers(20)
        victim = self.servers[1]
        workers = victim.workers()
        victim.process.kill()
        for pid in workers:
            os.kill(pid, 9)
        until(lambda: customers.unanswered, "somebody was in the middle")
        customers.answers(len(customers.answered) + 40)
        customers.end()
        return account, customers

    def test_nothing_is_lost_that_was_answered(self):
        account, customers = self.volley(ROW_LOCKING)
        amounts, balance = self.rows(account)
        self.assertEqual(len(amounts), len(set(amounts)), "a deposit was made twice")
        self.assertEqual(customers.answered - set(amounts), set(), "answered and not on record")
        self.assertEqual(set(amounts) - customers.answered - set(customers.unanswered), set())
        self.assertEqual(balance, sum(amounts))
        self.assertEqual(set(customers.unanswered.values()), {502})
        self.assertIn("while reading response header from upstream", self.front.read("error.log"))
        self.the_survivors_go_on(account)

    def the_survivors_go_on(self, account):
        told = self.front.read("access.log").count("\n")
        _, before = self.rows(account)
        for _ in range(12):
            self.assertEqual(read_reply(send_bytes(self.front.port, deposit(ROW_LOCKING, account))).status, 200)
        self.assertEqual(self.rows(account)[1], before + 1200)
        asked = " ".join(self.front.told(told + 12)[told:])
        for server in (self.servers[0], self.servers[2]):
            self.assertIn(server.address, asked)

    def test_without_the_lock_hosts_overwrite_one_another(self):
        """The control: the same, seen to be able to end otherwise."""
        account, customers = self.volley("non_atomic_no_delay")
        amounts, balance = self.rows(account)
        self.assertEqual(customers.answered - set(amounts), set())
        self.assertLess(balance, sum(amounts))


class OnMariaDB(Hosts, Case):
    def start_database(self):
        users = os.path.join(self.folder, "users.sql")
        with open(users, "w", encoding="ascii") as file:
            file.write(USERS)
        self.database = MariaDB(self.folder, "--bind-address=0.0.0.0", "--port=3306", "--skip-name-resolve",
                                "--init-file=" + users)

    @staticmethod
    def url(address):
        return "mysql://shop:open@%s:3306/shop" % address

    def sql(self, text):
        return subprocess.run(["mariadb", "--no-defaults", "--socket=" + self.database.socket, "--user=root",
                               "--skip-column-names", "--execute=" + text, "shop"], check=True, timeout=HUNG,
                              stdout=subprocess.PIPE, text=True).stdout.split()


class OnPostgreSQL(Hosts, Case):
    def start_database(self):
        self.database = Postgres(self.folder, "-c", "listen_addresses=0.0.0.0")
        self.database.ask("CREATE DATABASE shop", "postgres")

    @staticmethod
    def url(address):
        return "postgresql://postgres@%s:5432/shop" % address

    def sql(self, text):
        return self.database.ask(text)
