"""Copies what the console loads in the browser from node_modules into its static folder: `make vendor`.

Beside the files it writes `importmap.json` (bare name -> file, what the page's import map is made of) and
`LICENSES.txt`. The folder is ignored by git and part of the package.
"""

import json
import re
import shutil
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from scripts import node
from scripts.venvs import ROOT

TARGET = ROOT / "layers" / "app" / "anima" / "console" / "static" / "vendor"

MODULES: Mapping[str, tuple[str, str]] = {
    "preact": ("preact.js", "preact/dist/preact.mjs"),
    "preact/hooks": ("preact-hooks.js", "preact/hooks/dist/hooks.mjs"),
    "htm": ("htm.js", "htm/dist/htm.module.js"),
    "htm/preact": ("htm-preact.js", "htm/preact/index.module.js"),
    "@preact/signals": ("signals.js", "@preact/signals/dist/signals.module.js"),
    "@preact/signals-core": ("signals-core.js", "@preact/signals-core/dist/signals-core.module.js"),
    "marked": ("marked.js", "marked/lib/marked.esm.js"),
    "dompurify": ("dompurify.js", "dompurify/dist/purify.es.mjs"),
    "uplot": ("uplot.js", "uplot/dist/uPlot.esm.js"),
}
"""Bare name that the page imports -> (file in the vendor folder, file in node_modules)."""

FONTS: Mapping[str, str] = {
    f"{family}-{subset}.woff2": f"@fontsource-variable/{family}/files/{family}-{subset}-wght-normal.woff2"
    for family in ("inter", "jetbrains-mono")
    for subset in ("latin", "latin-ext", "cyrillic", "greek")
}

STYLES: Mapping[str, str] = {"uplot.css": "uplot/dist/uPlot.min.css"}


def main() -> None:
    """Installs the packages when the lock changed, then writes the folder anew when it differs from them."""
    node.install(dev=False)
    sources = (ROOT / "package-lock.json", Path(__file__))
    stamp, state = TARGET / ".stamp", sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    if stamp.is_file() and stamp.read_text() == state:
        return
    shutil.rmtree(TARGET, ignore_errors=True)
    TARGET.mkdir(parents=True)
    files = {**dict(MODULES.values()), **FONTS, **STYLES}
    for name, source in files.items():
        _copy(node.MODULES / source, TARGET / name)
    (TARGET / "importmap.json").write_text(json.dumps({bare: name for bare, (name, _) in MODULES.items()}, indent=2))
    (TARGET / "LICENSES.txt").write_text(_licenses(set(files.values())))
    stamp.write_text(state)
    print(f"console: {len(files)} files vendored")


def _copy(source: Path, target: Path) -> None:
    """Copies a file; a script loses the mention of its source map, which is not there to be loaded."""
    if target.suffix != ".js":
        shutil.copyfile(source, target)
        return
    text = re.sub(r"//# sourceMappingURL=\S*$", "", source.read_text(encoding="utf-8"), flags=re.MULTILINE)
    target.write_text(text.rstrip() + "\n", encoding="utf-8")


def _licenses(sources: set[str]) -> str:
    packages = sorted({"/".join(source.split("/")[: 2 if source.startswith("@") else 1]) for source in sources})
    texts = []
    for package in packages:
        folder = node.MODULES / package
        version = json.loads((folder / "package.json").read_text())
        found = sorted(path for path in folder.iterdir() if path.name.upper().startswith("LICENSE"))
        text = found[0].read_text(encoding="utf-8") if found else "see the package's own page\n"
        texts.append(f"{package} {version['version']} ({version['license']})\n\n{text}")
    return ("\n" + "-" * 78 + "\n\n").join(texts)


if __name__ == "__main__":
    main()
