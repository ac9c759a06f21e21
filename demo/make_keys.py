"""Makes the demo's stock anew: one CSV file of keys per product in demo/keys/. The seed is fixed, so the files never change by themselves.

    python3 demo/make_keys.py

The keys are made up and open nothing anywhere.
"""

import csv
import random
from pathlib import Path

HERE = Path(__file__).resolve().parent
SEED = 20260301
LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
# How each brand prints its keys: prefix, then groups of this many characters.
FORMS = {
    "yunlan": ("YL", (4, 4, 4)),
    "xinghai": ("XHJY", (5, 5)),
    "shanhe": ("SHL", (4, 4, 4)),
    "wudu": ("WD", (6, 6)),
    "fengche": ("FC", (4, 4)),
    "tingyu": ("TY", (4, 4, 4)),
    "guangying": ("GY", (8,)),
}


def main() -> None:
    """Write the files of every product in products.csv."""
    (HERE / "keys").mkdir(exist_ok=True)
    with (HERE / "products.csv").open(encoding="utf-8", newline="") as file:
        products = list(csv.DictReader(file))
    for product in products:
        chance = random.Random(f"{SEED} {product['slug']}")  # noqa: S311  made-up keys that are to be the same every time
        prefix, groups = FORMS[product["slug"].split("-")[0]]
        keys: dict[str, None] = {}
        while len(keys) < int(product["keys"]):
            keys["-".join([prefix, *("".join(chance.choices(LETTERS, k=length)) for length in groups)])] = None
        (HERE / "keys" / f"{product['slug']}.csv").write_text("key\n" + "".join(f"{key}\n" for key in keys), encoding="utf-8")


if __name__ == "__main__":
    main()
