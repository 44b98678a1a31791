#!/usr/bin/env python3
"""Who may know whom: holds every folder to what it may include and call.

    tests/include_direction.py [ROOT]

Prints each line that breaks a rule as `file:line: what, and what is allowed`,
and exits with 1 when there was one. The rules are the two tables below. A file
is held by the longest folder that its path begins with; folders without a row
(tests/, tools) may see everything.

Includes are read from the text, so that a header which no build compiles is
held as well. What a header brings along counts too: HIDDEN headers must not be
reachable from outside their folder, through whatever chain.

tests/checks/test_include_direction.py shows that each rule can be broken.
"""
import os
import re
import sys

LIBC = set(
    """assert.h complex.h ctype.h errno.h float.h inttypes.h limits.h math.h pthread.h stdalign.h stdarg.h
    stdatomic.h stdbool.h stddef.h stdint.h stdio.h stdlib.h stdnoreturn.h string.h strings.h
    tgmath.h threads.h""".split()
)

# What folders may include, besides themselves: a folder (ends in /) or a file.
FLEET_FACE = ["harness/fleet/fleet.h", "harness/fleet/effect.h", "harness/fleet/action.h",
              "harness/fleet/fleet_spec.h", "harness/fleet/parameter.h"]
MAY_INCLUDE = {
    "healer/": [],
    "healer/store/": ["healer/"],
    "healer/notify/": ["healer/"],
    "harness/base/": [],
    "harness/sim/": ["harness/base/"],
    "harness/fleet/": ["harness/sim/", "harness/base/"],
    "faults/": FLEET_FACE + ["harness/sim/time.h", "harness/base/"],
    "harness/scenario/": ["faults/", "harness/fleet/", "harness/sim/time.h", "harness/base/"],
    "harness/run/": ["harness/scenario/", "faults/", "harness/fleet/", "harness/sim/",
                     "harness/base/"],
    "harness/replay/": ["healer/", "harness/base/"],
    "reports/": ["harness/run/record.h", "harness/fleet/measure.h", "harness/sim/time.h",
                 "harness/base/"],
    "reports/stats/": ["harness/base/"],
    "harness/cli/": ["harness/", "faults/", "healer/", "reports/"],
}

# What lies below a folder and is still none of its business: libraries of their
# own, which need more than libc.
MUST_NOT_INCLUDE = {
    "healer/": ["healer/store/", "healer/notify/"],
    "healer/store/": ["healer/notify/"],
    "healer/notify/": ["healer/store/"],
}

# Files that may include more than their folder. A strategy file is the healer's
# configuration, so the part of the loader that reads one knows its structs; the
# bridge is the one place where a run meets the supervisor, and the guards are
# its policies on edges.
EXTRA = [
    (re.compile(r"harness/scenario/strategy\w*\.[ch]$"), ["healer/"]),
    (re.compile(r"harness/run/heal_bridge\w*\.[ch]$"), ["healer/"]),
    (re.compile(r"harness/run/guards\.[ch]$"), ["healer/"]),
]

# The inside of a folder: reachable by its own files (and tests) only.
HIDDEN = {
    "harness/fleet/model.h": "harness/fleet/",
    "healer/hlr_base.h": "healer/",
    "healer/hlr_supervisor.h": "healer/",
    "healer/hlr_window.h": "healer/",
    "healer/store/hst.h": "healer/store/",
    "healer/store/tables.h": "healer/store/",
}

# Headers of the system that a folder may use, where that is limited.
MAY_USE_SYSTEM = {
    "healer/": LIBC,
    "healer/store/": LIBC | {"sqlite3.h", "sys/stat.h"},  # what kind of file it is given
    "healer/notify/": LIBC | {"curl/curl.h"},
}

CLOCKS = """time clock clock_gettime clock_getres gettimeofday timespec_get localtime gmtime
    localtime_r gmtime_r mktime strftime""".split()
