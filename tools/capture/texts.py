"""The texts of the end-to-end measurement, from packages that anybody can have.

A text that was looked at while parameters were chosen is marked as seen. The digest of
each is stored with the results, because a Go tree or a package of another version
has another text.
"""

import gzip
import hashlib
import html
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy

from document import find_book, read_book


@dataclass(frozen=True)
class Text:
    name: str
    source: str
    seen: bool
    text: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]


def go_root() -> Path:
    return find_book().parents[2]


def plain_html(path: Path) -> str:
    """The words of an HTML page: tags removed, code kept with its line breaks."""
    page = path.read_text(encoding="utf-8")
    page = re.sub(r"<!--.*?-->", "", page, flags=re.DOTALL)
    return re.sub(r"\n{3,}", "\n\n", html.unescape(re.sub(r"<[^>]+>", "", page))).strip()


def jargon(folder: Path) -> str:
    """The Jargon File of Debian's package jargon-text (public domain), unpacked in a folder."""
    found = sorted(folder.rglob("jargon*.gz")) + sorted(folder.rglob("jargon*.txt"))
    if not found:
        raise SystemExit(f"{folder}: no jargon file: apt-get download jargon-text; dpkg -x jargon-text_*.deb {folder}")
    data = gzip.decompress(found[0].read_bytes()) if found[0].suffix == ".gz" else found[0].read_bytes()
    text = data.decode("utf-8", errors="replace")
    return "\n\n".join(" ".join(p.split()) for p in re.split(r"\n\s*\n", text))


def all_texts(jargon_folder: Path) -> list[Text]:
    version = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True, check=True).stdout.strip()
    root = go_root()
    numpy_file = Path(numpy.__file__).parent / "lib" / "_function_base_impl.py"
    return [
        Text("book", "prose: Newton's Opticks, from Go's source tree", True, read_book(find_book())),
        Text("jargon", "prose: the Jargon File 4.4.7, Debian's jargon-text", False, jargon(jargon_folder)),
        Text("manual", f"manual: the specification of Go ({version})", False, plain_html(root / "doc" / "go_spec.html")),
        Text("python", f"source code: numpy {numpy.__version__}, lib/_function_base_impl.py", False, numpy_file.read_text(encoding="utf-8")),
        Text("go", f"source code: net/http/server.go ({version})", False, (root / "src/net/http/server.go").read_text(encoding="utf-8")),
    ]
