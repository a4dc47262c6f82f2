"""What both tools run: transactions as data, written down in either's language, and the orders of their statements
that row locks allow. isolationtester can only be told orders one by one, and those that it is not told to be allowed
would cost it a time-out each."""
import collections

# row: the one that the statement locks until its session's "commit".
Step = collections.namedtuple("Step", "name sql row")
Order = collections.namedtuple("Order", "steps waits")  # steps as "A.begin"; waits: how many have to wait

SCHEMA = "CREATE TABLE account (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL)"
SETUP = "INSERT INTO account (id, balance) VALUES (1, 0), (2, 0)"


def deposit(row, balance):
    """Without carrying the value that was read: isolationtester cannot."""
    return (Step("begin", "BEGIN", None), Step("read", "SELECT balance FROM account WHERE id = %d" % row, None),
            Step("write", "UPDATE account SET balance = %d WHERE id = %d" % (balance, row), row),
            Step("commit", "COMMIT", None))


READER = (Step("read", "SELECT balance FROM account WHERE id = 1", None),
          Step("again", "SELECT balance FROM account WHERE id = 1", None))


def racy_file(sessions):
    lines = ["schema { %s }" % SCHEMA, "setup { %s }" % SETUP]
    for who, steps in sessions.items():
        lines += ["session %s" % who, *("step %s { %s }" % (step.name, step.sql) for step in steps)]
    return "\n".join(lines) + "\n"


def isolationtester_spec(sessions, orders):
    """Does beside the steps what racy does: the rows are made anew before each order and looked at after it. The table
    is there. No orders: it shall find them by itself."""
    lines = ["setup { DELETE FROM account; %s; }" % SETUP, "teardown { SELECT * FROM account ORDER BY 1; }"]
    for who, steps in sessions.items():
        lines += ['session "%s"' % who, *('step "%s.%s" { %s }' % (who, step.name, step.sql) for step in steps)]
    lines += ["permutation " + " ".join('"%s"' % step for step in order.steps) for order in orders]
    return "\n".join(lines) + "\n"


def allowed(sessions):
    """All orders that locks allow, in rising order."""
    return list(_from(sessions, {who: 0 for who in sessions}, {}, {}, (), 0))


def _from(sessions, at, holder, waiting, steps, waits):
    """holder: of a row, who has it; waiting: of a session, the row that it waits for."""
    if all(at[who] == len(sessions[who]) for who in sessions):
        yield Order(steps, waits)
    for who, todo in sessions.items():
        if who in waiting or at[who] == len(todo):
            continue
        step = todo[at[who]]
        has, waits_now = dict(holder), dict(waiting)
        if step.row is not None and has.setdefault(step.row, who) != who:
            waits_now[who] = step.row
        if step.name == "commit":
            for row in [row for row, owner in has.items() if owner == who]:
                del has[row]
                for other in [other for other, wanted in waiting.items() if wanted == row]:
                    has[row] = other
                    del waits_now[other]
        yield from _from(sessions, {**at, who: at[who] + 1}, has, waits_now,
                         (*steps, "%s.%s" % (who, step.name)), waits + (who in waits_now))
