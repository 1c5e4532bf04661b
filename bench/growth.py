"""The same reads in shops of 10,000, 100,000 and 1,000,000 tickets on PostgreSQL: does
anything grow that should not?

    python bench/growth.py                                        (about 20 minutes, most of it to write a million tickets)
    python bench/growth.py --sizes 10000,100000 --only ticket,page

Each shop has a database and a server of its own, one process with its in-process cache;
they take turns. Customers grow with the tickets, so that somebody's own tickets stay
ten; mechanics and parts do not. The floor is asked what it can answer, to show what the
database itself takes.
"""

import argparse
import json
import random
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import load
from load import Draw, Request, Server, say

import bench

MOST = 1.5  # times its own CPU, from each size to ten times as many
REQUESTS = {
    **{
        name: bench.REQUESTS[name]
        for name in ("ticket", "page", "mine", "mechanic", "search", "popular", "parts", "304")
    },
    "page-300": Request("page 300 of closed tickets", "/tickets/?page=300&status=closed"),
    "cursor": Request("the same place by cursor", "{cursor}"),
    "all": Request("first page of all tickets", "/tickets/"),
    "rare": Request("tickets on hold", "/tickets/?on_hold=true"),
    "of-customer": Request("a customer's tickets", "/tickets/?customer={customer}"),
    "of-mechanic": Request("a mechanic's tickets", "/tickets/?mechanic={mechanic}"),
    "of-vehicle": Request("a vehicle's tickets", "/tickets/?vehicle={customer}"),
    "oldest": Request("tickets by promised time", "/tickets/?ordering=promised_at"),
    "changed": Request("what changed since", "/tickets/?updated_after=2026-01-01T00:00:00Z"),
    "by-number": Request("search tickets by number", "/tickets/?search=T-000077"),
    "by-plate": Request("search tickets by plate", "/tickets/?search=KV003936"),
    "by-customer": Request("search tickets by customer", "/tickets/?search=Farid+customer77@"),
    "by-phone": Request("search tickets by phone", "/tickets/?search=277-555-0077"),
    "by-nothing": Request("search tickets for what is not there", "/tickets/?search=zzyzx"),
    "customers-by-name": Request(
        "search customers by name", "/customers/?search=Farid+customer77@"
    ),
    "customers-by-phone": Request("search customers by phone", "/customers/?search=277-555-0077"),
    "customers-by-plate": Request("search customers by plate", "/customers/?search=KV003936"),
    "vehicles-by-plate": Request("search vehicles by plate", "/vehicles/?search=KV003936"),
    "history": Request("a ticket's history", "/tickets/{ticket}/history/"),
    "customer": Request("one customer", "/customers/{customer}/"),
    "customers": Request("first page of customers", "/customers/"),
    "vehicles": Request("a customer's vehicles", "/vehicles/?customer={customer}"),
    "plate": Request("vehicle by plate", "/vehicles/?plate=KV003936"),
    "movements": Request("a part's movements", "/parts/{mechanic}/movements/"),
}
ON_FLOOR = {"ticket", "page", "mine", "mechanic", "search", "304", "page-300"}


