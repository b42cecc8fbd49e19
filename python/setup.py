"""Puts the shared library of anchorvk into the wheel.

It is taken from the file that ANCHORVK_LIBRARY names; else built, where this
folder lies in a checkout and there are Go and a C compiler. A wheel without it,
as an sdist gives one, loads the library that is installed on the system.
"""

import os
import pathlib
import shutil
import subprocess
import sys

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.dist import Distribution

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:
    from wheel.bdist_wheel import bdist_wheel

HERE = pathlib.Path(__file__).resolve().parent
CHECKOUT = HERE.parent
NAME = {"win32": "anchorvk.dll", "darwin": "libanchorvk.1.dylib"}.get(sys.platform, "libanchorvk.so.1")


class BuildWithLibrary(build_py):
    def run(self):
        super().run()
        target = pathlib.Path(self.build_lib, "anchorvk", NAME)
        given = os.environ.get("ANCHORVK_LIBRARY")
        if given:
            shutil.copyfile(given, target)
        elif (CHECKOUT / "tools" / "capi.sh").is_file() and shutil.which("go"):
            folder = pathlib.Path(self.get_finalized_command("build").build_temp, "capi").resolve()
            subprocess.run([str(CHECKOUT / "tools" / "capi.sh"), str(folder)], check=True)
            shutil.copyfile(folder / NAME, target)
        else:
            target.unlink(missing_ok=True)
            print("anchorvk: no library in this wheel: the module will load an installed one", file=sys.stderr)


class OfThisPlatform(Distribution):
    def has_ext_modules(self):
        return True


class AnyPython(bdist_wheel):
    """The library belongs to a platform, but to no version of Python."""

    def get_tag(self):
        return ("py3", "none", super().get_tag()[2])


setup(cmdclass={"build_py": BuildWithLibrary, "bdist_wheel": AnyPython}, distclass=OfThisPlatform)
