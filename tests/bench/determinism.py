#!/usr/bin/env python3
"""Ten scenarios in every way that must not matter: ./dev bench determinism

    tests/bench/determinism.py PROGRAM [REPEATS]

Builds the program with gcc and clang, each at -O0 and -O3, and with gcc's ASan and UBSan, and
takes the digests of ten scenarios with 1 and 8 threads from each; from PROGRAM besides in
three locales by two time zones, and REPEATS times over (50, or CHAOS_REPEATS). All must be
those in tests/data/digests.txt. The folders of the builds are beside PROGRAM's build and kept.
Prints a line a way; exits with 1 when one differs.
"""
import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "e2e")]

import chaos  # noqa: E402
import digests  # noqa: E402

BUILDS = [("gcc", "0", "none"), ("gcc", "3", "none"), ("clang", "0", "none"), ("clang", "3", "none"),
          ("gcc", "1", "address,undefined")]
LOCALES = ["C", "de_DE.UTF-8", "tr_TR.UTF-8"]
ZONES = ["Asia/Kolkata", "America/St_Johns"]


def locales(folder):
    """A private copy of each locale, so that it does not matter which are installed."""
    for name in LOCALES[1:]:
        subprocess.run(["localedef", "-i", name.split(".")[0], "-f", "UTF-8",
                        os.path.join(folder, name)], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
    return folder


def built(beside, compiler, level, sanitizer):
    """The program, built like that."""
    folder = os.path.join(beside, "determinism-%s-O%s-%s" % (compiler, level, sanitizer.split(",")[0]))
    if not os.path.exists(os.path.join(folder, "build.ninja")):
        subprocess.run(["meson", "setup", folder, digests.ROOT, "-Doptimization=" + level, "-Dtests=disabled",
                        "-Dbench=false", "-Ddebug=false", "-Dc_args=-g1", "-Db_sanitize=" + sanitizer,
                        "-Db_lundef=false"],
                       check=True, env=dict(os.environ, CC=compiler), stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "--quiet", "-C", folder, "harness/cli/chaos-run"], check=True,
                   stdout=subprocess.DEVNULL)
    return os.path.join(folder, "harness", "cli", "chaos-run")


class Ways:
    def __init__(self, folder):
        self.folder, self.bad = folder, 0

    def look(self, what, program, jobs="1", **env):
        told = digests.moved(digests.taken(program, self.folder, args=("--jobs", jobs),
                                           env=chaos.environment(**env)))
        self.bad += bool(told)
        print("%-60s %s" % (what, "moved: " + ", ".join(told) if told else "the same"), flush=True)


def main():
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    program = os.path.abspath(sys.argv[1])
    repeats = int(sys.argv[2] if len(sys.argv) > 2 else os.environ.get("CHAOS_REPEATS", "50"))
    beside = os.path.dirname(os.path.dirname(os.path.dirname(program)))
    folder = tempfile.mkdtemp(prefix="chaos-determinism-")
    try:
        ways = Ways(folder)
        where = locales(folder)
        for name in LOCALES:
            for zone in ZONES:
                ways.look("%s, %s" % (name, zone), program, LC_ALL=name, TZ=zone, LOCPATH=where)
        for build in BUILDS:
            for jobs in ("1", "8"):
                ways.look("%s -O%s, sanitizers %s, %s threads" % (*build, jobs), built(beside, *build), jobs)
        for i in range(repeats):
            ways.look("again, %d of %d" % (i + 1, repeats), program, "8")
    finally:
        shutil.rmtree(folder, True)
    print("%d ways differ" % ways.bad if ways.bad else "the same bytes in every way")
    return 1 if ways.bad else 0


sys.exit(main())
