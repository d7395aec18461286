"""`innerview --install-completion`: the Tab key completes commands and options."""

from pathlib import Path
from typing import Annotated, Literal

from ..errors import SettingError
from .flags import SWITCH, Out
from .flowing import flowing
from .output import writing
from .terminal import tell

Shell = Literal["bash", "zsh", "fish", "powershell"]


@flowing
def install_completion(
    *,
    shell: Shell | None = None,
    out: Out = None,
    show: Annotated[bool, SWITCH] = False,
) -> None:
    """Let the Tab key complete commands and options.

    Writes a script to where your shell looks for such scripts, and into the shell's start-up file (.bashrc,
    .zshrc, …) a line that loads it.

    Args:
        shell: the shell; by default the one that is running.
        out: write the script to this file instead, and leave the start-up file alone.
        show: print the script instead, and write nothing.
    """
    from cyclopts.completion.detect import ShellDetectionError, detect_shell

    from .main import app

    try:
        shell = shell or detect_shell()
    except ShellDetectionError as error:
        raise SettingError("this shell is not known; name one with --shell bash, zsh, fish or powershell") from error
    if show:
        tell(app().generate_completion(shell=shell))
        return
    with writing(out or Path("the completion script")):
        path = app().install_completion(shell=shell, output=out, add_to_startup=out is None)
    tell(f"wrote {path}; start a new shell to use it")
