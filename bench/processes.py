"""The processes that every benchmark starts: a command that is waited for, and `racy serve` on a database."""
import os
import re
import subprocess

LIMIT = 60  # seconds beyond the expected ones; only ends what hangs


def forget_settings():
    """Those of whoever calls are not for servers of our own."""
    for name in list(os.environ):
        if name.startswith(("RACY", "GUNICORN", "WEB_CONCURRENCY", "DJANGO")):
            del os.environ[name]


def run(command, seconds, codes=(0,), told_to=None, **more):
    """Its output and error output; another exit code than these is the benchmark's failure. `told_to` is its input."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL if told_to is None else subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
                          **more) as process:
        try:
            told = process.communicate(told_to, timeout=seconds + LIMIT)
        except BaseException:
            process.kill()
            raise
    if process.returncode not in codes:
        raise RuntimeError("%s ended with code %d: %s" % (command[0], process.returncode, "".join(told)))
    return told


class Serving:
    """racy serve with one worker, at its post when this is made: for its throw-away server, or to be measured."""

    def __init__(self, racy, database, *options, **popen):
        self.told, self.worker = "", None
        self.process = subprocess.Popen(
            [racy, "serve", "--db", database, "--bind", "127.0.0.1:0", "--workers", "1", *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **popen)
        try:
            self._await()
        except BaseException:
            self.process.kill()
            raise
        self.product = self.find(r"\[INFO\] (\S+ \S+), sessions")
        self.url = self.find(r"account create --db '([^']+)'")

    def _await(self):
        while self.worker is None:
            line = self.process.stderr.readline()
            if not line:
                raise RuntimeError("racy serve ended: " + self.told)
            self.told += line
            at_its_post = re.search(r"worker 1 is at its post, pid (\d+)", line)
            self.worker = at_its_post and int(at_its_post.group(1))

    def find(self, pattern):
        """In what it has told until its worker was at its post; None: it has told no such thing."""
        found = re.search(pattern, self.told)
        return found and found.group(1)

    def end(self):
        self.process.terminate()
        self.process.wait(LIMIT)
        self.process.stderr.close()
