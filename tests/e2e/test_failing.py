"""Allocations, and steps of input and output, that fail: a share of the sweep of failing.py.

Which share turns with each build of the program; `./dev bench failing` does it whole, and
again under ASan.
"""
import re
import subprocess

import chaos
import failing

ALLOCATES = (r"malloc|calloc|realloc|reallocarray|aligned_alloc|posix_memalign|strn?dup|(__)?v?asprintf(_chk)?|"
             r"fopen(64)?|fdopen|fopencookie|open_memstream|opendir|(__)?realpath(_chk)?|(__)?getdelim|getline|scandir(64)?")


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

    def test_what_allocates_is_watched_under_each_of_its_names(self):
        """None of these is called but by memory_watch.c, whose own calls are the only ones that are left."""
        told = subprocess.run(["objdump", "-d", "--no-show-raw-insn", chaos.program()], stdout=subprocess.PIPE,
                              text=True, check=True).stdout
        inside, wrong = "", set()
        for line in told.splitlines():
            if line.endswith(">:"):
                inside = line.split("<")[1][:-2]
            found = re.search(r"(?:call|jmp)\s.*<(\w+)@plt>", line)
            if found and re.fullmatch(ALLOCATES, found[1]) and not inside.startswith("__wrap_"):
                wrong.add((inside, found[1]))
        self.assertEqual(set(), wrong)
