"""What is measured, and how: load by wrk, the loop of bare statements, and what the kernel says of processes."""
import concurrent.futures
import json
import os
import resource

from processes import run
from subject import children, cpu_seconds, pss, read_reply, send_bytes, deposit

HERE = os.path.dirname(os.path.abspath(__file__))


def family(pid):
    """A server's processes: the arbiter and its workers."""
    return [pid, *children(pid)]


def cpu(pids):
    return sum(cpu_seconds(pid) for pid in pids)


def memory_kb(pids):
    return sum(pss(pid) for pid in pids)


def warm_up(port, way, account, n=30, at_once=6):
    """Each worker has had requests before anything is counted. How many were answered 200."""
    def one(_):
        return read_reply(send_bytes(port, deposit(way, account, amount=1))).status == 200
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        return sum(pool.map(one, range(n)))


def load(port, way, accounts, connections, seconds):
    """One run of wrk with a thread: its counts, and its own CPU."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    first, n = accounts
    _, told = run(["wrk", "--threads", "1", "--connections", str(connections), "--duration", "%ds" % seconds,
                   "--timeout", "20s", "--script", os.path.join(HERE, "deposit.lua"),
                   "http://127.0.0.1:%d/demo/%s/" % (port, way)], seconds,
                  env={**os.environ, "BENCH_FIRST": str(first), "BENCH_ACCOUNTS": str(n)})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    counts = json.loads(told.splitlines()[-1])
    counts["answered"] = counts["replies"] - counts["refused"]
    counts["load_cpu_s"] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return counts


def ceiling(program, database, way, accounts, connections, seconds, burn_us=0):
    first, n = accounts
    told, _ = run([program, database.socket, database.name, way, str(first), str(n), str(connections), "300",
                   str(seconds * 1000), str(burn_us)], seconds)
    counts = json.loads(told)
    counts["replies"] = counts["answered"] + counts["refused"]
    return counts
