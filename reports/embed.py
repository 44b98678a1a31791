#!/usr/bin/env python3
"""embed.py OUT FILE... - files as C strings, so that the program needs none of them.

plots/style.gp becomes `static const char embedded_style_gp[]`, and so on.
"""
import os
import re
import sys


def literal(text):
    for line in text.splitlines(keepends=True):
        line = line.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("??", "?\\?")
        yield '        "%s"\n' % line


def main(out, files):
    with open(out, "w", encoding="utf-8") as header:
        header.write("/* Made by embed.py: do not edit. */\n")
        for path in files:
            name = re.sub(r"\W", "_", os.path.basename(path))
            with open(path, encoding="utf-8") as source:
                header.write("static const char embedded_%s[] __attribute__((unused)) =\n" % name)
                header.writelines(literal(source.read()))
                header.write("        ;\n")


main(sys.argv[1], sys.argv[2:])
