"""Makes a C file that holds text files: embed.py OUT.c SYMBOL FILE...

Defines `const struct embedded_text SYMBOL[]`, ended by a row of NULLs; a row's
name is the file's name without its ending.
"""
import os
import sys


def main():
    out, symbol, files = sys.argv[1], sys.argv[2], sys.argv[3:]
    with open(out, "w", encoding="ascii") as c:
        c.write('/* made by embed.py */\n#include "harness/scenario/embedded.h"\n\n')
        for i, path in enumerate(files):
            with open(path, "rb") as f:
                data = f.read()
            c.write("static const char text_%d[] = {\n" % i)
            for at in range(0, len(data), 16):
                c.write("        " + ", ".join("%d" % b for b in data[at : at + 16]) + ",\n")
            c.write("        0};\n")
        c.write("\nconst struct embedded_text %s[] = {\n" % symbol)
        for i, path in enumerate(files):
            name = os.path.splitext(os.path.basename(path))[0]
            c.write('        {"%s", text_%d, sizeof(text_%d) - 1},\n' % (name, i, i))
        c.write("        {0, 0, 0},\n};\n")


main()
