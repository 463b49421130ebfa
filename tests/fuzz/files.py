"""Mutated sound files and pictures: ``python -m tests.fuzz.files [--sounds N] [--pictures N] [--seed S]``."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.fuzz.campaign import Campaign, Tally
from tests.fuzz.corpus import picture_seeds, sound_seeds


def main(arguments: list[str] | None = None) -> int:
    """Runs both campaigns; 1 when anything was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sounds", type=int, default=20_000)
    parser.add_argument("--pictures", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "fuzz-findings")
    wanted = parser.parse_args(arguments)
    found = 0
    for name, seeds, count in (
        ("sounds", sound_seeds(), wanted.sounds),
        ("pictures", picture_seeds(), wanted.pictures),
    ):
        campaign = Campaign(seeds, wanted.seed, wanted.keep / name)
        print(f"{name}: {count} mutations of {len(seeds)} files", flush=True)
        for done in campaign.run(count):
            print(f"  {done}: {said(campaign.tally)}", flush=True)
        for finding in campaign.tally.findings:
            print(f"  {finding.path}: {finding.what}")
        found += len(campaign.tally.findings)
    return 1 if found else 0


def said(tally: Tally) -> str:
    """A tally in one line."""
    outcomes = ", ".join(f"{count} {name}" for name, count in sorted(tally.outcomes.items()))
    cpu_s, mb = tally.worst_cpu_s, tally.worst_mb
    return (
        f"{outcomes}; worst {cpu_s[0]:.1f} s ({cpu_s[1]}), {mb[0]:.0f} MB ({mb[1]}); "
        f"{len(tally.findings)} found"
    )


if __name__ == "__main__":
    sys.exit(main())