CHANCE = "rand rand_r srand random srandom drand48 erand48 getrandom getentropy arc4random".split()
SURROUNDINGS = "getenv secure_getenv setlocale getpid gethostname sysconf".split()
# Last bits of these differ from one CPU to the next (with and without fused
# multiply-add); harness/base/detmath.h has those whose bits do not.
LIBM = """exp exp2 exp10 expm1 log log2 log10 log1p pow sin cos tan asin acos atan atan2 sinh cosh
    tanh asinh acosh atanh cbrt hypot erf erfc tgamma lgamma""".split()
ENDS = "exit _exit _Exit quick_exit abort raise kill signal atexit".split()
PRINTS = """printf fprintf vprintf vfprintf dprintf puts fputs putchar putc fputc fwrite perror
    syslog psignal""".split()

# Folder, names that must not be called there, why.
MUST_NOT_CALL = [
    ("harness/sim/", CLOCKS + CHANCE + SURROUNDINGS, "a run depends on its scenario and seed only"),
    ("harness/fleet/", CLOCKS + CHANCE + SURROUNDINGS, "a run depends on its scenario and seed only"),
    ("faults/", CLOCKS + CHANCE + SURROUNDINGS, "a run depends on its scenario and seed only"),
    ("healer/", CLOCKS + CHANCE + SURROUNDINGS, "the healer is given the time and its settings"),
    ("harness/sim/", LIBM, "its last bits differ between machines: take harness/base/detmath.h"),
    ("harness/fleet/", LIBM, "its last bits differ between machines: take harness/base/detmath.h"),
    ("faults/", LIBM, "its last bits differ between machines: take harness/base/detmath.h"),
    ("healer/", LIBM, "its last bits differ between machines, and so would decisions"),
    ("healer/", ENDS, "the library lives in someone else's process and never ends it"),
    ("healer/", PRINTS, "the library never prints"),
]
# The one that may: anomaly.c scores recorded telemetry for `replay`; no
# simulated healer asks it, and its scores are compared with a tolerance.
MAY_CALL = {"healer/anomaly.c": set(LIBM)}

# In the text of format strings: an address is another one in every run.
MUST_NOT_FORMAT = ["harness/sim/", "harness/fleet/", "faults/", "healer/"]

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
LITERAL_OR_COMMENT = re.compile(
    r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL
)


def without_comments(text, keep_strings):
    """The text with comments blanked out, and strings too if asked; the lines stay."""

    def blank(match):
        piece = match.group(0)
        if keep_strings and piece[0] in "\"'":
            return piece
        return "\n" * piece.count("\n") or " "

    return LITERAL_OR_COMMENT.sub(blank, text)


def source_files(root):
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(
            d for d in folders
            if not d.startswith((".", "build")) and d not in ("chaos-results", "__pycache__")
        )
        if os.path.relpath(folder, root).replace(os.sep, "/") == "healer/examples":
            continue  # a user's program, not the library
        for name in sorted(names):
            if name.endswith((".c", ".h", ".def", ".inc")):
                yield os.path.relpath(os.path.join(folder, name), root).replace(os.sep, "/")


def longest_row(table, path):
    rows = [folder for folder in table if path.startswith(folder)]
    return max(rows, key=len) if rows else None


def allowed_for(path, folder):
    allowed = [folder] + MAY_INCLUDE[folder]
    for pattern, more in EXTRA:
        if pattern.match(path):
            allowed = allowed + more
    return allowed


def is_allowed(target, allowed):
    return any(target.startswith(a) if a.endswith("/") else target == a for a in allowed)


