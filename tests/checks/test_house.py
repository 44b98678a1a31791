"""What the tree says about itself is so: README, checklist, packages, build lists."""
import os
import re
import shutil
import subprocess
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDERS = ["healer", "harness", "harness/base", "harness/sim", "harness/fleet",
           "harness/scenario", "harness/run", "harness/replay", "harness/cli", "faults",
           "reports", "scenarios", "tests"]
CHECKLIST_ROWS = {"S0": 41, "S1": 33, "S2": 35, "S3": 38, "S4": 24}
EXIT_CODES = {"0", "1", "2", "3", "4", "5", "6", "7", "70", "74", "130", "143"}


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8", errors="replace") as f:
        return f.read()


def files(*endings):
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [d for d in folders
                      if not d.startswith((".git", "build", "__pycache__")) and d != "chaos-results"]
        for name in names:
            if not endings or name.endswith(endings):
                yield os.path.relpath(os.path.join(folder, name), ROOT)


def table_rows(text):
    """The rows of all tables of a page in Markdown, as lists of cells."""
    for line in text.split("\n"):
        if line.startswith("|") and not re.match(r"^\|[\s|:-]+\|$", line):
            yield [cell.strip() for cell in line.strip().strip("|").split("|")]


def code_words(cell):
    return re.findall(r"`([^`]+)`", cell)


class Packages(unittest.TestCase):
    def listed(self):
        rows = []
        for line in read(".ci/packages.txt").split("\n"):
            if line and not line.startswith("#"):
                rows.append(line.split(None, 2))
        return rows

    def test_each_has_a_use_and_a_reason(self):
        self.assertGreater(len(self.listed()), 10)
        for row in self.listed():
            self.assertEqual(3, len(row), row)
            self.assertIn(row[1], ("run", "test", "lint"), row)

    def test_the_readme_names_the_same_for_the_same_reasons(self):
        ours = sorted(tuple(row) for row in self.listed())
        told = sorted((code_words(row[0])[0], row[1], row[2]) for row in table_rows(read("README.md"))
                      if len(row) == 3 and row[1] in ("run", "test", "lint"))
        self.assertEqual(ours, told)


class Readme(unittest.TestCase):
    def test_it_opens_with_the_two_commands(self):
        lines = [line for line in read("README.md").split("\n") if line.strip()]
        self.assertTrue(lines[0].startswith("# chaos-run"), lines[0])
        head = "\n".join(lines[:12])
        self.assertIn("./dev run scenarios/latency.json", head)
        self.assertIn("./dev test", head)

    def test_it_has_every_exit_code_once(self):
        told = [row[0] for row in table_rows(read("README.md"))]
        codes = [code for cell in told for code in code_words(cell) if code in EXIT_CODES]
        self.assertEqual(sorted(EXIT_CODES), sorted(codes))

    def test_its_relative_links_lead_somewhere(self):
        for page in files(".md"):
            for link in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", read(page)):
                if re.match(r"^[a-z]+:", link):
                    continue
                target = os.path.normpath(os.path.join(ROOT, os.path.dirname(page), link))
                self.assertTrue(os.path.exists(target), "%s links to %s" % (page, link))

    def test_each_folder_has_one_of_one_to_three_screens(self):
        for folder in FOLDERS:
            with self.subTest(folder=folder):
                page = os.path.join(folder, "README.md")
                self.assertTrue(os.path.exists(os.path.join(ROOT, page)), "no " + page)
                self.assertGreater(len(read(page).split()), 40, page)


class Changelog(unittest.TestCase):
    def test_it_has_the_version_of_the_build_or_is_yet_to_release_it(self):
        version = re.search(r"version: '([^']+)'", read("meson.build")).group(1)
        text = read("CHANGELOG.md")
        self.assertRegex(text, r"(?m)^## \[Unreleased\]$")
        self.assertRegex(text, r"(?m)^## \[(Unreleased|%s)\]" % re.escape(version))


class Checklist(unittest.TestCase):
    def rows(self):
        return [row for row in table_rows(read("tests/checklist.md"))
                if re.match(r"^S\d-\d\d$", row[0])]

    def test_it_has_every_row_once_and_in_order(self):
        wanted = ["%s-%02d" % (system, i + 1)
                  for system, count in CHECKLIST_ROWS.items() for i in range(count)]
        self.assertEqual(wanted, [row[0] for row in self.rows()])

    def test_a_row_is_done_by_what_is_there_or_says_that_it_is_not(self):
        """`not yet`, or files in backticks: `tests/test_x.c:name_of_test`, a scenario."""
        for row in self.rows():
            with self.subTest(row=row[0]):
                self.assertEqual(3, len(row), row)
                named = code_words(row[2])
                if not named:
                    self.assertRegex(row[2], r"^not yet\b")
                for reference in named:
                    path, _, test = reference.partition(":")
                    full = os.path.join(ROOT, path)
                    self.assertTrue(os.path.exists(full), "no file %s" % path)
                    if test:
                        self.assertRegex(read(path), r"\b%s\b" % re.escape(test))


