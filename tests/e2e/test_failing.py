"""Allocations, and steps of input and output, that fail: a share of the sweep of failing.py.

Which share turns with each build of the program; `./dev bench failing` does it whole, and
again under ASan.
"""
import chaos
import failing


class Failing(chaos.Case):
    def sweep(self, name, what, every):
        library = failing.build(self.folder)
        if library is None:
            self.skipTest("no compiler here")
        sweep = failing.Sweep(self.path("sweep"), library, chaos.program())
        turn = failing.rotation(chaos.program(), every)
        count = 0
        for number, breach, told, stack in sweep.sweep(name, what, every, turn):
            count += 1
            self.assertIsNone(breach, "%s, %s call %d: %s\n%s\n%s" % (
                name, what, number, breach, told, stack))
        self.assertGreater(count, 3)

    def test_memory_of_a_run_with_a_database(self):
        self.sweep("database", "memory", 64)

    def test_memory_of_the_loader(self):
        self.sweep("validate", "memory", 12)

    def test_memory_of_the_plots(self):
        self.sweep("plots", "memory", 128)

    def test_files_of_a_run_with_a_database(self):
        self.sweep("database", "files", 8)

    def test_files_of_reports_made_again(self):
        self.sweep("report", "files", 8)

    def test_a_failure_is_noticed(self):
        """Else all the above would hold for a library that fails nothing."""
        library = failing.build(self.folder)
        if library is None:
            self.skipTest("no compiler here")
        sweep = failing.Sweep(self.path("sweep"), library, chaos.program())
        for what in ("memory", "files"):
            told = sweep.failing(failing.COMMANDS["validate"], what, FAILING_AT="2")
            self.assertNotEqual(0, told.code, "\n%s" % told)
            self.assertIn("chaos-run", sweep.log())
