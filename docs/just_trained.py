"""Run docs/just-trained.md as it is printed, block by block, and keep its pictures: `python docs/just_trained.py`."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import chdir
from pathlib import Path
from typing import Any

PAGE = Path(__file__).with_name("just-trained.md")
IMAGES = Path(__file__).with_name("images")
PICTURES = {"where.png": "digits-where.png", "wanted.png": "digits-wanted.png"}
"""Of the files that the blocks write, those that the page shows, and what they are called there."""


def blocks() -> list[tuple[str, str]]:
    """The language and the text of each block, in their order."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def run(folder: Path) -> dict[str, Any]:
    """Run all blocks in a folder, and return the names that those of Python have made.

    A block whose first line is `# name.py` is written to that file, as a reader would.
    """
    names: dict[str, Any] = {"__name__": "__main__"}
    with chdir(folder):
        for language, text in blocks():
            if file := re.match(r"# (\w+\.py)\n", text):
                Path(file[1]).write_text(text, encoding="utf-8")
            elif language == "python":
                exec(compile(text, PAGE.name, "exec"), names)  # noqa: S102 - our own page
            else:
                subprocess.run(["/bin/sh", "-e", "-c", text], check=True, env=_here())  # noqa: S603 - our own page
    return names


def _here() -> dict[str, str]:
    """The environment in which `innerview` is the one of this Python."""
    return {**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}


def main() -> None:
    """Run them in a folder that goes afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        run(Path(folder))
        for file, name in PICTURES.items():
            shutil.copy(Path(folder, file), IMAGES / name)


if __name__ == "__main__":
    main()