class Tree:
    """The sources below `root`: for each file its includes, as (line, kind, name)."""

    def __init__(self, root):
        self.root = root
        self.text = {}
        self.includes = {}
        for path in source_files(root):
            with open(os.path.join(root, path), encoding="utf-8", errors="replace") as f:
                self.text[path] = f.read()
            self.includes[path] = list(self.read_includes(path))

    def read_includes(self, path):
        stripped = without_comments(self.text[path], keep_strings=True)
        for number, line in enumerate(stripped.split("\n"), 1):
            match = INCLUDE.match(line)
            if match:
                kind, name = match.groups()
                yield number, kind, self.resolve(path, name) if kind == '"' else name

    def resolve(self, path, name):
        """Beside the file if it is there, as the compiler does, else from the root."""
        beside = os.path.normpath(os.path.join(os.path.dirname(path), name)).replace(os.sep, "/")
        if os.path.exists(os.path.join(self.root, beside)):
            return beside
        return os.path.normpath(name).replace(os.sep, "/")

    def ours(self, target):
        return longest_row(MAY_INCLUDE, target) is not None or target in self.text

    def reach(self, path):
        """Every file of ours that `path` brings in, with the chain that does."""
        chains = {path: [path]}
        waiting = [path]
        while waiting:
            at = waiting.pop(0)
            for _, kind, target in self.includes.get(at, []):
                if kind == '"' and target not in chains:
                    chains[target] = chains[at] + [target]
                    waiting.append(target)
        return chains


def include_breaches(tree):
    for path, includes in tree.includes.items():
        folder = longest_row(MAY_INCLUDE, path)
        if folder is None:
            continue
        allowed = allowed_for(path, folder)
        for line, kind, target in includes:
            if kind == '"' and any(target.startswith(f) for f in MUST_NOT_INCLUDE.get(folder, [])):
                yield "%s:%d: includes %s; that is a library beside %s" % (
                    path, line, target, folder)
            elif kind == '"' and not is_allowed(target, allowed):
                yield "%s:%d: includes %s; %s may include %s only" % (
                    path, line, target, folder, ", ".join(allowed))
            if kind == "<" and folder in MAY_USE_SYSTEM and target not in MAY_USE_SYSTEM[folder]:
                more = sorted(MAY_USE_SYSTEM[folder] - LIBC)
                yield "%s:%d: includes <%s>; %s uses libc's headers only%s" % (
                    path, line, target, folder, " and " + ", ".join(more) if more else "")
            if kind == "<" and tree.ours(target):
                yield '%s:%d: includes <%s>, a header of ours: write "%s"' % (
                    path, line, target, target)


def hidden_breaches(tree):
    for path in tree.text:
        if longest_row(MAY_INCLUDE, path) is None:
            continue
        for target, chain in tree.reach(path).items():
            home = HIDDEN.get(target)
            if home and not path.startswith(home):
                yield "%s:1: reaches %s, which is the inside of %s (%s)" % (
                    path, target, home, " -> ".join(chain))


def call_breaches(tree):
    for path, text in tree.text.items():
        code = without_comments(text, keep_strings=False).split("\n")
        for folder, names, why in MUST_NOT_CALL:
            if not path.startswith(folder):
                continue
            names = [n for n in names if n not in MAY_CALL.get(path, ())]
            if not names:
                continue
            # Not after `.` or `->`: a member of that name is no call into libc.
            call = re.compile(r"(?<![\w.>])(%s)\s*\(" % "|".join(map(re.escape, names)))
            for number, line in enumerate(code, 1):
                for match in call.finditer(line):
                    yield "%s:%d: calls %s(): %s" % (path, number, match.group(1), why)


def format_breaches(tree):
    for path, text in tree.text.items():
        if not any(path.startswith(folder) for folder in MUST_NOT_FORMAT):
            continue
        code = without_comments(text, keep_strings=True).split("\n")
        for number, line in enumerate(code, 1):
            for literal in re.findall(r'"(?:\\.|[^"\\])*"', line):
                if re.search(r"(?<!%)(?:%%)*%[-+ #0-9.]*p", literal):
                    yield "%s:%d: prints an address (%%p), another one in every run" % (path, number)


def breaches(root):
    tree = Tree(root)
    found = []
    for check in (include_breaches, hidden_breaches, call_breaches, format_breaches):
        found.extend(check(tree))
    return found, len(tree.text)


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..")
    found, files = breaches(root)
    if files == 0:
        found.append("%s: no source file there" % root)
    for line in found:
        print(line)
    print("%d files, %d breaches" % (files, len(found)), file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
