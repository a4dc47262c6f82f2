"""What the black-box tests share: the program, run as a person runs it, in a home of its own."""
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

RACY = os.environ["RACY"]
os.environ.setdefault("RACY_LAB", "off")  # beside each server of a test it would want the same port
HUNG = 300  # seconds; only ends a test that hangs


class Home(unittest.TestCase):
    """Each test has its own state directory, so that the default database is its own too."""

    def setUp(self):
        self.home = tempfile.mkdtemp(prefix="racy-test-")
        self.env = {**os.environ, "HOME": self.home, "XDG_STATE_HOME": self.home, "NO_COLOR": "1", "LC_ALL": "C.UTF-8"}
        self.env.pop("RACY_DB", None)
        self.addCleanup(shutil.rmtree, self.home, True)

    def racy(self, *args, code=None):
        done = subprocess.run([RACY, *map(str, args)], env=self.env, capture_output=True, text=True, timeout=HUNG)
        if code is not None:
            self.assertEqual(done.returncode, code, f"racy {args}: {done.stdout}{done.stderr}")
        return done

    def start(self, *args):
        process = subprocess.Popen([RACY, *map(str, args)], env=self.env, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, start_new_session=True)
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.communicate()

    def json_of(self, *args, code=None):
        return json.loads(self.racy(*args, "--json", code=code).stdout)

    def sqlite(self, name="test.db"):
        return "sqlite:" + os.path.join(self.home, name)

    def mariadb(self):
        return self.server("mariadb")

    def server(self, word):
        """A throw-away server that lives as long as the test: its URL. A server of racy's own starts it."""
        process = self.start("serve", "--bind", "127.0.0.1:0", "--workers", 1, "--db", word)
        for line in process.stderr:
            found = re.search(r"account create --db '([^']+)'", line)
            if found:
                return found.group(1)
        self.fail("racy serve ended before it named its database")


def children(pid):
    """The processes that this one started."""
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(word) for word in file.read().split()]


def descendants(pid):
    """All of them, however deep."""
    found = children(pid)
    return found + [deeper for child in found for deeper in descendants(child)]


def comm(pid):
    """The name of a process's program."""
    with open(f"/proc/{pid}/comm") as file:
        return file.read().strip()
