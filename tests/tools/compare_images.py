#!/usr/bin/env python3
"""Holds `heddle image list` and `image set` against a plain reader, over any folder of config repositories.

    compare_images.py places HEDDLE DIR...
        Recall and precision of `heddle image list DIR`, against a plain reader of YAML: each text under a key of image
        kind that reads as an image reference, and each mapping with a repository and a tag.

    compare_images.py edits [--sample N] HEDDLE DIR...
        Writes another tag at each listed place by itself, or at N of each folder that are drawn by a fixed seed, on a copy,
        and reads the result with a plain reader: the value at the place must be the new one, and every other value of every
        document as it was. `several` are places that change together.

Needs PyYAML. Nothing is fetched and nothing in DIR is changed.
"""
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter

import yaml

Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# host/path:tag@digest, as the distribution project defines references.
PART = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
HOST = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*(?::[0-9]+)?)"
REFERENCE = re.compile(rf"^(?P<name>(?:{HOST}/)?{PART}(?:/{PART})*)(?::(?P<tag>[\w][\w.-]{{0,127}}))?(?:@(?P<digest>[a-z0-9]+:[0-9a-f]{{32,}}))?$")
IMAGE_KEY = re.compile(r"(?:^|[_-])image(?:name|_name)?$|Image(?:Name)?$|^image$", re.I)
PICTURE = re.compile(r"\.(?:png|jpe?g|gif|svg|webp|ico|iso|qcow2|img)$", re.I)


def documents(text):
    """The documents of a text as a plain reader has them; None where it is no YAML."""
    try:
        return list(yaml.load_all(text, Loader=Loader))
    except (yaml.YAMLError, ValueError, RecursionError, AttributeError, TypeError):
        return None


def files_of(root):
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            # What a link leads to is counted where it stands.
            if not os.path.islink(os.path.join(folder, name)):
                yield os.path.relpath(os.path.join(folder, name), root)


