"""What the figures say: medians, the tables, and each figure beside its goal."""
import os
import statistics

import explorer
import isolationtester
from figures import goal_lines, shown

BOTH = "  %-34s%8s%8s%10s%10s%8s%12s%9s%8s"
ALONE = "  %-12s%-46s%9s%10s%10s%10s"
THREE = "  %-12s%-10s%9s%12s%10s%10s%10s"
REDUCED_GOAL, BEHAVIOURS_GOAL = 100, 16


def searched(run):
    """Orders a second beside start-up and end; of isolationtester what all orders take longer than one does."""
    if "search_s" in run:
        return run["orders"] / run["search_s"]
    return (run["orders"] - 1) / (run["wall_s"] - run["start_s"])


def over_all(run):
    return run["orders"] / run["wall_s"]


def median_of(rounds, who, figure):
    return statistics.median(figure(measured[who]) for measured in rounds)


def ratio_of(rounds, figure):
    """Of runs that were made one right after the other."""
    return statistics.median(figure(measured["racy"]) / figure(measured["isolationtester"]) for measured in rounds)


def name_of(engine_scene):
    return "%s: %s" % (engine_scene.engine, engine_scene.what)


class Verdict:
    def __init__(self, bench):
        self.plan, self.beside, self.alone, self.three = bench.plan, bench.beside, bench.alone, bench.three
        self.untold, self.server, self.tester = bench.untold, bench.server.product, bench.tester.version
        self.goals = [*self._beside_goals(), *self._alone_goals(), *self._three_goals()]

    # ---- goals: (what, measured, goal, met, what else to know) ----

    def _beside_goals(self):
        for disk, scene, rounds in self.beside:
            ratio, first = ratio_of(rounds, searched), rounds[0]["racy"]
            waits = "%d of %d wait" % (first["waits"], first["orders"]) if first["waits"] else "nothing waits"
            yield ("orders/s beside isolationtester's, %s, synchronous_commit = %s" % (waits, disk),
                   "%.2f" % ratio, "%.0f" % scene.goal, ratio >= scene.goal,
                   "whole processes: %.2f" % ratio_of(rounds, over_all))

    def _alone_goals(self):
        for scene, runs in self.alone.items():
            rate = statistics.median(map(explorer.per_second, runs))
            seconds = statistics.median(run["seconds"] for run in runs)
            if scene.per_second is not None:
                yield ("orders/s, " + name_of(scene), "%.0f" % rate, "%d" % scene.per_second,
                       rate >= scene.per_second, "")
            if scene.within_s is not None:
                yield ("seconds, " + name_of(scene), "%.3f" % seconds, "%.1f" % scene.within_s,
                       seconds < scene.within_s, "isolationtester cancels %d of the %d orders that it came to by "
                       "itself" % (self.untold["cancelled"], self.untold["orders"]))

    def _three_goals(self):
        for engine, runs in self.three.items():
            reduced = runs["reduced"]
            yield ("orders run of 3 deposits with --reduction on, " + engine, "%d" % reduced["schedules"],
                   "%d" % REDUCED_GOAL, reduced["complete"] and reduced["schedules"] < REDUCED_GOAL and
                   reduced["behaviours"] == BEHAVIOURS_GOAL, "%d behaviours" % reduced["behaviours"])
            if engine == "mariadb":
                rate = explorer.per_second(runs["all"])
                yield "orders/s, mariadb: 3 deposits", "%.0f" % rate, "400", rate >= 400, ""

    # ---- what it says ----

    def _beside(self):
        yield BOTH % ("", "", "", "isolation-", "racy", "", "isolation-", "racy", "")
        yield BOTH % ("the same orders", "orders", "waiting", "tester /s", "/s", "ratio", "tester, all", "all", "ratio")
        before = None
        for disk, scene, rounds in self.beside:
            if disk != before:
                yield "synchronous_commit = %s, of the server%s" % (disk, self._own_settings(disk))
            before = disk
            first = rounds[0]["racy"]
            cells = [median_of(rounds, who, figure) for figure in (searched, over_all)
                     for who in ("isolationtester", "racy")]
            yield BOTH % (scene.what, first["orders"], first["waits"] or "-", "%.0f" % cells[0], "%.0f" % cells[1],
                          "%.2f" % ratio_of(rounds, searched), "%.0f" % cells[2], "%.0f" % cells[3],
                          "%.2f" % ratio_of(rounds, over_all))

    def _own_settings(self, disk):
        """What racy sets for its sessions would make them unlike isolationtester's."""
        own = {name: value for on, _, rounds in self.beside if on == disk
               for name, value in rounds[0]["racy"]["settings"].items()}
        return "".join("; racy's sessions have %s = %s" % item for item in own.items())

    def _untold(self):
        untold = self.untold
        yield ("Not told any orders, isolationtester came to %(orders)d of 70 (2 deposits, one row) in %(took_s).1f s, "
               "and cancelled %(cancelled)d," % untold)
        yield ("whose next step was addressed to a session that waits, each after its time-out: %d s here, %d s unless "
               "told otherwise." % (untold["step_s"], isolationtester.DEFAULT_LIMIT_S))

    def _alone(self):
        yield ALONE % ("racy alone", "", "orders", "/s", "search s", "whole s")
        for scene, runs in self.alone.items():
            median = [statistics.median(values) for values in zip(*(
                (explorer.per_second(run), run["seconds"], run["wall_s"]) for run in runs))]
            yield ALONE % (scene.engine, scene.what, runs[0]["schedules"], "%.0f" % median[0], "%.3f" % median[1],
                           "%.2f" % median[2])

    def _three(self):
        yield THREE % ("3 deposits", "", "orders", "behaviours", "/s", "search s", "whole s")
        for engine, runs in self.three.items():
            for which, run in runs.items():
                is_all = which == "all"
                yield THREE % (engine, which, run["schedules"], run["behaviours"],
                               shown(explorer.per_second(run) if is_all else None, "%.0f"),
                               "%.2f" % run["seconds"], "%.2f" % run["wall_s"])
                if is_all and not run["complete"]:
                    yield "  %-12s%-10s%9s  %s" % ("", "", "", "of more: not all were run")

    def text(self):
        rounds = "Median of %d round%s." % (self.plan.rounds, "s" if self.plan.rounds > 1 else "")
        return "\n".join([
            "%s, one throw-away server for both, READ COMMITTED; %s. %d cores. %s" % (
                self.server, self.tester, os.cpu_count(), rounds),
            "/s: orders a second of the search alone; all: of the whole process, with its start and end.", "",
            *self._beside(), "", *self._untold(), "", *self._alone(), "", *self._three(), "",
            *goal_lines(self.goals, 80)])

    def figures(self):
        return {
            "server": self.server, "isolationtester": self.tester, "cores": os.cpu_count(), "rounds": self.plan.rounds,
            "beside": [{"synchronous_commit": disk, "what": scene.what, "kind": scene.kind, "rounds": rounds,
                        "ratio": ratio_of(rounds, searched), "ratio_whole": ratio_of(rounds, over_all)}
                       for disk, scene, rounds in self.beside],
            "untold": self.untold,
            "alone": [{"engine": scene.engine, "what": scene.what, "options": scene.options, "runs": runs}
                      for scene, runs in self.alone.items()],
            "three": self.three,
            "goals": [dict(zip(("what", "measured", "goal", "met", "note"), goal)) for goal in self.goals],
        }
