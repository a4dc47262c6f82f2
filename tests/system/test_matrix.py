"""Each way to write a deposit, on each engine at each level, in both directions: the race is found where it is
stated, and absent where the claim is that it cannot be. What docs/databases.md tells is held here too."""
import re

import matrix
from lab import Home

REFUSALS = {"busy", "deadlock", "serialization", "conflict", "lock_timeout"}


class Columns:
    """One test a column; each way in it is a case of its own."""

    def hold(self, column):
        title, options = (matrix.COLUMNS[self.engine] + matrix.BARE[self.engine])[column]
        url = self.place()
        raced = []
        for way in matrix.ways():
            with self.subTest(way=way["name"], column=title):
                result = matrix.measure(self.engine, url, way, options, self.env)
                self.check_page(title, way["name"], matrix.cell(result))
                if result:
                    raced.append(way["name"])
                    self.check(title, result)
        self.assertGreaterEqual(len(raced), 10)

    def check(self, title, result):
        expected = result["expected"]
        if not title.startswith(matrix.NONE):
            level, _, snapshot = title.partition(", ")
            self.assertEqual((result["isolation"], bool(result["snapshot_isolation"])), (level, bool(snapshot)))
        self.assertEqual(matrix.word(result), expected, result["reasons"])
        if expected == "loses":
            self.assertGreater(result["missing"], 0)
            return
        self.assertEqual((result["verdict"], result["missing"]), ("none_seen", 0), result["reasons"])
        self.assertGreater(result["overlap"]["max_in_flight"], 1)
        self.assertLessEqual(set(result["refused"]), REFUSALS)

    def check_page(self, title, way, cell):
        """The page's word; which reasons a run refuses for may differ from the page's run."""
        with open(matrix.PAGE) as page:
            section = re.search(rf"\n## {matrix.PRODUCTS[self.engine]} .*?\n\n(.*?)\n\n", page.read(), re.S).group(1)
        table = [[text.strip() for text in line.split("|")[1:-1]] for line in section.splitlines()]
        told = next(row for row in table if row[0] == f"`{way}`")[table[0].index(title)]
        self.assertEqual(told.split(" (")[0], cell.split(" (")[0], "script/databases writes the page anew")


class SQLite(Columns, Home):
    engine = "sqlite"

    def place(self):
        return self.sqlite()

    def test_its_one_level(self):
        self.hold(0)

    def test_no_transaction(self):
        self.hold(1)


class Server(Columns):
    def place(self):
        process, url = matrix.serve(self.engine, self.env)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return url


class MariaDB(Server, Home):
    engine = "mariadb"

    def test_read_uncommitted(self):
        self.hold(0)

    def test_read_committed(self):
        self.hold(1)

    def test_repeatable_read(self):
        self.hold(2)

    def test_snapshot_isolation(self):
        self.hold(3)

    def test_serializable(self):
        self.hold(4)

    def test_no_transaction(self):
        self.hold(5)

    def test_no_transaction_serializable(self):
        self.hold(6)


class PostgreSQL(Server, Home):
    engine = "postgres"

    def test_read_uncommitted(self):
        self.hold(0)

    def test_read_committed(self):
        self.hold(1)

    def test_repeatable_read(self):
        self.hold(2)

    def test_serializable(self):
        self.hold(3)

    def test_no_transaction(self):
        self.hold(4)

    def test_no_transaction_serializable(self):
        self.hold(5)