def call(*command, timeout=120):
    try:
        done = subprocess.run(command, capture_output=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        return 124, "", "it took too long"
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def listed(heddle, *arguments):
    code, out, err = call(heddle, "image", "list", *arguments, "-o", "json")
    try:
        return code, json.loads(out)
    except ValueError:
        sys.exit(f"{' '.join(arguments)}: exit {code}: {err.strip()}")


def split(text):
    """(name, tag, digest) of an image as it is written."""
    text, _, digest = text.partition("@")
    head, slash, last = text.rpartition("/")
    last, _, tag = last.partition(":")
    return head + slash + last, tag, digest


def plain_places(document):
    """What a plain reader calls an image: a text under a key of image kind, or a mapping with a name and a tag."""
    def walk(value, key):
        if isinstance(value, dict):
            name = value.get("repository") or (value.get("name") if IMAGE_KEY.search(key) else None)
            tag = value.get("tag", value.get("newTag"))
            if isinstance(name, str) and isinstance(tag, (str, int, float)) and REFERENCE.match(name) and str(tag):
                host = value.get("registry")
                yield (f"{host}/{name}" if isinstance(host, str) and host else name), str(tag).partition("@")[0]
            for inner_key, inner in value.items():
                if isinstance(inner, str) and IMAGE_KEY.search(str(inner_key)):
                    found = REFERENCE.match(inner)
                    if found and not PICTURE.search(inner) and (found["tag"] or found["digest"]):
                        yield found["name"], found["tag"] or ""
                yield from walk(inner, str(inner_key))
        elif isinstance(value, list):
            for item in value:
                yield from walk(item, key)
    yield from walk(document, "")


LEFT_OUT = re.compile(r"(^|/)(docker-)?compose[.-][^/]*$|(^|/)Chart\.(yaml|lock)$")


def places(heddle, folder):
    """Recall against the plain reader, and what Heddle alone has."""
    _, answer = listed(heddle, folder)
    own = Counter()
    for one in answer["images"]:
        name, tag, _ = split(one["image"])
        own[(one["file"], name, tag)] += 1
    names = {(file, tag) for file, _, tag in own}
    wanted = Counter()
    for path in files_of(folder):
        if not path.endswith((".yaml", ".yml")) or LEFT_OUT.search(path) or os.path.basename(path).startswith("."):
            continue
        with open(os.path.join(folder, path), encoding="utf-8", errors="replace") as file:
            text = file.read()
        for document in documents(text) or []:
            for name, tag in plain_places(document):
                wanted[(path, name, tag)] += 1
    found = missed = 0
    for (path, name, tag), count in sorted(wanted.items()):
        # A mirror's host may stand elsewhere, so the same file with the same tag counts.
        have = own.get((path, name, tag), 0) or (count if (path, tag) in names else 0)
        found += min(count, have)
        if have < count:
            missed += count - have
            print(f"  missed {path}: {name}:{tag} ({count - have} of {count})")
    seen = {(path, tag) for path, _, tag in wanted}
    for (path, name, tag), count in sorted(own.items()):
        if (path, tag) not in seen:
            print(f"  heddle alone {path}: {name}:{tag}")
    total = found + missed
    print(f"{folder}: {found} of {total} found ({100 * found / max(total, 1):.1f} %), {sum(own.values())} listed")
    return Counter(found=found, missed=missed, listed=sum(own.values()))


def edits(heddle, folder, sample=None):
    """Edits each place alone and reads the result."""
    result = Counter()
    with tempfile.TemporaryDirectory() as scratch:
        copy = os.path.join(scratch, "copy")
        shutil.copytree(folder, copy, symlinks=True, ignore=shutil.ignore_patterns(".git"))
        _, answer = listed(heddle, copy)
        drawn = answer["images"]
        if sample is not None and sample < len(drawn):
            drawn = random.Random(folder).sample(drawn, sample)
        for one in drawn:
            result[edit_one(heddle, copy, one)] += 1
    print(f"{folder}: {dict(result)}")
    return result


def edit_one(heddle, copy, one):
    path = os.path.join(copy, one["file"])
    with open(path, "rb") as file:
        before = file.read()
    code, _, err = call(heddle, "image", "set", copy, "--image", one["repository"], "--tag", "987.65.4", "--at", one["at"])
    with open(path, "rb") as file:
        after = file.read()
    with open(path, "wb") as file:
        file.write(before)
    if code != 0:
        changed = " and CHANGED the file" if after != before else ""
        if changed:
            print(f"  WRONG {one['at']}: refused{changed}")
            return "wrong"
        print(f"  refused {one['at']}: {err.strip().splitlines()[0] if err.strip() else code}")
        return "refused"
    old, new = documents(before.decode()), documents(after.decode())
    if old is None and new is None:
        # What a plain reader refuses, such as a template that is YAML by chance, is compared by its bytes.
        start, end = one["span"]
        kept = before[:start] == after[:start] and after.endswith(before[end:])
        return "right" if kept else "wrong"
    if old is None or new is None or len(old) != len(new):
        print(f"  WRONG {one['at']}: the result does not read")
        return "wrong"
    changed = [(way, was, now) for (way, was), (_, now) in zip(all_scalars(old), all_scalars(new)) if was != now]
    grown = len(list(all_scalars(new))) - len(list(all_scalars(old)))
    if grown not in (0, 1) or (grown == 0 and (not changed or any("987.65.4" not in str(now) for _, _, now in changed))):
        print(f"  WRONG {one['at']}: {changed[:3]} grown by {grown}")
        return "wrong"
    return "right" if grown == 0 and len(changed) == 1 else "several"


def all_scalars(value, way=()):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from all_scalars(inner, way + (str(key),))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from all_scalars(item, way + (index,))
    else:
        yield way, value


def main():
    arguments, sample = sys.argv[1:], None
    if "--sample" in arguments:
        at = arguments.index("--sample")
        sample = int(arguments[at + 1])
        del arguments[at:at + 2]
    if len(arguments) < 3 or arguments[0] not in ("places", "edits"):
        sys.exit(__doc__)
    what, heddle, rest = arguments[0], arguments[1], arguments[2:]
    total = Counter()
    for folder in rest:
        total += places(heddle, folder) if what == "places" else edits(heddle, folder, sample)
    print(f"all: {dict(total)}")
    sys.exit(1 if total["wrong"] else 0)


if __name__ == "__main__":
    main()
