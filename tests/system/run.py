"""Runs one file of black-box tests and tells the results as TAP, case by case: run.py MODULE."""
import sys
import unittest


class Tap(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.told = 0

    def tell(self, ok, test, why=""):
        self.told += 1
        print(f"{'ok' if ok else 'not ok'} {self.told} - {test.id()}", flush=True)
        for line in why.splitlines():
            print("#", line)

    def addSuccess(self, test):
        self.tell(True, test)

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.tell(False, test, self.failures[-1][1])

    def addError(self, test, error):
        super().addError(test, error)
        self.tell(False, test, self.errors[-1][1])

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error is not None:
            self.tell(False, subtest, (self.failures + self.errors)[-1][1])

    def addSkip(self, test, reason):
        self.tell(False, test, "skipped: " + reason)


tests = unittest.defaultTestLoader.loadTestsFromName(sys.argv[1])
result = Tap()
tests.run(result)
print(f"1..{result.told}")
sys.exit(0 if result.wasSuccessful() else 1)
