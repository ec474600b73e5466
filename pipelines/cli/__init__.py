"""The `medgym` command line: one Typer application, one module a family of commands, heavy imports inside them.

Exit status: 0 success, 1 a failed verdict (a gate, a check), 2 bad usage or bad input, told in one line on standard
error. `--debug` shows the traceback instead. With `--json` standard output is one JSON document.
"""

import sys
from collections.abc import Sequence

import typer

from medgym_core.errors import MedGymError
from pipelines.cli import data, evaluate, index, judge, models, report, run, train, world
from pipelines.environment import prepare

UsageError = typer.BadParameter.__bases__[0]  # Typer carries its own copy of click, or not, depending on its version

app = typer.Typer(
    name="medgym",
    help="Train and evaluate medical language-model agents on synthetic patients.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)
for family in (run, world, index, data, train, evaluate, report, judge, models):
    family.add(app)


@app.callback()
def _options(debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error.")) -> None:
    """Train and evaluate medical language-model agents on synthetic patients."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in arguments
    # `--debug` is understood wherever it stands.
    arguments = [a for a in arguments if a != "--debug"]
    sys.exit(execute(arguments, debug))


def execute(arguments: list[str], debug: bool = False) -> int:
    """Run one command; gives the exit status."""
    from pipelines.cli.common import one_line

    prepare()
    try:
        status = typer.main.get_command(app).main(arguments, prog_name="medgym", standalone_mode=False)
        return status if isinstance(status, int) else 0
    except UsageError as error:
        one_line(f"{error.format_message()} (see: medgym --help)")
    except MedGymError as error:
        if debug:
            raise
        one_line(str(error))
    except KeyboardInterrupt:
        one_line("stopped; the same command continues where it can")
        return 130
    return 2


if __name__ == "__main__":
    main()
