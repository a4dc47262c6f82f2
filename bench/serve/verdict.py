"""What the figures say: medians, the table, and each ratio beside its goal. A goal that was missed is said to be."""
import functools
import statistics

from figures import goal_lines, percent, share, shown

CEILING_GOAL, CPU_GOAL, MEMORY_GOAL, START_GOAL_MS = 0.9, 1 / 20, 1 / 10, 100
SHOWN_AS = {"ceiling": "ceiling, 3 connections", "burdened": "ceiling, burdened"}
LINE = "  %-32s%9s%9s%9s%9s%8s%8s%9s%9s"


def each(runs, figure):
    """A figure of each round's run; None where a run cannot have it."""
    values = [figure(run) for run in runs]
    return None if None in values else values


def per_second(run):
    return run["answered"] / run["seconds"]


def cpu_ms(run):
    return share(run["cpu_s"] * 1000, run["answered"])


def lost(run):
    return share(run["recorded"] - run["balance"], run["recorded"])


FIGURES = {
    "answered_per_s": per_second,
    "p50_ms": lambda run: run["p50_us"] / 1000,
    "p99_ms": lambda run: run["p99_us"] / 1000,
    "refused_share": lambda run: share(run["refused"], run["replies"]),
    "lost_share": lost,
    "cpu_ms_per_answered": cpu_ms,
    "database_cpu_ms_per_answered": lambda run: share(run["database_cpu_s"] * 1000, run["answered"]),
    "load_cpu_ms_per_answered": lambda run: share(run.get("load_cpu_s", 0) * 1000, run["answered"]),
    "memory_mib": lambda run: run["memory_kb"] / 1024 if "memory_kb" in run else None,
}


def fraction(ratio):
    return "1/%.3g" % (1 / ratio) if ratio else "-"


