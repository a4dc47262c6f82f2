"""racy explore, as a command: its JSON, and how long the whole process took."""
import collections
import json
import re
import time

import processes

CODES = (0, 1, 4)  # proven, violated, neither: what it says of the orders is not what is measured


def explore(racy, file, *options, seconds=60):
    before = time.perf_counter()
    told, _ = processes.run([racy, "explore", file, "--json", *options], seconds, CODES)
    found = json.loads(told)
    found["wall_s"] = time.perf_counter() - before
    if found["unsure"]:
        raise RuntimeError("racy explore %s %s: %d orders are inconclusive: %s" % (
            file, " ".join(options), found["unsure"], found["unsure_why"]))
    return found


def per_second(found):
    """Of the search alone. One that is reduced also runs random orders, in the same time, to be checked by them."""
    return found["schedules"] / found["seconds"]


def outcomes(found):
    """As isolationtester.outcomes."""
    count = collections.Counter()
    for outcome in found["outcomes"]:
        read = re.findall(r"^(\w+):.* read (-?\d+),", outcome["text"], re.M)
        rows = re.findall(r"\((\d+), (-?\d+)\)", outcome["text"].rpartition("state: ")[2])
        count[tuple(sorted(read)), tuple(rows)] += outcome["schedules"]
    return count


def texts(found):
    """Its behaviours, to the last letter."""
    return {outcome["text"] for outcome in found["outcomes"]}
