"""Packs pylcc/ and what `make wheel` built in build/native/ into one wheel."""

import os
import re
import shutil
import zipfile

from setuptools import Distribution, find_packages, setup
from setuptools.command.build_py import build_py
from wheel.bdist_wheel import bdist_wheel

HERE = os.path.dirname(os.path.abspath(__file__))
NATIVE = os.path.join(HERE, "build", "native")
COMPAT = os.path.join("pylcc", "compat")  # packages of old, each installed under its own name


def read(*path):
    with open(os.path.join(HERE, *path), encoding="utf-8") as f:
        return f.read()


class Native(Distribution):
    def has_ext_modules(self):
        return True


class BuildWithNative(build_py):
    def run(self):
        if not os.path.exists(os.path.join(NATIVE, "liblcc.so")):
            raise SystemExit("pack the wheel: build/native/liblcc.so is not there (run `make wheel`)")
        build_py.run(self)
        target = os.path.join(self.build_lib, "pylcc", "native")
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(NATIVE, target)


class Wheel(bdist_wheel):
    """A wheel for every Python on x86-64 Linux with a glibc that manylinux allows.

    manylinux1 is named too because the pip that came with old Pythons knows nothing newer; liblcc.so
    needs no symbol that manylinux1 forbids."""

    def finalize_options(self):
        bdist_wheel.finalize_options(self)
        self.compression = zipfile.ZIP_STORED

    def get_tag(self):
        return "py2.py3", "none", "manylinux1_x86_64.manylinux2014_x86_64"

    def run(self):
        bdist_wheel.run(self)
        for _, _, path in self.distribution.dist_files:
            squeeze(path)


def squeeze(path):
    """Compress as well as deflate can: most of it is one compiler of 70 MB."""
    with zipfile.ZipFile(path) as loose, zipfile.ZipFile(path + ".new", "w") as tight:
        for item in loose.infolist():
            tight.writestr(item, loose.read(item), zipfile.ZIP_DEFLATED, 9)
    os.rename(path + ".new", path)


setup(
    name="coolbpf",
    version=re.search('VERSION = "(.+)"', read("pylcc", "_identity.py")).group(1),
    description="eBPF programs from Python: C in a string, running in the kernel by the end of the constructor",
    long_description=read("README.md"),
    long_description_content_type="text/markdown",
    author="the coolbpf authors",
    license="MIT",
    packages=find_packages(include=["pylcc", "pylcc.*"]) + find_packages(COMPAT),
    package_dir=dict((name, os.path.join(COMPAT, name)) for name in find_packages(COMPAT)),
    package_data={"": ["*.pyi", "py.typed"]},
    entry_points={"console_scripts": [
        "coolbpf = coolbpf.coolbpf:main",
        "surftrace = surftrace.surftrace:main",
        "surfGraph = surftrace.surfGraph:main",
        "kobuild = surftrace.kobuild:main",
    ]},
    python_requires=">=2.7,!=3.0.*,!=3.1.*,!=3.2.*,!=3.3.*,!=3.4.*,!=3.5.*",
    classifiers=[
        "License :: OSI Approved :: MIT License",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 2.7",
        "Programming Language :: Python :: 3",
    ],
    distclass=Native,
    cmdclass={"build_py": BuildWithNative, "bdist_wheel": Wheel},
    zip_safe=False,
)
