"""Races without end: every variant, engine, number of workers, with workers killed at random. races.py SECONDS."""
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

RACY = os.environ["RACY"]
VARIANTS = ["non_atomic_no_delay", "atomic_no_delay", "non_atomic_long_delay", "atomic_long_delay",
            "row_locking_atomic_long_delay"]


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def check(result, variant):
    """What holds in every result, whatever happened."""
    missing = result["expected_balance"] - result["actual_balance"]
    assert missing == result["missing"], "the sums"
    answers = result["answered"] + sum(result["refused"].values()) + result["unanswered"]
    assert answers == result["requests"], "an answer too few or too many"
    if result["verdict"] != "inconclusive" and result["lost_updates"] is not None and result["torn"] is not None:
        assert missing == (result["lost_updates"] + result["torn"]) * result["amount"], "lost and torn"
    if variant.startswith(("atomic", "row")):
        assert not result["torn"], "an atomic variant left half a deposit"
    if variant.startswith("row"):
        assert missing == 0, "row locking lost a deposit"


def race(seed, home):
    rng = random.Random(seed)
    variant = rng.choice(VARIANTS)
    args = [RACY, "run", "deposit/" + variant, "--json", "--seed", str(seed), "--delay", "0.02..0.1",
            "-n", str(rng.choice((5, 20, 60))), "--workers", str(rng.choice((1, 2, 3, 8))),
            "--db", rng.choice((f"sqlite:{home}/soak.db", "mariadb"))]
    process = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for _ in range(rng.choice((0, 0, 1, 3))):
        time.sleep(rng.random() / 2)
        workers = [pid for child in children(process.pid) for pid in children(child)
                   if open(f"/proc/{pid}/comm").read().strip() == "racy"]
        if workers:
            try:
                os.kill(rng.choice(workers), signal.SIGKILL)
            except ProcessLookupError:
                pass
    out, err = process.communicate()
    if process.returncode == 3 and "did not start" in err:
        return "not started (a worker was killed before it was at its post)", ""
    assert process.returncode in (0, 1, 4), f"exit code {process.returncode}: {err}"
    result = json.loads(out)
    check(result, variant)
    return result["verdict"], " ".join(args)


end = time.monotonic() + float(sys.argv[1])
seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
verdicts = {}
with tempfile.TemporaryDirectory() as home:
    while time.monotonic() < end:
        try:
            verdict, _ = race(seed, home)
        except (AssertionError, OSError, ValueError) as why:
            print(f"seed {seed}: {why}", file=sys.stderr)
            sys.exit(1)
        verdicts[verdict] = verdicts.get(verdict, 0) + 1
        seed += 1
print("races:", ", ".join(f"{n} {verdict}" for verdict, n in sorted(verdicts.items())), "- all sums right")