class Builds(unittest.TestCase):
    """A file that no list names is built by nobody and tests nothing."""

    def named(self, folder, endings, pattern):
        text = read(os.path.join(folder, "meson.build"))
        for path in files(*endings):
            if os.path.dirname(path) == folder:
                yield path, re.search(pattern % re.escape(os.path.basename(path)), text)

    def test_every_source_file_is_built(self):
        for folder in ("healer", "harness/base", "harness/sim", "harness/fleet",
                       "harness/scenario", "harness/run", "harness/replay", "harness/cli",
                       "faults", "reports", "reports/stats"):
            for path, match in self.named(folder, (".c",), r"'%s'"):
                self.assertTrue(match, "%s is not in its meson.build" % path)

    def test_every_unit_test_is_run(self):
        text = read("tests/meson.build")
        for path in files(".c"):
            match = re.match(r"^tests/test_(\w+)\.c$", path)
            if match:
                self.assertRegex(text, r"'(test_)?%s(\.c)?'" % match.group(1),
                                 "%s is not in tests/meson.build" % path)

    def test_every_benchmark_is_built(self):
        text = read("tests/bench/meson.build")
        for path in files(".c"):
            match = re.match(r"^tests/bench/bench_(\w+)\.c$", path)
            if match:
                self.assertRegex(text, r"'(bench_)?%s(\.c)?'" % match.group(1),
                                 "%s is not in tests/bench/meson.build" % path)


class Dev(unittest.TestCase):
    def dev(self, *args, **more):
        return subprocess.run([os.path.join(ROOT, "dev"), *args], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=60, **more)

    def test_its_help_names_every_command_from_any_directory(self):
        told = self.dev("help", cwd="/")
        self.assertEqual(0, told.returncode)
        commands = re.findall(r"(?m)^(\w+)(?: \| [^)]*)?\) (?:cmd_\w+|usage)", read("dev"))
        self.assertGreaterEqual(len(commands), 8)
        for command in commands:
            self.assertRegex(told.stdout, r"(?m)^\./dev %s\b" % command)

    def test_an_unknown_command_or_group_is_refused(self):
        self.assertEqual(2, self.dev("frobnicate").returncode)
        refused = self.dev("test", "frobnicate")
        self.assertNotEqual(0, refused.returncode)
        self.assertIn("frobnicate", refused.stderr)
        self.assertNotIn("passed", refused.stdout)

    def test_the_shell_scripts_are_clean(self):
        for path in ("dev", ".ci/run"):
            self.assertTrue(os.access(os.path.join(ROOT, path), os.X_OK), path)
            subprocess.run(["bash", "-n", os.path.join(ROOT, path)], check=True)
        if not shutil.which("shellcheck"):
            self.skipTest("no shellcheck here")
        told = subprocess.run(["shellcheck", "dev", ".ci/run"], cwd=ROOT,
                              stdout=subprocess.PIPE, text=True)
        self.assertEqual("", told.stdout)


class Programs(unittest.TestCase):
    def test_no_shell_ever_starts_a_program(self):
        """posix_spawn() with a list of words, and nothing that reads a command line."""
        pattern = re.compile(r"\b(system|popen|wordexp|execlp?e?|execvpe?|execve?)\s*\(|/bin/(ba)?sh\b")
        for folder in ("healer", "harness", "faults", "reports"):
            for path in files(".c", ".h"):
                if not path.startswith(folder + "/"):
                    continue
                code = re.sub(r"/\*.*?\*/", "", read(path), flags=re.S)
                self.assertIsNone(pattern.search(code), path)


class Text(unittest.TestCase):
    def test_no_file_names_a_path_of_one_machine(self):
        pattern = re.compile(r"(?<![\w.$}~*-])/(?:work|root|home)/\w")
        for path in files(".c", ".h", ".py", ".md", ".json", ".build", ".txt", ".sh", "dev", "run",
                          ".css", ".gp", ".R"):
            for number, line in enumerate(read(path).split("\n"), 1):
                self.assertIsNone(pattern.search(line), "%s:%d: %s" % (path, number, line.strip()))

    def test_source_files_are_utf8_without_tabs_or_trailing_blanks(self):
        for path in files(".c", ".h", ".py", ".build"):
            for number, line in enumerate(read(path).split("\n"), 1):
                self.assertFalse(line != line.rstrip() or "\t" in line,
                                 "%s:%d: tab or trailing blank" % (path, number))


if __name__ == "__main__":
    unittest.main()
