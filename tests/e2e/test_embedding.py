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
