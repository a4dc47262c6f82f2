"""PostgreSQL's isolationtester, which Debian ships in postgresql-client-15: a specification goes in, and what the
steps of each order came to comes out as a text."""
import collections
import glob
import os
import re
import subprocess
import time

import orders
import processes

PATHS = "/usr/lib/postgresql/*/lib/pgxs/src/test/isolation/isolationtester"
DEFAULT_LIMIT_S = 300  # how long it lets a step wait before it cancels it, unless PGISOLATIONTIMEOUT says otherwise


class Tester:
    def __init__(self, url):
        found = sorted(glob.glob(PATHS))
        if not found:
            raise RuntimeError("there is no %s: it comes with postgresql-15" % PATHS)
        self.program = found[-1]
        user, name, folder = re.fullmatch(r"postgresql://([^@]+)@/(\w+)\?socket=(.+)", url).groups()
        self.where = "user=%s dbname=%s host=%s" % (user, name, folder)
        self.version = processes.run([self.program, "-V"], 0)[0].strip()
        self.do(orders.SCHEMA)

    def do(self, sql):
        """A statement that is no part of what is measured."""
        self.run('setup { %s }\nsession "A"\nstep "look" { SELECT 1 }\npermutation "look"\n' % sql)

    def set_waiting_for_disk(self, value):
        """Of all who connect after this, racy too."""
        self.do("ALTER ROLE CURRENT_USER SET synchronous_commit = " + value)

    def run(self, spec):
        """(what it says, seconds of the whole process)"""
        before = time.perf_counter()
        told, _ = processes.run([self.program, self.where], 300, told_to=spec)
        return told, time.perf_counter() - before

    def run_bounded(self, spec, step_s, seconds):
        """What it says within so long, and how long that took, with a time-out of step_s for each step."""
        before = time.perf_counter()
        with subprocess.Popen([self.program, self.where], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True,
                              env={**os.environ, "PGISOLATIONTIMEOUT": str(step_s)}) as process:
            try:
                told, _ = process.communicate(spec, timeout=seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                told, _ = process.communicate()
        return told, time.perf_counter() - before


def split(told):
    return told.split("\nstarting permutation: ")[1:]


def outcomes(told):
    """How often each: what each session read, and the rows in the end."""
    count = collections.Counter()
    for order in split(told):
        read = re.findall(r"^step (\w+)\.read: .*\nbalance\n-+\n *(-?\d+)\n", order, re.M)
        rows = re.findall(r"^ *(\d+)\| *(-?\d+)$", order, re.M)
        count[tuple(sorted(read)), tuple(rows)] += 1
    return count


def waits(told):
    """In how many orders somebody had to wait."""
    return sum("<waiting ...>" in order for order in split(told))


def cancelled(told):
    """In how many orders it gave up waiting: the next step was addressed to a session that could not take it."""
    return sum("isolationtester: canceling step" in order for order in split(told))
