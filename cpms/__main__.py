"""The command line: `cpms serve`, `demo`, `plan`, `forecast backtest`, `sessions import`, `settings`, `token create`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from cpms.domain.errors import CpmsError, InvalidInput, reason_of
from cpms.domain.identity import Role
from cpms.domain.time import require_aware
from cpms.settings import Settings, load_settings, shown

Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


CHATTY = "httpx", "websockets"
"""They tell of every request and every connection; refusals are told here."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; exit status 0 done, 1 failed, 2 wrong usage."""
    options = _parser().parse_args(arguments)
    try:
        settings = load_settings()
        logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        for chatty in CHATTY:
            logging.getLogger(chatty).setLevel(logging.WARNING)
        status = int(options.run(settings, options) or 0)
        sys.stdout.flush()
        return status
    except InvalidInput as error:
        print(f"cpms: {error}", file=sys.stderr)
        return 2
    except CpmsError as error:
        print(f"cpms: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # whoever read what is printed has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # a directory that cannot be made
        where = f"{error.filename}: " if error.filename else ""
        print(f"cpms: {where}{reason_of(error)}", file=sys.stderr)
        return 1
    except asyncio.CancelledError:
        return 143
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cpms", description="Optimization-first energy management for EV charging.")
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    serve = _verb(verbs, "serve", "serve stations (OCPP) and the HTTP API")
    serve.set_defaults(run=_serve)
    settings = _verb(verbs, "settings", "show every setting, its value and where that comes from")
    settings.set_defaults(run=_settings)
    token = _verb(verbs, "token", "tokens of the HTTP API").add_subparsers(required=True, metavar="VERB")
    create = _verb(token, "create", "create a token and print it, and nothing else")
    create.add_argument("--role", choices=[role.value for role in Role], required=True)
    create.add_argument("--label", default="", help="whose it is, for people")
    create.set_defaults(run=_token_create)
    plan = _verb(verbs, "plan", "plan a situation written as JSON and say why")
    plan.add_argument(
        "situation",
        type=Path,
        help="such as tests/situations/*/situation.json; what it may say: python -m pydoc optimizer.situations.situation",
    )
    plan.add_argument("--picture", type=Path, metavar="FILE", help="draw the plan there too (.png or .svg)")
    plan.set_defaults(run=_plan)
    _add_forecast(verbs)
    _add_sessions(verbs)
    _add_demo(verbs)
    return parser


def _verb(verbs: Verbs, name: str, does: str) -> argparse.ArgumentParser:
    return verbs.add_parser(name, help=does, description=f"{does[0].upper()}{does[1:]}.")


def _add_forecast(verbs: Verbs) -> None:
    forecast = _verb(verbs, "forecast", "forecasts of a site").add_subparsers(required=True, metavar="VERB")
    backtest = _verb(forecast, "backtest", "score what forecasts would have said, from what is stored")
    backtest.add_argument("--site", required=True, metavar="ID")
    backtest.add_argument(
        "--quantity", choices=["solar", "load", "sessions", "arrivals", "peak", "prices"], help="default: all there is"
    )
    backtest.add_argument(
        "--from", dest="since", metavar="INSTANT", help="first issue; default: two thirds of the data"
    )
    backtest.add_argument("--json", action="store_true", help="one JSON list instead of a table")
    backtest.set_defaults(run=_backtest)


def _add_sessions(verbs: Verbs) -> None:
    sessions = _verb(verbs, "sessions", "sessions of a site").add_subparsers(required=True, metavar="VERB")
    bring = _verb(sessions, "import", "bring past sessions along, so that forecasts know the past")
    bring.add_argument("file", type=Path, help="a table of sessions, .csv or .csv.gz (columns as of ACN-Data)")
    bring.add_argument("--site", required=True, metavar="ID")
    bring.add_argument("--until", metavar="INSTANT", help="leave out what ended later; default: now")
    bring.set_defaults(run=_sessions_import)


def _add_demo(verbs: Verbs) -> None:
    demo = _verb(verbs, "demo", "live a day of a site on virtual stations and compare it")
    demo.add_argument("--report", type=Path, metavar="DIR", help="write the picture and report.json there")
    demo.add_argument("--keep", action="store_true", help="go on serving when the day is over, until Ctrl-C")
    demo.add_argument("--sessions", type=Path, metavar="FILE", help="recorded sessions to replay (.csv or .csv.gz)")
    demo.add_argument("--date", metavar="YYYY-MM-DD", help="the recorded day to replay")
    demo.add_argument(
        "--speed",
        type=float,
        help="clock seconds per second; default: 480, a day in 3 minutes, or what this machine can",
    )
    demo.add_argument("--seed", type=int, default=7, help="seed of everything random in the day")
    demo.add_argument(
        "--kill-at", type=float, metavar="HOURS", help="kill the server (SIGKILL) so long after the day's start"
    )
    demo.add_argument(
        "--clocks-off", type=float, default=0.0, metavar="SECONDS", help="stations' clocks are off by up to so much"
    )
    demo.set_defaults(run=_demo)


def _serve(settings: Settings, _: argparse.Namespace) -> None:
    from cpms.app.serve import serve

    asyncio.run(serve(settings))


def _settings(settings: Settings, _: argparse.Namespace) -> None:
    for setting in shown(settings):
        print(f"{setting.name:26} {setting.value!s:40} {setting.source:12} {setting.description}")


def _token_create(settings: Settings, options: argparse.Namespace) -> None:
    from cpms.app.tokens import create_token

    print(asyncio.run(create_token(settings, Role(options.role), options.label)))


def _plan(_: Settings, options: argparse.Namespace) -> None:
    import optimizer
    from optimizer.report.page import describe
    from optimizer.situations.situation import read_situation

    try:
        text = options.situation.read_text("utf-8-sig")
    except OSError as error:
        raise InvalidInput(
            "situation", f"{options.situation}: {reason_of(error)}", "name a file that can be read"
        ) from error
    except UnicodeDecodeError as error:
        raise InvalidInput("situation", f"{options.situation} is no text in UTF-8", "name a file of JSON") from error
    request = read_situation(text)
    if options.picture is not None:
        from cpms.app.plan_picture import require_picture

        require_picture(options.picture)
    made = optimizer.plan(request)
    print(describe(request, made, optimizer.explain(request, made)))
    if options.picture is not None:
        from cpms.app.plan_picture import draw_plan

        draw_plan(request, made, options.picture)


def _backtest(settings: Settings, options: argparse.Namespace) -> None:
    from cpms.app.backtest import backtest, show

    since = None if options.since is None else _instant("--from", options.since)
    show(asyncio.run(backtest(settings, options.site, options.quantity, since)), options.json)


def _sessions_import(settings: Settings, options: argparse.Namespace) -> None:
    from cpms.app.session_import import import_sessions

    until = None if options.until is None else _instant("--until", options.until)
    print(asyncio.run(import_sessions(settings, options.file, options.site, until)))


def _instant(name: str, text: str) -> datetime:
    try:
        return require_aware(datetime.fromisoformat(text), name)
    except ValueError:
        raise InvalidInput(name, f"{text!r} is no instant", "give one like 2026-01-31T18:00:00Z") from None


def _demo(settings: Settings, options: argparse.Namespace) -> int:
    from cpms.app.demo import demo

    return demo(settings, options)


if __name__ == "__main__":
    sys.exit(main())
