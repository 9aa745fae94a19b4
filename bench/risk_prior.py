"""Makes `app/risk/prior.json`, where every shop's model starts: `python -m bench.risk_prior`.

The seeds are these and no others; no figure is ever told of them (`bench/risk_model.py`).
"""

from __future__ import annotations

import msgspec

from app.risk.comparing import NEVER
from app.risk.learning import Learner
from app.risk.prior import PRIOR_FILE, PriorFile
from app.risk.scoring import Content, Number, digest_of
from bench.simulated_lessons import years

SEEDS = range(1001, 1009)


def make() -> Content:
    """Every order of every shop of these years, with what came of it. What a shop calls its goods is its own: the prior
    knows no categories."""
    learner = Learner(None)
    for seed in SEEDS:
        for example in sorted((one for year in years(seed) for one in year.examples), key=lambda one: one.at):
            for known in example.known:
                learner.learn(example.facts, is_bad=known.is_bad)
    made = learner.content(NEVER)
    return msgspec.structs.replace(
        made, goods={}, numbers=tuple(_rounded(one) for one in made.numbers), learnt=0
    )


def _rounded(one: Number) -> Number:
    return Number(one.name, one.count, round(one.mean, 6), round(one.variance, 6), round(one.weight, 6))


def main() -> None:
    content = make()
    file = PriorFile(digest_of(content).hex(), content)
    PRIOR_FILE.write_bytes(msgspec.json.format(msgspec.json.encode(file), indent=1) + b"\n")
    print(f"{PRIOR_FILE.name}: {len(content.numbers)} numbers, {file.digest[:12]}")


if __name__ == "__main__":
    main()