class Verdict:
    def __init__(self, plan, bench):
        self.plan, self.runs, self.starts = plan, bench.runs, bench.starts
        self.settings = bench.database.settings
        self.djangos = [django.name for django in bench.djangos]
        self.goals = [*self._ceiling_goals(), *self._cpu_goals(), *self._memory_goals(), self._start_goal()]

    def median(self, who, scene, name):
        values = each(self.runs[who, scene], FIGURES[name])
        return statistics.median(values) if values else None

    def _ratio(self, who, other, scene, figure):
        """Of runs that were made one right after the other."""
        pairs = zip(each(self.runs[who, scene], figure) or (), each(self.runs[other, scene], figure) or ())
        ratios = [a / b for a, b in pairs if b]
        return statistics.median(ratios) if ratios else None

    # ---- goals: (what, measured, goal, met, what else to know) ----

    def _ceiling_goals(self):
        for scene in self.plan.scenes:
            if scene.path == "direct":
                ratio = self._ratio("racy", "ceiling", scene, per_second)
                where = "%s, %s, %d connections" % (scene.way, scene.rows, scene.connections)
                yield ("answered/s of the ceiling's, " + where,
                       shown(ratio, "%.2f"), "%.2f" % CEILING_GOAL, ratio is not None and ratio >= CEILING_GOAL,
                       "of the burdened one's: " + shown(self._ratio("racy", "burdened", scene, per_second), "%.2f"))

    def _beside_django(self, figure):
        """(scene, Django's name, ratio), direct and on one row."""
        for scene in self.plan.scenes:
            if scene.path == "direct" and scene.rows == "one row":
                for django in self.djangos:
                    yield scene, django, self._ratio("racy", django, scene, figure)

    def _cpu_goals(self):
        for scene, django, ratio in self._beside_django(cpu_ms):
            yield ("CPU per answered request, beside %s, %s, %d connections" % (django, scene.way, scene.connections),
                   fraction(ratio), fraction(CPU_GOAL), ratio is not None and ratio <= CPU_GOAL,
                   "the bare statements: " + fraction(self._ratio("ceiling", django, scene, cpu_ms)))

    def _memory_goals(self):
        """The worst of all scenes: it hardly differs."""
        for django in self.djangos:
            ratios = [ratio for _, name, ratio in self._beside_django(lambda run: run["memory_kb"]) if name == django]
            yield ("memory, beside %s" % django, fraction(max(ratios)), fraction(MEMORY_GOAL),
                   max(ratios) <= MEMORY_GOAL, "")

    def _start_goal(self):
        ms = statistics.median(self.starts["racy, SQLite"])
        return "start to first answer, SQLite", "%.0f ms" % ms, "%d ms" % START_GOAL_MS, ms < START_GOAL_MS, ""

    # ---- what it says ----

    def _scene(self, scene):
        yield "%s, %s, %s, %d connections" % (scene.way, scene.rows, scene.path, scene.connections)
        for who in ("ceiling", "burdened", "racy", *self.djangos):
            if (who, scene) not in self.runs:
                continue
            get = functools.partial(self.median, who, scene)
            yield LINE % (SHOWN_AS.get(who, who), shown(get("answered_per_s"), "%.0f"), shown(get("p50_ms"), "%.1f"),
                          shown(get("p99_ms"), "%.1f"), percent(get("refused_share"), 1), percent(get("lost_share"), 0),
                          shown(get("cpu_ms_per_answered"), "%.3f"),
                          shown(get("database_cpu_ms_per_answered"), "%.3f"), shown(get("memory_mib"), "%.1f"))
        yield ""

    def _settings(self, *names):
        return ", ".join("%s = %s" % (name, self.settings[name]) for name in names)

    def text(self):
        lines = [
            "MariaDB %s, one throw-away server for all, READ COMMITTED, over its unix socket."
            % self.settings["version"].split("-")[0],
            "Durability, the same for all: %s."
            % self._settings("innodb_flush_log_at_trx_commit", "innodb_doublewrite", "log_bin"),
            "  %s." % self._settings("innodb_flush_method", "innodb_buffer_pool_size", "innodb_log_file_size"),
            "Servers: 3 synchronous workers each. Load: wrk, one thread. Median of %d round%s of %d s."
            % (self.plan.rounds, "s" if self.plan.rounds > 1 else "", self.plan.seconds),
            "Ceiling: the bare statements on as many connections; burdened: and the CPU that racy and wrk take beside.",
            "Endpoints with long pauses are left out: their pause is what bounds them.",
            "",
            LINE % ("", "answered", "p50", "p99", "refused", "lost", "CPU", "database", "memory"),
            LINE % ("", "/s", "ms", "ms", "", "", "ms", "CPU ms", "MiB"),
        ]
        for scene in self.plan.scenes:
            lines += self._scene(scene)
        lines.append("Start to first answer, median of %d starts" % self.plan.starts)
        lines += ["  %-32s%6.0f ms" % (name, statistics.median(values)) for name, values in self.starts.items()]
        lines += ["", *goal_lines(self.goals, 96)]
        lines += ["BROKEN: " + fault for fault in self.broken()]
        return "\n".join(lines)

    def broken(self):
        """What no server may do, however fast."""
        for (who, scene), runs in self.runs.items():
            n = sum(run.get("answered_not_recorded", 0) for run in runs)
            if n > 0:
                yield "%s answered 200 to %d deposits that are not on record (%s)" % (who, n, " ".join(map(str, scene)))

    def figures(self):
        medians = {(who, scene): {name: self.median(who, scene, name) for name in FIGURES} for who, scene in self.runs}
        return {
            "database": self.settings,
            "rounds": self.plan.rounds,
            "seconds": self.plan.seconds,
            "scenes": [{"who": who, **scene._asdict(), "runs": runs, "median": medians[who, scene]}
                       for (who, scene), runs in self.runs.items()],
            "start_to_first_answer_ms": dict(self.starts),
            "goals": [dict(zip(("what", "measured", "goal", "met", "note"), goal)) for goal in self.goals],
            "broken": list(self.broken()),
        }
