"""Figures as texts, and each beside its goal. A goal that was missed is said to be."""


def share(part, whole):
    return part / whole if whole else None


def shown(value, form):
    return "-" if value is None else form % value


def percent(value, digits):
    return "-" if value is None else "%.*f %%" % (digits, value * 100)


def goal_lines(goals, columns):
    """Of (what, measured, goal, met, note), with a column so wide for the first."""
    lines = ["Goals"]
    for what, measured, goal, is_met, note in goals:
        said = "met" if is_met else "MISSED"
        lines.append(("  %-*s%7s  goal %-6s  %-6s  %s" % (columns, what, measured, goal, said, note)).rstrip())
    return [*lines, "%d of %d goals met." % (sum(goal[3] for goal in goals), len(goals))]
