"""Adya's serialization graph of a schedule, made the plain way: every write of a random history is told apart from all others by
its value, so that each value that was read says which versions it came of. It knows nothing of serial orders, and racy nothing of it."""
import itertools

ROWS = (1, 2, 3)
NAMES = ("G0", "G1a", "G1b", "G1c", "P4", "G-single", "G2-item", "G2")


class History:
    """Two or three sessions on three rows: writes of a value, of one that was read and more, additions, reads of a row, of two
    rows by key, of all rows."""

    def __init__(self, rng, sessions, bare, rollbacks):
        self.first = {row: self.value(rng) for row in ROWS}
        self.sessions = [self.session(rng, bare, rollbacks) for _ in range(sessions)]

    @staticmethod
    def value(rng):
        return rng.randrange(1, 1 << 24)

    def session(self, rng, bare, rollbacks):
        steps = [] if bare else [("begin",)]
        for _ in range(rng.choice((2, 2, 3)) if bare else rng.choice((2, 2, 3, 3))):
            row = rng.choice(ROWS[:2] if rng.random() < 0.8 else ROWS)
            kinds = [("read", (row,)), ("read", (row,)), ("write", row, self.value(rng)), ("write", row, self.value(rng)),
                     ("add", row, self.value(rng)), ("read", (1, 2)), ("all", ROWS)]
            if any(step[0] in ("read", "all") for step in steps):
                kinds += [("use", row, self.value(rng))] * 3
            steps.append(rng.choice(kinds))
        if not bare:
            steps.append(("rollback",) if rollbacks and rng.random() < 0.3 else ("commit",))
        return steps

    def sql(self):
        text = ["schema { CREATE TABLE item (id INTEGER PRIMARY KEY, value INTEGER NOT NULL) {table_end} }",
                "setup { INSERT INTO item (id, value) VALUES %s }" % ", ".join("(%d, %d)" % pair for pair in self.first.items())]
        for who, steps in enumerate(self.sessions):
            text.append("session " + "ABC"[who])
            text += ["step s%d { %s }%s" % (i, self.statement(step), " into x" if step[0] in ("read", "all") else "")
                     for i, step in enumerate(steps)]
        return "\n".join(text) + "\n"

    @staticmethod
    def statement(step):
        kind = step[0]
        if kind in ("begin", "commit", "rollback"):
            return kind.upper()
        if kind == "write":
            return "UPDATE item SET value = %d WHERE id = %d" % (step[2], step[1])
        if kind == "add":
            return "UPDATE item SET value = value + %d WHERE id = %d" % (step[2], step[1])
        if kind == "use":
            return "UPDATE item SET value = :x + %d WHERE id = %d" % (step[2], step[1])
        if kind == "all":
            return "SELECT SUM(value) FROM item"
        if len(step[1]) == 2:
            return "SELECT SUM(value) FROM item WHERE id IN (1, 2)"
        return "SELECT value FROM item WHERE id = %d" % step[1]


class Version:
    def __init__(self, row, value, who, at):
        self.row, self.value, self.who, self.at = row, value, who, at


