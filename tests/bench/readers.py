"""How fast one huge aggregate report is read: `python -m tests.bench.readers --rows 100000`

Processor time of this process, the best of some rounds, because a busy machine only ever makes it slower.
"""

import argparse
import gc
import gzip
import random
import time
from collections.abc import Iterator

from parser.kinds.reading import Terms
from parser.kinds.registry import Readers
from pipeline.contracts.mail import DocumentFormat
from pipeline.runtime.service import COLLECT_AFTER
from tests.support.reports import report_xml

RECORD = """  <record>
    <row>
      <source_ip>{ip}</source_ip>
      <count>{count}</count>
      <policy_evaluated>
        <disposition>{disposition}</disposition>
        <dkim>{dkim}</dkim>
        <spf>{spf}</spf>
      </policy_evaluated>
    </row>
    <identifiers>
      <header_from>{domain}</header_from>
    </identifiers>
    <auth_results>
      <dkim>
        <domain>{domain}</domain>
        <result>{dkim}</result>
        <selector>{selector}</selector>
      </dkim>
      <spf>
        <domain>{bounce}</domain>
        <result>{spf}</result>
      </spf>
    </auth_results>
  </record>
"""


def records(count: int, *, seed: int) -> Iterator[str]:
    """Records of forty domains, ten selectors, and as many addresses as there are."""
    chance = random.Random(seed)
    domains = [f"d{number}.example.com" for number in range(40)]
    for _ in range(count):
        domain = chance.choice(domains)
        is_v4 = chance.random() < 0.8
        yield RECORD.format(
            ip=f"192.0.{chance.randrange(256)}.{chance.randrange(256)}"
            if is_v4
            else f"2001:db8::{chance.randrange(65536):x}",
            count=chance.randrange(1, 50),
            disposition=chance.choice(("none", "reject")),
            dkim=chance.choice(("pass", "fail")),
            spf=chance.choice(("pass", "fail")),
            domain=domain,
            selector=f"s{chance.randrange(10)}",
            bounce=chance.choice(domains),
        )


def best_of(rounds: int, document: bytes) -> float:
    """Seconds of processor time."""
    best, readers = float("inf"), Readers()
    for _ in range(rounds):
        began = time.process_time()
        readers.read(document, format=DocumentFormat.XML, terms=Terms()).close()
        best = min(best, time.process_time() - began)
    return best


def main() -> None:
    """Prints rows per second."""
    options = argparse.ArgumentParser(prog="python -m tests.bench.readers", description=main.__doc__)
    options.add_argument("--rows", type=int, default=20_000)
    options.add_argument("--rounds", type=int, default=20)
    given = options.parse_args()
    document = gzip.compress(report_xml(records="".join(records(given.rows, seed=1))).encode())
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
    seconds = best_of(given.rounds, document)
    print(f"{given.rows / seconds:,.0f} rows/s, {seconds / given.rows * 1e6:.1f} µs a row")


if __name__ == "__main__":
    main()