def cursor_at(server: Server, page: int) -> str | None:
    """The path of a cursor as deep as a page; None where there are no cursors."""
    status, _, body = server.call(
        "GET", "/tickets/?cursor=&status=closed&page_size=100", email=load.gen.MANAGER
    )
    for _ in range(page // 4):
        if status != 200 or not isinstance(body, dict) or "cursor=" not in (body.get("next") or ""):
            return None
        path = body["next"].partition("/api/v1")[2]
        status, _, body = server.call("GET", path, email=load.gen.MANAGER)
    return path.replace("page_size=100", "page_size=25")


def measure(
    name: str, shops: list[tuple[int, Server, Draw]], chosen: argparse.Namespace
) -> list[dict[str, Any]]:
    rounds: dict[tuple[int, str], list[dict[str, float]]] = {}
    for _ in range(chosen.rounds):
        for size, server, draw in random.sample(shops, len(shops)):
            if server.name == bench.FLOOR and name not in ON_FLOOR:
                continue
            request = REQUESTS[name]
            if name == "cursor":
                path = cursor_at(server, 300)
                if path is None:
                    continue
                request = Request(request.what, path)
            status = load.ask(server, request, draw, 0)[0]
            if status != 200:
                say(f"  {name:12} {size:>9,} tickets  {server.name:6} answers {status}: left out")
                continue
            figures = load.measure(server, request, draw, 1, chosen.seconds)
            if figures:
                rounds.setdefault((size, server.name), []).append(figures)
    cells = []
    for (size, server), figures in sorted(rounds.items()):
        cpu, failed = (
            median(each["cpu"] for each in figures),
            sum(each["failed"] for each in figures),
        )
        cells.append(
            {
                "request": name,
                "tickets": size,
                "server": server,
                "cpu": cpu,
                "failed": failed,
                "rounds": figures,
            }
        )
        say(
            f"  {name:12} {size:>9,} tickets  {server:6} {cpu:10,.0f} µs CPU"
            + (f"  {failed:,.0f} FAILED" if failed else "")
        )
    return cells


def table(cells: list[dict[str, Any]], sizes: list[int], only: list[str]) -> list[list[str]]:
    cpu = {(cell["request"], cell["server"], cell["tickets"]): cell["cpu"] for cell in cells}
    failed = {cell["request"] for cell in cells if cell["failed"]}
    steps = list(pairwise(sizes))
    head = [
        "request",
        *(f"{size:,} tickets" for size in sizes),
        *(f"{big:,} ÷ {small:,}" for small, big in steps),
    ]
    rows = [[*head, *(f"floor {big:,} ÷ {small:,}" for small, big in steps), f"≤ {MOST:g} ×?"]]
    for name in only:
        mine = [cpu.get((name, bench.OURS, size)) for size in sizes]
        if not any(mine):
            continue
        growth = [ratio(cpu, name, bench.OURS, step) for step in steps]
        floor = [ratio(cpu, name, bench.FLOOR, step) for step in steps]
        known = [value for value in growth if value is not None]
        rows.append(
            [
                REQUESTS[name].what,
                *("" if value is None else f"{value:,.0f} µs" for value in mine),
                *("" if value is None else f"{value:.2f}" for value in growth + floor),
                "failed"
                if name in failed
                else ""
                if not known
                else "yes"
                if max(known) <= MOST
                else "no",
            ]
        )
    return rows


def ratio(cpu: dict[Any, float], name: str, server: str, step: tuple[int, int]) -> float | None:
    small, big = (cpu.get((name, server, size)) for size in step)
    return big / small if small and big else None


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--sizes",
        type=lambda text: sorted(map(int, text.split(","))),
        default=[10_000, 100_000, 1_000_000],
    )
    parser.add_argument(
        "--only",
        type=lambda text: text.split(","),
        default=list(REQUESTS),
        help=f"of {', '.join(REQUESTS)}",
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--markdown", type=Path)
    chosen = parser.parse_args()
    if unknown := set(chosen.only) - REQUESTS.keys():
        parser.error(f"{min(unknown)!r} is none of {', '.join(REQUESTS)}")
    load.need("wrk", "timeout")
    load.end_on_sigterm()
    with ExitStack() as stack:
        shops = []
        for size in chosen.sizes:
            url = stack.enter_context(load.postgres(size))
            for name in (bench.FLOOR, bench.OURS):
                shops.append(
                    (size, stack.enter_context(bench.STARTS[name](url, "", 1)), Draw(size, [1]))
                )
        cells = [cell for name in chosen.only for cell in measure(name, shops, chosen)]
    rows = table(cells, chosen.sizes, chosen.only)
    print(bench.as_text(rows))
    if chosen.json:
        chosen.json.write_text(json.dumps(cells, indent=1))
    if chosen.markdown:
        chosen.markdown.write_text(bench.as_markdown(rows) + "\n")


if __name__ == "__main__":
    main()