class Graph:
    """Of what `racy explore --json` printed as a witness of the history."""

    def __init__(self, history, witness):
        self.history, self.steps = history, []
        self.bare = history.sessions[0][0][0] != "begin"
        taken = {}
        for step in witness["steps"]:
            who = ord(step["session"]) - ord("A")
            nth = taken.get(who, 0)
            taken[who] = nth + 1
            plan = history.sessions[who]
            self.steps.append((who, plan[nth] if nth < len(plan) else ("rollback",), step))
        refused = {who for who, end in enumerate(witness["ends"]) if end != "done"}
        self.committed = {who for who in range(len(history.sessions))
                          if who not in refused and history.sessions[who][-1] != ("rollback",)}
        self.readers = set(range(len(history.sessions))) - refused
        self.versions = {row: self.versions_of(row) for row in ROWS}
        self.edges, self.dirty = set(), set()
        self.add_edges()

    def ends_at(self, who):
        return max(at for at, step in enumerate(self.steps) if step[0] == who)

    def versions_of(self, row):
        """In the order in which they came about: a row is locked until its writer ends."""
        writes = [(at, who, step) for at, (who, step, told) in enumerate(self.steps)
                  if step[0] in ("write", "add", "use") and step[1] == row and "error" not in told]
        if not self.bare:
            writes.sort(key=lambda write: (self.ends_at(write[1]), write[0]))
        versions, top = [Version(row, self.history.first[row], None, -1)], {None: self.history.first[row]}
        kept = self.history.first[row]
        for at, who, step in writes:
            base = top.get(who, kept)
            value = step[2] + {"write": 0, "add": base, "use": self.last_read(who, at)}[step[0]]
            versions.append(Version(row, value, who, at))
            top[who] = value
            if who in self.committed or self.bare:
                kept = value
                top = {who: value} if not self.bare else {}
        return versions

    def last_read(self, who, at):
        read = [int(told["result"]) for one, _, told in self.steps[:at] if one == who and "result" in told]
        return read[-1] if read else 0

    def kept(self, row):
        return [v for v in self.versions[row] if v.who is None or v.who in self.committed]

    def final(self, version):
        """Its writer wrote the row no more."""
        return not any(v.who == version.who and v.at > version.at for v in self.versions[version.row])

    def explain(self, rows, value):
        """The versions that it is the sum of; None: there are several ways, or none."""
        ways = [way for way in itertools.product(*(self.versions[row] for row in rows)) if sum(v.value for v in way) == value]
        return ways[0] if len(ways) == 1 else None

    def add_edges(self):
        self.certain = True
        for row in ROWS:
            kept = self.kept(row)
            for i, k in itertools.combinations(range(1, len(kept)), 2):
                if kept[i].who != kept[k].who:
                    self.edges.add(("ww", kept[i].who, kept[k].who, True, row, None))
        for at, (who, step, told) in enumerate(self.steps):
            if who not in self.readers or "result" not in told:
                continue
            way = self.explain(step[1], int(told["result"]))
            self.certain &= way is not None
            for version in way or ():
                self.add_read(at, who, step, version)

    def add_read(self, at, who, step, version):
        if version.who == who:
            return
        if version.who is not None and version.who not in self.committed:
            self.dirty.add("G1a")
            return
        if version.who is not None and not self.final(version):
            self.dirty.add("G1b")
        if version.who is not None:
            self.edges.add(("wr", version.who, who, True, version.row, at))
        kept = self.kept(version.row)
        for later in kept[kept.index(version) + 1:]:
            if later.who not in (who, version.who):
                self.edges.add(("rw", who, later.who, step[0] == "read", version.row, at))

    def has_circle(self, allowed, least, most):
        for length in range(2, len(self.history.sessions) + 1):
            for nodes in itertools.permutations(range(len(self.history.sessions)), length):
                pairs = list(zip(nodes, nodes[1:] + nodes[:1]))
                kinds = [{e[0] for e in self.edges if (e[1], e[2]) == pair and allowed(e)} for pair in pairs]
                if all(kinds) and any(least <= way.count("rw") <= most for way in itertools.product(*kinds)):
                    return True
        return False

    def is_lost_update(self):
        for kind, who, other, _, row, at in self.edges:
            if kind != "rw" or self.steps[at][1][0] != "read" or len(self.steps[at][1][1]) > 1:
                continue
            kept = self.kept(row)
            mine = [i for i, v in enumerate(kept) if v.who == who and v.at > at and self.steps[v.at][1][0] != "add"]
            theirs = [i for i, v in enumerate(kept) if v.who == other]
            if any(i > k for i in mine for k in theirs):
                return True
        return False

    def names(self):
        """All that fit, the strongest first."""
        def of(*kinds, by_key=False):
            return lambda e: e[0] in kinds and (not by_key or e[3])

        fits = {"G0": self.has_circle(of("ww"), 0, 0), "G1a": "G1a" in self.dirty, "G1b": "G1b" in self.dirty,
                "G1c": self.has_circle(of("ww", "wr"), 0, 0), "P4": self.is_lost_update(),
                "G-single": self.has_circle(of("ww", "wr", "rw"), 1, 1),
                "G2-item": self.has_circle(of("ww", "wr", "rw", by_key=True), 2, 9),
                "G2": self.has_circle(of("ww", "wr", "rw"), 2, 9)}
        return [name for name in NAMES if fits[name]]
