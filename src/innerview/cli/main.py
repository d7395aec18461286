"""The command `innerview`: which verbs there are, and how a run ends."""

import os
import sys
import traceback
import warnings
from collections.abc import Sequence

from cyclopts import App, CycloptsError, Parameter

from ..errors import InnerviewError
from ..version import __version__
from .endings import FINE, INTERRUPTED, MISTAKE, NO_READER, NothingUsableError
from .terminal import accept_all_characters, complain

_VERBS = {
    "tour": "One page with every look at an image and its network.",
    "explain": "Where in the images the answer comes from.",
    "filters": "What a layer learned: its kernels as pictures.",
    "activations": "What happens inside for an image, layer by layer.",
    "synthesize": "The picture that answers a question best.",
    "dream": "Images in which the network sees more of what it sees already.",
    "dictionary": "What the network sees at one position of an image, unit by unit.",
    "groups": "What a layer sees in an image, in a few groups of channels.",
    "grid": "An image as a layer sees it.",
    "attack": "How small a change of each image changes the answer.",
    "predict": "The most probable classes of each image.",
    "demo": "Watch a small network being trained.",
    "layers": "The layers of a network, as a tree.",
    "methods": "The methods that explain can use.",
}


def app(asked: str = "") -> App:
    """The command line; each verb is imported when it is used.

    The help of the verb that is asked for is its own docstring, of the others the summary here.
    """
    command_line = App(
        name="innerview",
        help="Look inside a vision network: what it answers, and where in the image the answer comes from.",
        help_epilogue="Every command takes --debug: it shows where in the program an error came from.",
        help_format="plaintext",
        version=__version__,
        default_parameter=Parameter(negative=()),
        suppress_keyboard_interrupt=False,
        result_action="return_value",
    )
    for verb, summary in _VERBS.items():
        command_line.command(f"innerview.cli.{verb}:{verb}", name=verb, help=None if verb == asked else summary)
    command_line.command(
        "innerview.cli.completion:install_completion",
        name="--install-completion",
        help="Let the Tab key complete commands and options.",
    )
    return command_line


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is 0, 2 for a user's mistake, or 130 after Ctrl-C."""
    tokens, debug = _without_debug(sys.argv[1:] if arguments is None else arguments)
    accept_all_characters()
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_: complain(str(message))
            ended = app(*tokens[:1])(tokens, exit_on_error=False, print_error=False, verbose=False)
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_output()
        return NO_READER
    except NothingUsableError:
        return MISTAKE
    except (InnerviewError, CycloptsError, OSError) as error:
        return _end(MISTAKE, _sentence(error), debug)
    except KeyboardInterrupt:
        return _end(INTERRUPTED, "stopped", debug)
    return ended or FINE


def _without_debug(arguments: Sequence[str]) -> tuple[list[str], bool]:
    """The arguments without `--debug`, and whether it was among them; what follows `--` is not looked at."""
    tokens = list(arguments)
    end = tokens.index("--") if "--" in tokens else len(tokens)
    kept = [each for each in tokens[:end] if each != "--debug"]
    return kept + tokens[end:], len(kept) < end


def _end(code: int, sentence: str, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    complain(sentence)
    return code


def _sentence(error: Exception) -> str:
    if isinstance(error, CycloptsError):
        command = " ".join(["innerview", *(error.command_chain or ())])
        return f"{error} See: {command} --help"
    if isinstance(error, OSError):
        reason = error.strerror or str(error)
        return f"{reason}: {str(error.filename)!r}" if error.filename else reason
    return str(error)


def _forget_output() -> None:
    """Let the rest of the output go nowhere: nobody reads it, as after `| head`."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
