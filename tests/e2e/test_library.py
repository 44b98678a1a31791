"""libhealer on its own: built against from outside, it knows nothing but libc."""
import glob
import os
import re
import subprocess

import chaos

# The smallest user: a breaker.
USER = r"""
#include <healer/breaker.h>
#include <stdio.h>

int main(void)
{
        struct healer_breaker_config config = healer_breaker_config_defaults();
        struct healer_breaker *breaker = NULL;

        if (healer_breaker_create(&config, 0, &breaker) != HEALER_OK)
                return 1;
        healer_breaker_destroy(breaker);
        puts("fine");
        return 0;
}
"""


class Library(chaos.Case):
    def setUp(self):
        super().setUp()
        prefix = chaos.PREFIXES[0]
        found = glob.glob(prefix + "/lib/**/libhealer.so", recursive=True)
        self.assertEqual(1, len(found), "libhealer is not installed below %s" % prefix)
        self.shared = found[0]
        self.libdir = os.path.dirname(found[0])

    def tool(self, *command, **how):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              **how)
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout

    def flags(self):
        env = chaos.environment(PKG_CONFIG_PATH=self.libdir + "/pkgconfig")
        return self.tool("pkg-config", "--cflags", "--libs", "healer", env=env).split()

    def test_a_program_from_outside_builds_against_each_header(self):
        for header in sorted(glob.glob(chaos.PREFIXES[0] + "/include/healer/*.h")):
            name = os.path.basename(header)
            self.assertFalse(name.startswith("hlr_"), "the inside of the library is installed")
            source = self.write("one.c", "#include <healer/%s>\nint main(void) { return 0; }\n" % name)
            for compiler in (["gcc"], ["g++", "-x", "c++"]):
                if compiler[0] == "g++" and subprocess.run(
                        ["sh", "-c", "command -v g++"], stdout=subprocess.DEVNULL).returncode:
                    continue
                with self.subTest(name, compiler=compiler[0]):
                    self.tool(*compiler, "-Wall", "-Wextra", "-Werror", "-fsyntax-only", source,
                              *[f for f in self.flags() if f.startswith("-I")])

    def test_the_smallest_user_works_with_the_shared_and_the_static_library(self):
        source = self.write("user.c", USER)
        warnings = ["-Wall", "-Wextra", "-Werror"]
        flags = self.flags()
        includes = [flag for flag in flags if flag.startswith("-I")]
        self.tool("gcc", *warnings, "-o", self.path("shared"), source, *flags)
        self.tool("gcc", *warnings, "-o", self.path("static"), source, *includes,
                  self.libdir + "/libhealer.a", "-lm")
        for name, where in (("shared", self.libdir), ("static", None)):
            done = subprocess.run([self.path(name)], env=chaos.environment(LD_LIBRARY_PATH=where),
                                  stdout=subprocess.PIPE, text=True)
            self.assertEqual((0, "fine\n"), (done.returncode, done.stdout), name)

    def test_it_needs_nothing_but_libc(self):
        needed = re.findall(r"\(NEEDED\).*\[(.*)\]", self.tool("readelf", "-dW", self.shared))
        self.assertTrue(needed)
        for name in needed:
            self.assertRegex(name, r"^(libc|libm)\.so\.6$|^ld-linux")

    def test_it_never_prints_ends_or_looks_around(self):
        wanted = re.findall(r"\bUND (\w+)", self.tool("readelf", "--dyn-syms", "-W", self.shared))
        self.assertIn("memcpy", wanted)
        for name in ("printf", "fprintf", "puts", "putchar", "fwrite", "perror", "exit", "_exit",
                     "abort", "time", "clock_gettime", "gettimeofday", "rand", "random", "getenv",
                     "open", "fopen", "write", "socket", "fork", "pthread_create"):
            self.assertNotIn(name, wanted)

    def test_its_names_begin_with_healer(self):
        for line in self.tool("nm", "-D", "--defined-only", self.shared).split("\n"):
            if line:
                self.assertRegex(line.split()[-1], r"^healer_")


class Hardening(chaos.Case):
    """Of the program and of every library that is installed with it, from each compiler."""

    def installed(self):
        found = [(chaos.program(prefix), True) for prefix in chaos.PREFIXES]
        for prefix in chaos.PREFIXES:
            libraries = glob.glob(os.path.join(prefix, "lib", "**", "libhealer*.so.?"), recursive=True)
            self.assertGreaterEqual(len(libraries), 1, prefix)
            found += [(path, False) for path in libraries]
        return found

    def told(self, *command):
        return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout

    def test_it_is_position_independent_and_its_tables_are_read_only(self):
        for path, is_program in self.installed():
            with self.subTest(path):
                told = self.told("readelf", "-hldW", path)
                self.assertRegex(told, r"Type:\s+DYN")
                if is_program:
                    self.assertRegex(told, r"Flags:.* PIE")
                self.assertIn("GNU_RELRO", told)
                self.assertRegex(told, r"BIND_NOW|FLAGS.*NOW")
                self.assertRegex(told, r"GNU_STACK.*RW ")
                self.assertNotRegex(told, r"TEXTREL|RPATH|RUNPATH")

    def test_it_guards_its_stack_and_its_buffers(self):
        for path, _ in self.installed():
            with self.subTest(path):
                names = self.told("readelf", "--dyn-syms", "-W", path)
                self.assertIn("__stack_chk_fail", names)
                self.assertRegex(names, r"__(?!stack)\w+_chk\b")

    def test_it_starts_no_shell(self):
        for path, _ in self.installed():
            wanted = re.findall(r"\bUND (\w+)", self.told("readelf", "--dyn-syms", "-W", path))
            self.assertIn("__stack_chk_fail", wanted)
            for name in ("system", "popen", "wordexp", "execl", "execlp", "tmpnam", "mktemp", "gets"):
                self.assertNotIn(name, wanted, path)
