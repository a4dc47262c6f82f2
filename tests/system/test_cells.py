"""Every cell of docs/isolation.md that says possible: its witness is found anew, is the one that stands there, and does in the
engine's own client what it is said to do. Long: script/soak runs it."""
import os
import re
import unittest

import test_client

LEVELS = {"RU": ("read-uncommitted",), "RC": ("read-committed",), "RR": ("repeatable-read",),
          "RR+snapshot": ("repeatable-read", "--set", "innodb_snapshot_isolation=on")}
WORDS = {"MariaDB": "mariadb", "PostgreSQL": "postgres"}
LINE = re.compile(r"\| (\S+) \| (.+) \| `(A\.begin .*|B\.begin .*)` \| (\S+) \|")


class Cells(test_client.Witnesses):
    def test_lost_update(self):
        """Not here."""

    test_histories = test_isolationtester = test_lost_update

    def test_cells(self):
        tried = 0
        with open(os.path.join(test_client.HISTORIES, "..", "isolation.md"), encoding="utf-8") as file:
            lines = [LINE.fullmatch(line.rstrip("\n")) for line in file]
        for history, where, order, name in (line.groups() for line in lines if line):
            for engine, levels in (part.split(" ", 1) for part in where.split("; ")):
                for level in levels.split(", "):
                    witness = self.check(WORDS[engine], os.path.join(test_client.HISTORIES, history + ".sql"), "--isolation",
                                         *LEVELS[level])
                    self.assertEqual((witness["order"], witness["anomaly"] or "-"), (order, name), (history, engine, level))
                    tried += 1
        self.assertEqual(tried, 47)


if __name__ == "__main__":
    unittest.main()
