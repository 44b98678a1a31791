"""The embedding example, as a stranger meets it: built with nothing but pkg-config.

healer/examples/ protects a real call over a real socket with retry, breaker and
fallback, and checks itself what it shows.
"""
import glob
import os
import shutil
import subprocess

import chaos

EXAMPLES = os.path.join(chaos.ROOT, "healer", "examples")
SCENES = [
    "two failures are retried and the call's own answer comes back",
    "a dead server is answered from the fallback",
    "its failures have opened the breaker",
    "while it is open nothing is sent",
    "one trial passes",
    "and closes the breaker",
]
OWN_SCENES = [
    "fresh prices are no alarm",
    "the program's own monitor raises an alarm",
    "its own strategy tries its own procedure first",
    "then its rollback manager puts the settings back that were seen to be good",
    "which is verified, and nobody was called",
    "a monitor that cannot be read is not taken for healthy",
    "settings never seen to be good are not gone back to",
    "and the program's own channel hears of it, once",
    "broken connections are closed and opened anew, and nobody restarts anything",
    "which is verified, too",
    "a database that hangs is probed five times, and no more",
    "then the platform restarts it, at the second asking",
    "which is verified, and nobody was called for it",
]


class Embedding(chaos.Case):
    def setUp(self):
        super().setUp()
        found = glob.glob(chaos.PREFIXES[0] + "/lib/**/libhealer.so", recursive=True)
        self.assertEqual(1, len(found), "libhealer is not installed below %s" % chaos.PREFIXES[0])
        self.libdir = os.path.dirname(found[0])
        self.env = chaos.environment(PKG_CONFIG_PATH=self.libdir + "/pkgconfig",
                                     LD_LIBRARY_PATH=self.libdir)

    def run_in(self, folder, *command):
        done = subprocess.run(command, cwd=folder, env=self.env, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=60)
        self.assertEqual(0, done.returncode, done.stdout)
        return done.stdout

    def test_the_example_builds_against_the_installed_library_and_shows_its_scenes(self):
        folder = self.path("example")
        shutil.copytree(EXAMPLES, folder, ignore=shutil.ignore_patterns("protect_call"))
        self.run_in(folder, "make", "protect_call", "CFLAGS=-O2 -Wall -Wextra -Werror")
        told = self.run_in(folder, "./protect_call").splitlines()
        self.assertEqual(["ok   " + scene for scene in SCENES], told)

    def test_a_healer_of_the_users_own_parts_builds_and_shows_its_scenes(self):
        folder = self.path("example")
        shutil.copytree(EXAMPLES, folder, ignore=shutil.ignore_patterns("protect_call", "own_parts"))
        self.run_in(folder, "make", "own_parts", "CFLAGS=-O2 -Wall -Wextra -Werror")
        told = self.run_in(folder, "./own_parts").splitlines()
        self.assertEqual(["ok   " + scene for scene in OWN_SCENES], [line for line in told if line[0] != " "])
        self.assertEqual(1, sum(line.startswith("     pager: task_failed of shop") for line in told))

    def test_the_thirty_lines_of_the_readme_compile(self):
        with open(os.path.join(chaos.ROOT, "healer", "README.md"), encoding="utf-8") as f:
            code = f.read().split("## Embedding it")[1].split("```c\n")[1].split("```")[0]
        lines = [line for line in code.splitlines() if line.strip() and not line.strip().startswith("/*")]
        self.assertLessEqual(len(lines), 30)
        source = self.write("embed.c", "#include <stdint.h>\nstruct healer_command;\n"
                            "void start_in_background(void *, const struct healer_command *);\n"
                            "void log_line(void *, const char *, uint32_t);\nvoid wake_me_at(int64_t);\n" +
                            code.replace('"healer/healer.h"', "<healer/healer.h>") +
                            "void start_in_background(void *a, const struct healer_command *b) { (void)a, (void)b; }\n"
                            "void log_line(void *a, const char *b, uint32_t c) { (void)a, (void)b, (void)c; }\n"
                            "void wake_me_at(int64_t a) { (void)a; }\nint main(void) { return watch == 0 || feed == 0; }\n")
        flags = self.run_in(None, "pkg-config", "--cflags", "--libs", "healer").split()
        self.run_in(None, "gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-Wno-address", "-o", self.path("embed"), source,
                    *flags, "-lpthread")
        self.run_in(None, self.path("embed"))

    def test_all_public_headers_go_together(self):
        headers = sorted(map(os.path.basename, glob.glob(chaos.PREFIXES[0] + "/include/healer/*.h")))
        for order in headers, headers[::-1]:
            source = self.write("all.c", "".join("#include <healer/%s>\n" % header for header in order))
            self.run_in(None, "gcc", "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
                        "-I", chaos.PREFIXES[0] + "/include", "-fsyntax-only", source)

    def test_every_public_header_is_pedantic_c11_by_itself(self):
        headers = glob.glob(chaos.PREFIXES[0] + "/include/healer/*.h")
        self.assertGreater(len(headers), 15)
        for header in sorted(headers):
            name = os.path.basename(header)
            source = self.write("alone.c", "#include <healer/%s>\n" % name)
            with self.subTest(name):
                self.run_in(None, "gcc", "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
                            "-I", chaos.PREFIXES[0] + "/include", "-fsyntax-only", source)
